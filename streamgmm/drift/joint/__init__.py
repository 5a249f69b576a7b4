"""Detectors that watch all scores at once: `averages`, `sums` and `suffixes`, behind the interface of `interface`."""
