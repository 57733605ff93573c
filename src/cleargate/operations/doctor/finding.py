"""What a check finds, and what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from cleargate.house import House


class Level(StrEnum):
    """How bad it is. LOOK: it works, and somebody should know."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about the installation, and one about the way out where it is not well.

    Neither ever holds a value of a patient, nor a secret.
    """

    level: Level
    what: str
    way_out: str = ""


def ok(what: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, what)


def look(what: str, way_out: str) -> Finding:
    """Somebody should know."""
    return Finding(Level.LOOK, what, way_out)


def wrong(what: str, way_out: str) -> Finding:
    """Not as it should be."""
    return Finding(Level.WRONG, what, way_out)


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of look at the house; it may break, or take longer than its time, without harm."""

    name: str
    look: Callable[[House], Iterable[Finding]]
    limit_s: float = 30.0
