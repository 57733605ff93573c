"""Whether two readings come to the same: everything that is judged, and no word that is shown."""

from collections.abc import Iterator
from datetime import date, timedelta

from cleargate.eligibility.read import Json

_WORDS = frozenset({"plan", "note", "text", "tip", "name", "message", "file", "payer"})
"""What is for people to read; whether there is something must still be the same."""
_DATES = frozenset({"begins", "ends"})
_BOUND_DAYS = 400
"""A date that bounds a year or a month may be moved by so much more or less than the others."""


def differences(before: list[Json], after: list[Json], moved: timedelta) -> list[str]:
    """Where two lists of `read --json` come to something different, by the names of places."""
    return list(dict.fromkeys(_between(before, after, "answers", moved)))


def _between(before: object, after: object, path: str, moved: timedelta) -> Iterator[str]:
    name = path.rpartition(".")[2].partition("[")[0]
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _between(before.get(key), after.get(key), f"{path}.{key}", moved)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path} ({len(before)}, {len(after)})"
        for at, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _between(one, other, f"{path}[{at}]", moved)
    elif not _are_same(name, before, after, moved):
        yield path


def _are_same(name: str, before: object, after: object, moved: timedelta) -> bool:
    if name in _WORDS or name == "shared":
        return bool(before) == bool(after)
    if name in _DATES and isinstance(before, str) and isinstance(after, str):
        drift = date.fromisoformat(after) - date.fromisoformat(before) - moved
        return before == after or abs(drift.days) < _BOUND_DAYS
    return before == after
