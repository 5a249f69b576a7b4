"""Records as columns: a fetch is one buffer and arrays of positions in it, never an object per record.

`columns` is the shape they travel in; `record_batch` reads and writes Kafka's bytes; `vectors` decodes values,
`assignments` encodes them; `headers`, `partition` and `dead_letters` prepare what is sent; `warm` compiles it all.
"""
