"""Faults for the fuzzer to find: were it blind to them, it would find nothing else either."""

import re
from random import Random


def fails(content: bytes, rng: Random) -> None:
    """Raises for one answer in some dozens."""
    if b"EB*I**PT" in content:
        raise KeyError("planted")


def hangs(content: bytes, rng: Random) -> None:
    """Computes without end, in C."""
    re.match(rb"(a+)+$", b"a" * 64 + b"b")


def swells(content: bytes, rng: Random) -> None:
    """Takes more memory than there is."""
    bytearray(3_000_000_000)
