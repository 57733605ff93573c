"""The rehearsal: synthetic patients post requests, follow links and wait; every end is checked."""

from cleargate.operations.rehearsal.play import rehearse

__all__ = ["rehearse"]
