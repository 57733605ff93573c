"""Payers: what patients call them, what each clearinghouse calls them, and the way to ask them.

The directory is a file that people keep: the starter that ships with Cleargate, and the practice's
own CSV laid over it. A row with a known id changes only the cells that it fills; a row with a new
id adds a payer. Columns: `id, name, aliases, category, code, routes, enrolment`, `searches` and
`services` (see searches.py), `source` (where a line comes from, for people), and any number of
`clearinghouse:<kind>` and `ehr:<vendor>`, each holding that system's own id of the payer. Several
aliases, routes or searches stand in one cell with `|` between them. Lines that begin with `#` are
remarks.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from cleargate.directory.names import Names
from cleargate.directory.searches import STANDARD, Unknown, read_searches, read_service_list
from cleargate.nouns.eligibility import Search, ServiceList
from cleargate.nouns.errors import Refused

STARTER = Path(__file__).with_name("payers.csv")
"""The file that ships with Cleargate."""

_PLAIN = (
    *("id", "name", "aliases", "category", "code", "routes", "enrolment"),
    *("searches", "services", "source"),
)
_PREFIXES = ("clearinghouse:", "ehr:")
_BYTES_MAX = 20_000_000


class Category(StrEnum):
    """The kind of payer, for policies and for the desk's filters."""

    COMMERCIAL = "commercial"
    BLUE = "blue"
    MEDICARE = "medicare"
    MEDICARE_ADVANTAGE = "medicare_advantage"
    MEDICAID = "medicaid"
    MILITARY = "military"
    ADMINISTRATOR = "administrator"
    WORKERS_COMPENSATION = "workers_compensation"
    AUTO = "auto"


class Enrolment(StrEnum):
    """Whether the practice must enrol before the payer answers. UNSTATED: the file does not say."""

    NEEDED = "needed"
    NOT_NEEDED = "not_needed"
    UNSTATED = ""


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer. `code` is its usual id, for a clearinghouse that has no id of its own here.

    `clearinghouse_ids` maps a clearinghouse's kind, `ehr_ids` an EHR vendor, to the id there.
    `routes` names connections or kinds of clearinghouse, best first; empty means any. `searches`
    are what it is asked by: the first always, the others for a person whom it did not find.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    category: Category = Category.COMMERCIAL
    code: str = ""
    clearinghouse_ids: Mapping[str, str] = field(default_factory=dict, hash=False)
    ehr_ids: Mapping[str, str] = field(default_factory=dict, hash=False)
    routes: tuple[str, ...] = ()
    enrolment: Enrolment = Enrolment.UNSTATED
    searches: tuple[Search, ...] = STANDARD
    service_list: ServiceList = ServiceList.UNSTATED

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a person may call this payer."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Connection:
    """A clearinghouse connection of the practice: its name, and the kind of clearinghouse."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask a payer: over which connection, and under which code."""

    connection: str
    payer_code: str
    enrolment: Enrolment


class PayerDirectory:
    """All payers of a practice; never changes once loaded."""

    def __init__(self, payers: Iterable[Payer] = ()) -> None:
        self._payers = {payer.id: payer for payer in payers}
        self._names = Names({payer.id: payer.names for payer in self._payers.values()})

    def __iter__(self) -> Iterator[Payer]:
        return iter(self._payers.values())

    def __len__(self) -> int:
        return len(self._payers)

    def by_id(self, payer_id: str) -> Payer | None:
        """The payer with our id, or None."""
        return self._payers.get(payer_id)

    def by_name(self, text: str) -> Payer | None:
        """The one payer that goes by exactly this name but for case and punctuation, or None."""
        found = self._names.exactly(text)
        return self._payers[found[0]] if len(found) == 1 else None

    def search(self, text: str, limit: int = 8) -> tuple[Payer, ...]:
        """The payers that somebody who types this may mean, best first; typos are forgiven."""
        return tuple(self._payers[key] for key in self._names.search(text, limit))

    def route(self, payer_id: str, connections: Sequence[Connection]) -> tuple[Route, ...]:
        """The ways to ask a payer, best first.

        Only what the payer's `routes` name, in that order; without them every connection, in the
        practice's order. A connection under which the payer has no code is left out, so an empty
        answer means that nobody can ask.
        """
        payer = self.by_id(payer_id)
        if payer is None:
            return ()
        ordered = [
            connection
            for wanted in payer.routes
            for connection in connections
            if wanted in (connection.name, connection.kind)
        ]
        routes = (
            Route(each.name, payer.clearinghouse_ids.get(each.kind) or payer.code, payer.enrolment)
            for each in dict.fromkeys(ordered if payer.routes else connections)
        )
        return tuple(route for route in routes if route.payer_code)


