"""Drift: the stream held against a frozen reference of the mixture."""
