"""The files of rules: read, checked, and refused with file, rule and key where they are wrong.

One file a payer. `names` and `ids` are exactly what the payer calls itself in its answers (NM1*PR);
`directory` are its ids in our directory. Every `[[rule]]` has a `kind`, the `source` that says so
and its `date`; its other keys are the fields of the kind's class. There are no patterns in these
files: words are compared as they stand, so that no file can make the reading hang.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, NamedTuple, cast

from cleargate.coverage.payers.coverage_rules import COVERAGE_RULES, CoverageRule
from cleargate.coverage.payers.row_rules import ROW_RULES, RowRule
from cleargate.coverage.payers.spelling import plain
from cleargate.nouns.errors import Refused

KINDS: Mapping[str, type[RowRule] | type[CoverageRule]] = {**ROW_RULES, **COVERAGE_RULES}
_LISTS = ("names", "ids", "directory")
_TEXT_MAX = 400


class Rule(NamedTuple):
    """One rule: its kind, what it does, and who says so since when."""

    kind: str
    how: RowRule | CoverageRule
    source: str
    date: date


@dataclass(frozen=True, slots=True)
class PayerRules:
    """One file: by what the payer is recognised, spelled plainly, and its rules in file order."""

    file: str
    names: frozenset[str]
    ids: frozenset[str]
    directory: frozenset[str]
    rules: tuple[Rule, ...]


@cache
def all_rules() -> tuple[PayerRules, ...]:
    """The files that ship with Cleargate, read once. Raises Refused."""
    folder = resources.files("cleargate.coverage.payers")
    found = sorted(
        (one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name
    )
    return without_doubles(read_rules(one.name, one.read_text("utf-8")) for one in found)


def read_rules(file: str, text: str) -> PayerRules:
    """One file's rules. Raises Refused, naming file and key and what to write there."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise Refused(f"{file}: this is no TOML: {wrong}.") from None
    _only(table, (*_LISTS, "rule"), file)
    names, ids, directory = (_spelled(table, key, file) for key in _LISTS)
    if not names:
        raise Refused(f"{file}, key names: list what the payer calls itself in its answers.")
    entries = table.get("rule")
    if not isinstance(entries, list) or not entries:
        raise Refused(f"{file}: it has no [[rule]]; leave the file out, or add one.")
    rules = tuple(_rule(entry, f"{file}, rule {at}") for at, entry in enumerate(entries, 1))
    return PayerRules(file, names, ids, directory, rules)


def without_doubles(files: Iterable[PayerRules]) -> tuple[PayerRules, ...]:
    """The files, of which no two may claim one name or id. Raises Refused."""
    owners: dict[tuple[str, str], str] = {}
    found = tuple(files)
    for one in found:
        for key in _LISTS:
            for value in getattr(one, key):
                owner = owners.setdefault((key, value), one.file)
                if owner != one.file:
                    raise Refused(
                        f"{one.file}, key {key}: {value} stands in {owner} already; "
                        "a payer has one file."
                    )
    return found


def _rule(entry: object, place: str) -> Rule:
    if not isinstance(entry, dict):
        raise Refused(f"{place}: write it as a [[rule]] table.")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused(f"{place}, key kind: use one of {', '.join(KINDS)}.")
    place = f"{place} ({kind})"
    source, dated = entry.get("source"), entry.get("date")
    if not isinstance(source, str) or not source.strip():
        raise Refused(f"{place}, key source: say who says so; without a source there is no rule.")
    if not isinstance(dated, date):
        raise Refused(f"{place}, key date: write the source's date as 2026-05-01.")
    own = {key: value for key, value in entry.items() if key not in {"kind", "source", "date"}}
    return Rule(kind, _made(KINDS[kind], own, place), source, dated)


def _made(
    kind: type[RowRule] | type[CoverageRule], own: dict[str, object], place: str
) -> RowRule | CoverageRule:
    """The rule of a kind, every key of which is known and of the right shape."""
    known = {one.name: one for one in fields(cast(Any, kind))}
    _only(own, known, place)
    for name, one in known.items():
        if name not in own and one.default is MISSING:
            raise Refused(f"{place}, key {name}: it is missing.")
    values = {
        name: _value(value, known[name].type, f"{place}, key {name}") for name, value in own.items()
    }
    for name, choices in kind.CHOICES.items():
        if name in values and values[name] not in choices:
            allowed = ", ".join(map(str, choices))
            raise Refused(f"{place}, key {name}: use one of {allowed}.")
    made: RowRule | CoverageRule = cast(Any, kind)(**values)
    return made


def _value(value: object, shape: object, place: str) -> object:
    """A value of a field's shape: a number, a text, a list of texts, or texts under texts."""
    if shape is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise Refused(f"{place}: write a whole number.")
    if shape is str:
        return _text(value, place)
    if shape == tuple[str, ...]:
        if isinstance(value, list) and value:
            return tuple(_text(one, place) for one in value)
        raise Refused(f'{place}: write a list such as ["PT"].')
    if isinstance(value, dict) and value:
        return {key: _text(one, place) for key, one in value.items()}
    raise Refused(f"{place}: write a table of texts.")


def _text(value: object, place: str) -> str:
    if isinstance(value, str) and value.strip() and len(value) <= _TEXT_MAX:
        return value
    raise Refused(f"{place}: write a text of at most {_TEXT_MAX} characters.")


def _spelled(table: Mapping[str, object], key: str, file: str) -> frozenset[str]:
    """The names or ids of a file, spelled plainly."""
    values = table.get(key, [])
    if not isinstance(values, list):
        raise Refused(f'{file}, key {key}: write a list such as ["EXAMPLE PLAN"].')
    spelled = {plain(_text(value, f"{file}, key {key}")) for value in values}
    if "" in spelled:
        raise Refused(f"{file}, key {key}: use letters and digits of ASCII.")
    return frozenset(spelled)


def _only(found: Iterable[str], known: Iterable[str], place: str) -> None:
    known = tuple(known)
    for key in found:
        if key not in known:
            raise Refused(f"{place}: there is no key {key!r}; use {', '.join(known)}.")
