"""Live, soft clustering of a stream: a Gaussian mixture kept up to date by stepwise EM."""

__version__ = "0.1.0"
