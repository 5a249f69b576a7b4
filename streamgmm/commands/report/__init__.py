"""`streamgmm drift report`: what the events of the last hours say, for eyes: as lines, and as a page with pictures."""
