"""What the live page is shown: frames of committed states, a bounded ring of them to rewind, and one stream a page.

`recorder` makes a frame four times a second at most, whether a page is open or not, by keeping references to what the
learner has committed; what costs something (projecting, formatting) is done in `wire`, once for all pages that look at
the same thing, and only while one is open.
"""
