"""Records as columns: a fetch is one buffer and arrays of positions in it, never an object per record."""
