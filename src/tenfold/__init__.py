"""Tenfold: the deep-learning workstation you use from a browser."""

__version__ = "0.1.0"