def load_directory(starter: Path = STARTER, practice_csv: Path | None = None) -> PayerDirectory:
    """Read the starter file and lay the practice's own CSV over it.

    Raises Refused, naming file, line and column, when a row cannot be read.
    """
    payers: dict[str, Payer] = {}
    for path in (starter, practice_csv):
        if path is not None:
            for row in _rows(path):
                payer = row.over(payers.get(row.id))
                payers[payer.id] = payer
    return PayerDirectory(payers.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a payer file, with its place for whoever has to mend it."""

    file: str
    line: int
    cells: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.cells["id"]

    def over(self, known: Payer | None) -> Payer:
        """The payer that this row makes, laid over what an earlier file said."""
        if known is None and not self.cells.get("name"):
            raise self.refused("name", "a new payer needs a name")
        base = known or Payer(self.id, self.cells["name"])
        return replace(
            base,
            name=self.cells.get("name") or base.name,
            aliases=self._list("aliases") or base.aliases,
            category=self._category() or base.category,
            code=self.cells.get("code") or base.code,
            clearinghouse_ids=self._ids("clearinghouse:", base.clearinghouse_ids),
            ehr_ids=self._ids("ehr:", base.ehr_ids),
            routes=self._list("routes") or base.routes,
            enrolment=self._enrolment() or base.enrolment,
            searches=self._searches() or base.searches,
            service_list=self._service_list() or base.service_list,
        )

    def refused(self, column: str, why: str) -> Refused:
        """The error for one cell."""
        return Refused(f"{self.file}, line {self.line}, column {column}: {why}.")

    def _list(self, column: str) -> tuple[str, ...]:
        parts = (part.strip() for part in self.cells.get(column, "").split("|"))
        return tuple(part for part in parts if part)

    def _ids(self, prefix: str, known: Mapping[str, str]) -> Mapping[str, str]:
        own = {
            column.removeprefix(prefix): cell
            for column, cell in self.cells.items()
            if column.startswith(prefix) and cell
        }
        return {**known, **own}

    def _category(self) -> Category | None:
        word = self.cells.get("category", "")
        if word and word not in set(Category):
            raise self.refused("category", "use one of " + ", ".join(Category))
        return Category(word) if word else None

    def _enrolment(self) -> Enrolment:
        word = self.cells.get("enrolment", "")
        if word not in set(Enrolment):
            raise self.refused("enrolment", "use needed, not_needed, or leave it empty")
        return Enrolment(word)

    def _searches(self) -> tuple[Search, ...]:
        try:
            return read_searches(self.cells.get("searches", ""))
        except Unknown as unknown:
            raise self.refused("searches", str(unknown)) from None

    def _service_list(self) -> ServiceList:
        try:
            return read_service_list(self.cells.get("services", ""))
        except Unknown as unknown:
            raise self.refused("services", str(unknown)) from None


def _rows(path: Path) -> Iterator[_Row]:
    """The rows of one file, each id at most once."""
    seen: dict[str, int] = {}
    for row in _read(path):
        if not row.id:
            raise row.refused("id", "it is empty")
        if row.id in seen:
            raise row.refused("id", f"it stands in line {seen[row.id]} already")
        seen[row.id] = row.line
        yield row


def _read(path: Path) -> Iterator[_Row]:
    numbered = [
        (number, line)
        for number, line in enumerate(_lines(path), start=1)
        if line.strip() and not line.startswith("#")
    ]
    header: list[str] = []
    for number, line in numbered:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], strict=True))]
        except csv.Error:
            raise Refused(f"{path.name}, line {number}: a quotation mark is not closed.") from None
        if not header:
            header = _header(path, number, cells)
        elif len(cells) != len(header):
            last = header[min(len(cells), len(header)) - 1]
            raise Refused(
                f"{path.name}, line {number}, column {last}: "
                f"the row has {len(cells)} cells, the header {len(header)}."
            )
        else:
            yield _Row(path.name, number, dict(zip(header, cells, strict=True)))


def _header(path: Path, number: int, cells: list[str]) -> list[str]:
    """The column names, checked: a misspelt column would otherwise be ignored in silence."""
    for column in cells:
        if column not in _PLAIN and not column.startswith(_PREFIXES):
            raise Refused(f"{path.name}, line {number}: there is no column named {column!r}.")
    if "id" not in cells:
        raise Refused(f"{path.name}, line {number}: the column id is missing.")
    if len(set(cells)) != len(cells):
        raise Refused(f"{path.name}, line {number}: a column stands there twice.")
    return cells


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise Refused(f"{path.name} is larger than {_BYTES_MAX // 1_000_000} MB.")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise Refused(f"{path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Refused(f"{path.name} is not UTF-8 text; save it as CSV UTF-8.") from None
