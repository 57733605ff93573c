"""Cleargate: what is clear passes by itself, what is not waits at a gate."""

__version__ = "0.1.0"
