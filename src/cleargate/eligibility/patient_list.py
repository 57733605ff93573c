"""A list of patients to be checked, from a spreadsheet's CSV. Tolerant of its form, never of doubt.

Comma, semicolon or tab; UTF-8 with or without its mark; the columns in any order and under the
names that people give them. What is wrong is named by row and column, never by what stands there.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cleargate.eligibility.patient_row import DATES, SLASHED, Asking, Cells, Fault, Row, read_row
from cleargate.nouns.errors import Refused

ROWS_MAX = 10_000

_NAMES = {
    "payer": "payer payername insurance insurancecompany insurer carrier",
    "member_id": "memberid member memberno membernumber memberidnumber insuranceid policynumber"
    " policyid subscriberid",
    "first_name": "firstname first given givenname patientfirstname patientfirst",
    "last_name": "lastname last family familyname surname patientlastname patientlast",
    "birth_date": "birthdate dateofbirth dob birthday born patientbirthdate patientdob",
    "sex": "sex gender patientsex patientgender",
    "group": "group groupnumber groupno groupid",
    "date": "date visitdate dateofvisit appointmentdate appointment dos dateofservice servicedate",
    "relationship": "relationship relation relationshiptosubscriber patientrelationship",
    "holder_first_name": "holderfirstname subscriberfirstname policyholderfirstname"
    " insuredfirstname",
    "holder_last_name": "holderlastname subscriberlastname policyholderlastname insuredlastname",
    "holder_birth_date": "holderbirthdate holderdob subscriberbirthdate subscriberdob"
    " policyholderbirthdate policyholderdob insureddob",
}
"""What people call each column, in small letters and digits alone."""

_COLUMNS = {name: column for column, names in _NAMES.items() for name in names.split()}
_NEEDED = ("payer", "member_id", "first_name", "last_name", "birth_date")


@dataclass(frozen=True, slots=True)
class PatientList:
    """A list as read. `header` is the file's own first row."""

    header: tuple[str, ...]
    delimiter: str
    rows: tuple[Row, ...]


def read_list(content: bytes, asking: Asking) -> PatientList:
    """Read a list; a wrong row is kept with its faults. Raises Refused when it is no list."""
    text = _text(content)
    first, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=first.count)
    records, broken = _records(text, delimiter)
    if not records:
        why = "its quotation marks are not closed" if broken else "it is empty"
        raise Refused(f"The list cannot be read: {why}. Its first row must name the columns.")
    header = records[0][1]
    columns = _columns(header)
    body = [(number, _to_width(cells, len(header))) for number, cells in records[1:]]
    if len(body) > ROWS_MAX:
        raise Refused(f"The list has more than {ROWS_MAX} rows: split it.")
    odd = _columns_with_odd_dates(columns, [cells for _, cells in body])
    rows = [
        read_row(number, cells, len(header), Cells(columns, cells, odd), asking)
        for number, cells in body
    ]
    if broken is not None:
        rows.append(broken)
    return PatientList(header, delimiter, tuple(rows))


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("The list is not UTF-8 text: save it as “CSV UTF-8”.") from None
    if "\0" in text:
        raise Refused("The list is not a CSV file: save the spreadsheet as “CSV UTF-8”.")
    return text


_Records = list[tuple[int, tuple[str, ...]]]


def _records(text: str, delimiter: str) -> tuple[_Records, Row | None]:
    """The rows that are not empty, with their numbers; and the row behind which nothing is read."""
    found: _Records = []
    number = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, record in enumerate(reader, start=1):
            cells = tuple(cell.strip() for cell in record)
            if any(cells):
                found.append((number, cells))
    except csv.Error:
        fault = Fault("", "a quotation mark is not closed; from here on nothing was read")
        return found, Row(number + 1, (), None, (fault,))
    return found, None


def _to_width(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Spreadsheets leave empty cells at a row's end out, or put too many."""
    filled = len(cells)
    while filled > width and not cells[filled - 1]:
        filled -= 1
    return (*cells[:filled], *[""] * (width - filled))


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where each column stands. Its first row is never quoted: it may be a patient's."""
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        column = _COLUMNS.get("".join(each for each in cell.casefold() if each.isalnum()))
        if column is None:
            continue
        if column in found:
            raise Refused(f"Two columns of the list are a {column}: leave one.")
        found[column] = place
    missing = [column for column in _NEEDED if column not in found]
    if missing:
        raise Refused(f"The list's first row must name its columns; it lacks {', '.join(missing)}.")
    return found


def _columns_with_odd_dates(
    columns: Mapping[str, int], body: Sequence[Sequence[str]]
) -> frozenset[str]:
    """Columns in which some date can be read only with the day first: then others may be, too."""
    return frozenset(
        column
        for column in DATES
        if column in columns
        and any(
            len(cells) > columns[column] and _begins_with_day(cells[columns[column]])
            for cells in body
        )
    )


def _begins_with_day(text: str) -> bool:
    slashed = SLASHED.fullmatch(text)
    return slashed is not None and int(slashed[1]) > 12 >= int(slashed[2])


def faults_of(found: PatientList) -> Iterator[tuple[int, str]]:
    """Every fault of a list as one line: the row's number, and `column birth_date: ...`."""
    for row in found.rows:
        for fault in row.faults:
            where = f"column {fault.column}: " if fault.column else ""
            yield row.number, where + fault.way_out
