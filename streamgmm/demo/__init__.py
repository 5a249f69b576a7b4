"""The demo: real data streams through the whole service on an embedded log, and a live view shows what is learnt.

`datasets` says what streams, `story` when its population changes, `feeder` writes it to the log, `history` remembers
what the learner showed, `live_view` and `summary` draw it, `run` plays it all together.
"""
