"""The reckoning: our effects and the sandbox's ledgers must agree one to one, and every case must
have ended as was fixed before the run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.gate import Choice, GateReason
from cleargate.sandbox.population import Final, SyntheticPerson
from cleargate.store.effects import Effect

Ledger = Mapping[str, Any]

_LISTS = {
    "create_patient": "patients",
    "put_insurance": "insurances",
    "book": "bookings",
    "write_back": "eligibility",
}

_STATES = {Final.BOOKED: CaseState.DONE, Final.DECLINED: CaseState.DECLINED}


@dataclass(frozen=True, slots=True)
class Ended:
    """A case at the end of the run, as our own store has it."""

    person: SyntheticPerson
    practice: str
    case: Case
    effects: Sequence[Effect]
    gates: Sequence[tuple[GateReason, Choice | None]]
    attempts: int
    retries: int
    checks: int


@dataclass(slots=True)
class Summary:
    """What the run comes to; the issue's field names."""

    requests: int = 0
    booked: int = 0
    booked_untouched: int = 0
    at_gate: int = 0
    failed: int = 0
    lost: int = 0
    duplicated: int = 0
    mail_repeats: int = 0
    unexpected: int = 0
    eligibility_checks: int = 0
    attempts: int = 0
    retries: int = 0
    seconds: float = 0.0
    cases_per_second: float = 0.0
    cases: list[dict[str, Any]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice, every case as expected."""
        return not (self.lost or self.duplicated or self.unexpected or self.failed)

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


def reckon(ended: Sequence[Ended], posted: int, ledger: Ledger, seconds: float) -> Summary:
    """Compare everything. `posted` is how many requests the form accepted."""
    summary = Summary(requests=posted, seconds=round(seconds, 2))
    summary.cases_per_second = round(len(ended) / seconds, 2) if seconds else 0.0
    theirs = _refs(ledger)
    ours = {effect.ref for each in ended for effect in each.effects}
    for each in ended:
        _count(summary, each, theirs, ledger)
    summary.lost += posted - len(ended)
    summary.duplicated += len(ledger["duplicates"]) + len(set(theirs) - ours)
    summary.mail_repeats = ledger["mail_repeats"]
    return summary


def _refs(ledger: Ledger) -> Counter[str]:
    """How often the sandbox did what each Ref asked for; a repeated mail counts once."""
    counted = Counter(row["ref"] for name in _LISTS.values() for row in ledger[name] if row["ref"])
    counted.update({_mail_ref(row): 1 for row in ledger["mails"]})
    return counted


def _mail_ref(mail: Mapping[str, str]) -> str:
    return mail["message_id"].strip("<>").partition("@")[0]


def _count(summary: Summary, each: Ended, theirs: Counter[str], ledger: Ledger) -> None:
    """Add one case to the summary."""
    missing = [
        effect.ref
        for effect in each.effects
        if effect.state in ("done", "undone") and _makes_record(effect) and not theirs[effect.ref]
    ]
    twice = [effect.ref for effect in each.effects if theirs[effect.ref] > 1]
    booked = _is_booked(each, ledger)
    complaints = _complaints(each, booked=booked)
    summary.lost += len(missing)
    summary.duplicated += len(twice)
    summary.booked += booked
    summary.booked_untouched += booked and not each.gates
    summary.at_gate += bool(each.gates)
    summary.failed += each.case.state is CaseState.OPEN
    summary.unexpected += bool(complaints)
    summary.eligibility_checks += each.checks
    summary.attempts += each.attempts
    summary.retries += each.retries
    summary.cases.append(
        {
            "number": each.person.number,
            "case": str(each.case.id),
            "scenario": each.person.scenario.value,
            "state": each.case.state.value,
            "gates": [f"{reason}: {choice or 'open'}" for reason, choice in each.gates],
            "attempts": each.attempts,
            "retries": each.retries,
            "booked": booked,
            "missing": missing,
            "twice": twice,
            "complaints": complaints,
        }
    )


def _makes_record(effect: Effect) -> bool:
    """Whether a write makes a record of its own; the others change a booking's status."""
    return not effect.step.startswith(("make_firm", "cancel"))


def _is_booked(each: Ended, ledger: Ledger) -> bool:
    """Whether the sandbox has exactly this booking, firm, at the time that we told the patient."""
    memo = each.case.memo
    rows = [
        row
        for row in ledger["bookings"]
        if (row["tenant"], row["id"]) == (each.practice, memo.booking_id)
    ]
    firm = memo.booking_status is BookingStatus.BOOKED
    return firm and len(rows) == 1 and rows[0]["status"] == "booked"


def _complaints(each: Ended, *, booked: bool) -> list[str]:
    """What ended otherwise than was fixed before the run."""
    expected = each.person.expected
    complaints = []
    if each.case.state is not _STATES[expected.final]:
        complaints.append(f"ended {each.case.state}, not {_STATES[expected.final]}")
    if (expected.final is Final.BOOKED) != booked:
        complaints.append("booked over there" if booked else "not booked over there")
    if sorted(each.gates, key=str) != sorted(expected.gates, key=str):
        seen = ", ".join(f"{reason}:{choice}" for reason, choice in each.gates) or "none"
        complaints.append(f"gates: {seen}")
    return complaints
