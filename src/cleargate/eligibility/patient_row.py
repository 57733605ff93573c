"""One patient of a list as a question to a payer, or what is wrong with it.

What is wrong is named by its column and the way out, never by what stands there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.nouns.insurance import Insurance, Payment, Relationship, Subscriber
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest

CELL_CHARS_MAX = 200
AGE_MAX_YEARS = 120
BACK_MAX_DAYS, AHEAD_MAX_DAYS = 3 * 366, 366

DATES = ("birth_date", "date", "holder_birth_date")

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?: 0?0:00(?::00)?)?", re.ASCII)
_ROUNDED = re.compile(r"\d+(\.\d+)?[eE]\+?\d+", re.ASCII)
_MEMBER_ID = re.compile(r"[A-Za-z0-9-]{1,80}", re.ASCII)

_HOLDER = ("holder_first_name", "holder_last_name", "holder_birth_date")

_SEXES = {"f": Sex.FEMALE, "female": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE}
_RELATIONSHIPS = {
    "": Relationship.SELF,
    "patient": Relationship.SELF,
    "subscriber": Relationship.SELF,
    "18": Relationship.SELF,
    "01": Relationship.SPOUSE,
    "1": Relationship.SPOUSE,
    "19": Relationship.CHILD,
    **{each.value: each for each in Relationship},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: the column's name, empty for the whole row, and the way out."""

    column: str
    way_out: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it, its cells, and what it asks or why not."""

    number: int
    cells: tuple[str, ...]
    request: VisitRequest | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What holds for every row: the payers, the day unless a row has one, today, the services."""

    payers: PayerDirectory
    on: date
    today: date
    services: tuple[str, ...] = ()


@dataclass(slots=True)
class Cells:
    """One row's cells by column, and the faults found while they are read."""

    columns: Mapping[str, int]
    cells: Sequence[str]
    odd_dates: frozenset[str]
    faults: list[Fault] = field(default_factory=list)

    def fail(self, column: str, way_out: str) -> None:
        """Note what is wrong with a column."""
        self.faults.append(Fault(column, way_out))

    def text(self, column: str) -> str:
        """What stands in a column; nothing where the list has no such column."""
        place = self.columns.get(column)
        return "" if place is None else self.cells[place]

    def needed(self, column: str) -> str:
        """What stands in a column that must be filled."""
        text = self.text(column)
        if not text:
            self.fail(column, "it is empty")
        return text

    def name(self, column: str) -> str:
        """A part of a person's name."""
        text = self.needed(column)
        if text and not any(each.isalpha() for each in text):
            self.fail(column, "write a name")
        return text

    def day(self, column: str, first: date, last: date) -> date | None:
        """The date of a column, None when it is empty or wrong."""
        text = self.text(column)
        if not text:
            return None
        slashed, iso = SLASHED.fullmatch(text), _ISO.fullmatch(text)
        if slashed and column in self.odd_dates and _may_be_two(int(slashed[1]), int(slashed[2])):
            self.fail(column, "some dates here begin with the day: write this one as YYYY-MM-DD")
            return None
        found = _date(iso[1], iso[2], iso[3]) if iso else None
        if slashed:
            found = _date(slashed[3], slashed[1], slashed[2])
        if found is None:
            self.fail(column, "write a date as MM/DD/YYYY or YYYY-MM-DD")
        elif not first <= found <= last:
            self.fail(column, f"the date must lie between {first} and {last}")
        return found


def _may_be_two(first: int, second: int) -> bool:
    """Whether two numbers are a day with either of them as its month."""
    return first != second and max(first, second) <= 12


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_row(number: int, cells: tuple[str, ...], width: int, read: Cells, asking: Asking) -> Row:
    """Read one row of a list whose first row has `width` cells."""
    if len(cells) != width:
        fault = Fault("", f"it has {len(cells)} cells, the first row {width}")
        return Row(number, cells, None, (fault,))
    too_long = [each for each in cells if len(each) > CELL_CHARS_MAX or not each.isprintable()]
    if too_long:
        fault = Fault("", "a cell is too long or holds a line break; is a quotation mark missing?")
        return Row(number, cells, None, (fault,))
    request = _request(read, asking)
    return Row(number, cells, None if read.faults else request, tuple(read.faults))


def _request(read: Cells, asking: Asking) -> VisitRequest:
    """The question of a row; it counts only where no fault was found."""
    name = Name(read.name("last_name"), read.name("first_name"))
    read.needed("birth_date")
    born = _birth(read, "birth_date", asking.today)
    sex = _SEXES.get(read.text("sex").casefold(), Sex.UNKNOWN)
    first = date.fromordinal(asking.today.toordinal() - BACK_MAX_DAYS)
    last = date.fromordinal(asking.today.toordinal() + AHEAD_MAX_DAYS)
    return VisitRequest(
        channel=Channel.STAFF,
        patient=Patient(name, born, sex, Contact()),
        visit_type="",
        reason="",
        earliest=read.day("date", first, last) or asking.on,
        wishes=(),
        payment=Payment.INSURANCE,
        insurances=(_insurance(read, asking),),
        service_types=asking.services,
    )


def _birth(read: Cells, column: str, today: date) -> date:
    earliest = date.fromordinal(today.toordinal() - AGE_MAX_YEARS * 366)
    return read.day(column, earliest, today) or today


def _insurance(read: Cells, asking: Asking) -> Insurance:
    payer = _payer(read, asking.payers)
    member_id = read.needed("member_id").replace(" ", "")
    if _ROUNDED.fullmatch(member_id):
        read.fail("member_id", "the spreadsheet has rounded it: make the column text, type it anew")
    elif member_id and not _MEMBER_ID.fullmatch(member_id):
        read.fail("member_id", "use the letters, digits and hyphens on the card only")
    relationship = _relationship(read)
    holder = None
    if relationship is not Relationship.SELF:
        read.needed("holder_birth_date")
        holder = Subscriber(
            Name(read.name("holder_last_name"), read.name("holder_first_name")),
            _birth(read, "holder_birth_date", asking.today),
        )
    return Insurance(
        payer_id=payer.id if payer else "",
        payer_name=payer.name if payer else "",
        member_id=member_id,
        group=read.text("group"),
        relationship=relationship,
        subscriber=holder,
    )


def _relationship(read: Cells) -> Relationship:
    """The patient's relationship to the holder; a holder without one is a doubt."""
    word = read.text("relationship").casefold()
    found = _RELATIONSHIPS.get(word)
    if found is None:
        read.fail("relationship", "write self, spouse, child or other")
    elif not word and any(map(read.text, _HOLDER)):
        read.fail("relationship", "the row names a policy holder: write spouse, child or other")
    return found or Relationship.SELF


def _payer(read: Cells, payers: PayerDirectory) -> Payer | None:
    """The payer by name, by our id, or by a code that no other payer has."""
    text = read.needed("payer")
    found = payers.by_name(text) or payers.by_id(text) or _by_code(payers, text)
    if text and found is None:
        near = " or ".join(each.name for each in payers.search(text, limit=3))
        read.fail("payer", f"no payer goes by this name{f'; perhaps {near}' if near else ''}")
    return found


def _by_code(payers: PayerDirectory, text: str) -> Payer | None:
    found = [each for each in payers if each.code and each.code == text]
    return found[0] if len(found) == 1 else None


def read_fields(
    fields: Mapping[str, str], asking: Asking
) -> tuple[VisitRequest | None, tuple[Fault, ...]]:
    """One patient's fields by the names of the columns: the question, or what is wrong."""
    columns = {column: place for place, column in enumerate(fields)}
    cells = tuple(text.strip() for text in fields.values())
    row = read_row(1, cells, len(cells), Cells(columns, cells, frozenset()), asking)
    return row.request, row.faults
