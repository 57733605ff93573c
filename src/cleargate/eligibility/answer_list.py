"""The answers to a list of patients, as a CSV file that a spreadsheet can open without harm."""

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cleargate.eligibility.check import OVER_BUDGET, Answer
from cleargate.eligibility.patient_list import PatientList
from cleargate.eligibility.patient_row import Row
from cleargate.nouns.coverage import (
    Amount,
    AmountKind,
    AuthorisationNeed,
    Coverage,
    Network,
    Person,
    Reason,
    VisitLimit,
)
from cleargate.nouns.errors import Refused

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula. Source: OWASP, "CSV Injection"."""

_NEEDS = {
    AuthorisationNeed.REQUIRED: "needed",
    AuthorisationNeed.NOT_REQUIRED: "not needed",
    AuthorisationNeed.UNSTATED: "not stated",
}

_WAITS = {
    OVER_BUDGET: "for the next day's budget of paid checks",
    "waiting_for_payer": "the payer has not answered yet",
    "gate": "Cleargate made a mistake: see the desk",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the file says of each answer, and in which zone its times are."""

    services: tuple[str, ...]
    zone: ZoneInfo

    def header(self) -> list[str]:
        """The names of our columns."""
        return [
            "row",
            "status",
            "verdict",
            *(f"verdict {code}" for code in self.services),
            *("plan", "covered from", "covered until", "copay", "coinsurance", "deductible"),
            *("deductible remaining", "out of pocket", "out of pocket remaining", "visits left"),
            *("authorization", "referral", "other payers", "reasons", "tip", "checked at"),
        ]


def table(
    patients: PatientList, answers: Mapping[int, Answer], columns: Columns
) -> Iterable[list[str]]:
    """The whole file: the list's own columns, then ours; `answers` go by the row's number."""
    width = len(patients.header)
    ours = columns.header()
    yield [*patients.header, *ours]
    for row in patients.rows:
        own = [*row.cells, *[""] * width][:width]
        found = answers.get(row.number)
        said = _unasked(row) if found is None else _said(row.number, found, columns)
        yield [*own, *said, *[""] * (len(ours) - len(said))]


def _unasked(row: Row) -> list[str]:
    why = "; ".join(f"{each.column}: {each.way_out}".lstrip(": ") for each in row.faults)
    return [str(row.number), f"not asked: {why}"]


def _said(number: int, answer: Answer, columns: Columns) -> list[str]:
    coverage = answer.coverage
    if coverage is None:
        why = _WAITS.get(answer.waits_for, "not asked yet")
        due = f", goes on {_moment(answer.due, columns.zone)}" if answer.due else ""
        return [str(number), f"waits: {why}{due}"]
    verdicts = {each.code: each.verdict.value for each in coverage.services}
    reasons = _reasons(coverage)
    return [
        str(number),
        "answered" if answer.answered else "not asked",
        coverage.verdict.value,
        *(verdicts.get(code, "") for code in columns.services),
        coverage.plan,
        coverage.begins.isoformat() if coverage.begins else "",
        coverage.ends.isoformat() if coverage.ends else "",
        *_amounts(coverage),
        _distinct(_visits(each) for each in coverage.visit_limits),
        _NEEDS[coverage.authorisation],
        _NEEDS[coverage.referral],
        _distinct(each.name for each in coverage.other_payers),
        _distinct(each.text for each in reasons),
        _distinct(each.tip for each in reasons),
        _moment(answer.answered, columns.zone) if answer.answered else "",
    ]


def _reasons(coverage: Coverage) -> list[Reason]:
    primary = coverage.services[0].reasons if coverage.services else ()
    return list(dict.fromkeys((*primary, *coverage.reasons)))


def _amounts(coverage: Coverage) -> list[str]:
    """The patient's own, in network; others only where these are not told, and then named."""

    def cell(kind: AmountKind, size: Callable[[Amount], str]) -> str:
        found = [each for each in coverage.amounts if each.kind is kind and size(each)]
        at_home = [each for each in found if each.network is not Network.OUT] or found
        own = [each for each in at_home if each.person is not Person.FAMILY] or at_home
        return _distinct(f"{size(each)}{_scope(each)}" for each in own)

    return [
        cell(AmountKind.COPAY, _size),
        cell(AmountKind.COINSURANCE, _size),
        cell(AmountKind.DEDUCTIBLE, _size),
        cell(AmountKind.DEDUCTIBLE, _remaining),
        cell(AmountKind.OUT_OF_POCKET, _size),
        cell(AmountKind.OUT_OF_POCKET, _remaining),
    ]


def _size(amount: Amount) -> str:
    if amount.cents is not None:
        return _dollars(amount.cents)
    return f"{amount.percent.normalize():f}%" if amount.percent is not None else ""


def _remaining(amount: Amount) -> str:
    return "" if amount.remaining is None else _dollars(amount.remaining)


def _scope(amount: Amount) -> str:
    family = " family" if amount.person is Person.FAMILY else ""
    return family + (" out of network" if amount.network is Network.OUT else "")


def _dollars(cents: int) -> str:
    """A number that a spreadsheet can add up: `1500.00`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _visits(limit: VisitLimit) -> str:
    if limit.remaining is None:
        return ""
    return f"{limit.remaining}" if limit.unit == "visits" else f"{limit.remaining} {limit.unit}"


def _distinct(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _moment(when: datetime, zone: ZoneInfo) -> str:
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def write_private(path: Path, rows: Iterable[Sequence[str]], delimiter: str) -> None:
    """Write the file whole or not at all, for its owner's eyes only. Raises Refused."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(text.getvalue().encode("utf-8-sig"))  # Spreadsheets look for the mark.
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None


def check_place(path: Path) -> None:
    """Find out that a file cannot be written before anything is paid for. Raises Refused."""
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise Refused(f"{path} cannot be written: give --out a file in a folder of yours.")


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, on one line."""
    plain = "".join(each if each.isprintable() else " " for each in cell)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain
