"""May this go unattended? Pure: coverages and what a person already let pass, in; a gate, out.

The first policy that objects opens the gate; once a person has let its reason pass, the next one
is asked. Nothing here knows how an answer was obtained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cleargate.gates import doubtful
from cleargate.nouns.case import Case
from cleargate.nouns.coverage import (
    FOUND_OTHERWISE,
    AuthorisationNeed,
    Coverage,
    ReasonKind,
    Verdict,
)
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Patient, letters
from cleargate.nouns.request import VisitRequest


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy as stated, and what its payer said about it; rank is 1 for primary."""

    insurance: Insurance
    coverage: Coverage
    rank: int = 1


@dataclass(frozen=True, slots=True)
class _Wording:
    tip: str
    choices: tuple[Choice, ...]


_COVERAGE_CHOICES = (
    Choice.GO_ON,
    Choice.EDIT,
    Choice.ASK_AGAIN,
    Choice.SELF_PAY,
    Choice.DECLINE,
)

_MEND_FIRST = (
    Choice.EDIT,
    Choice.ASK_AGAIN,
    Choice.GO_ON,
    Choice.SELF_PAY,
    Choice.DECLINE,
)
"""Nothing speaks for going on: what stands first is what mends it."""

_WORDING = {
    GateReason.WRONG_PATIENT_ANSWER: _Wording(
        "The payer answered about somebody else. Compare the card, then ask again.",
        (Choice.EDIT, Choice.ASK_AGAIN, Choice.SELF_PAY, Choice.DECLINE),
    ),
    GateReason.COVERAGE_INACTIVE: _Wording(
        "Call the patient for newer insurance, or agree on self-pay.", _MEND_FIRST
    ),
    GateReason.COVERAGE_UNDETERMINED: _Wording(
        "Check the details on the card and ask again, or call the payer.", _MEND_FIRST
    ),
    GateReason.COVERAGE_UNCLEAR: _Wording(
        "Call the payer about this service, then go on or agree on self-pay.", _COVERAGE_CHOICES
    ),
    GateReason.AUTHORISATION_NEEDED: _Wording(
        "Get the authorization from the payer first, then go on.", _COVERAGE_CHOICES
    ),
    GateReason.REFERRAL_NEEDED: _Wording(
        "Ask the patient or the referrer for the referral, then go on.", _COVERAGE_CHOICES
    ),
}


def review(checked: Sequence[Checked], case: Case, phase: str) -> Gate | None:
    """The gate that a person has to decide, or None when everything is clear."""
    for each in checked:
        for reason in _objections(each, case.request):
            if reason not in case.memo.accepted:
                return _gate(reason, each, case, phase)
    return None


def _objections(checked: Checked, request: VisitRequest) -> list[GateReason]:
    """Every reason against going on unattended, the gravest first."""
    coverage = checked.coverage
    objections = []
    if is_about_somebody_else(coverage, checked.insurance, request.patient):
        objections.append(GateReason.WRONG_PATIENT_ANSWER)
    by_verdict = {
        Verdict.INACTIVE: GateReason.COVERAGE_INACTIVE,
        Verdict.UNDETERMINED: GateReason.COVERAGE_UNDETERMINED,
        Verdict.PENDING: GateReason.COVERAGE_UNDETERMINED,
        Verdict.ACTIVE_UNCLEAR: GateReason.COVERAGE_UNCLEAR,
    }
    if coverage.verdict in by_verdict:
        objections.append(by_verdict[coverage.verdict])
    if coverage.authorisation is AuthorisationNeed.REQUIRED:
        objections.append(GateReason.AUTHORISATION_NEEDED)
    if coverage.referral is AuthorisationNeed.REQUIRED and request.referral is None:
        objections.append(GateReason.REFERRAL_NEEDED)
    return objections


def is_about_somebody_else(coverage: Coverage, insurance: Insurance, patient: Patient) -> bool:
    """Whether two of birth date, name and member id are other than was asked about.

    Payers correct one of the three at times (a typing error, a name from before a marriage), and
    write an id with or without its suffix: only two together tell of another person.
    """
    born, member = coverage.birth_date, coverage.member_id
    others = (
        born not in (None, patient.birth_date),
        _has_other_name(coverage, patient),
        bool(member) and not _same_member(letters(member), letters(insurance.member_id)),
    )
    return sum(others) >= 2


def _has_other_name(coverage: Coverage, patient: Patient) -> bool:
    """Whether the family names differ, or the first given ones but for their ends: Ann is Anna."""
    family, asked = letters(coverage.family_name), letters(patient.name.family)
    if family and family != asked:
        return True
    firsts = [
        letters(given.split()[0])
        for given in (coverage.given_name, patient.name.given)
        if given.split()
    ]
    return len(firsts) == 2 and not _begins_so(*firsts)


def _begins_so(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _same_member(one: str, other: str) -> bool:
    """Whether two ids are the same but for what one of them has before or behind it."""
    short, long = sorted((one, other), key=len)
    return bool(short) and (long.startswith(short) or long.endswith(short))


def _gate(reason: GateReason, checked: Checked, case: Case, phase: str) -> Gate:
    wording = _WORDING[reason]
    gate = Gate(
        reason=reason,
        tip=_tip(reason, checked.coverage) or wording.tip,
        facts=tuple(_facts(reason, checked, case.request.patient)),
        choices=_choices(wording, checked.coverage),
        phase=phase,
    )
    if reason is GateReason.WRONG_PATIENT_ANSWER:
        return doubtful.offered(gate, case, doubtful.in_identity(case, checked.rank))
    if reason in _BY_VERDICT:
        return doubtful.offered(
            gate, case, doubtful.in_answer(case, checked.rank, checked.coverage)
        )
    return gate


def _choices(wording: _Wording, coverage: Coverage) -> tuple[Choice, ...]:
    """The choices in their order; a payer that said "later" is asked again first."""
    later = any(each.kind is ReasonKind.ASK_AGAIN_LATER for each in coverage.reasons)
    if not later or Choice.ASK_AGAIN not in wording.choices:
        return wording.choices
    return tuple(dict.fromkeys((Choice.ASK_AGAIN, *wording.choices)))


_BY_VERDICT = frozenset(
    {
        GateReason.COVERAGE_INACTIVE,
        GateReason.COVERAGE_UNDETERMINED,
        GateReason.COVERAGE_UNCLEAR,
    }
)
"""Gates for which the answer's own reasons know the way out."""


def _tip(reason: GateReason, coverage: Coverage) -> str:
    """The tip of what decided the verdict, where the verdict is why a person is asked."""
    if reason not in _BY_VERDICT:
        return ""
    primary = coverage.services[0].reasons if coverage.services else ()
    return next((each.tip for each in (*primary, *coverage.reasons) if each.tip), "")


def _facts(reason: GateReason, checked: Checked, patient: Patient) -> list[Fact]:
    coverage = checked.coverage
    facts = [Fact("Payer", checked.insurance.payer_name)]
    somebody_else = reason is GateReason.WRONG_PATIENT_ANSWER
    if somebody_else or any(each.code == FOUND_OTHERWISE for each in coverage.reasons):
        asked, named = patient.name, (coverage.given_name, coverage.family_name)
        said = (*named, coverage.birth_date, coverage.member_id)
        member = checked.insurance.member_id
        facts += [
            Fact("Asked about", _who(asked.given, asked.family, patient.birth_date, member)),
            Fact("Answered about", _who(*said)),
        ]
    if coverage.plan:
        facts.append(Fact("Plan", coverage.plan))
    facts += dict.fromkeys(Fact(_whose_words(each.code), each.text) for each in coverage.reasons)
    bounds = (("Covered from", coverage.begins), ("Covered until", coverage.ends))
    facts += [Fact(label, _day(day)) for label, day in bounds if day is not None]
    return facts


def _who(given: str, family: str, born: date | None, member_id: str) -> str:
    """A person as a payer tells one from another."""
    name = f"{given} {family}".strip()
    birth = f"born {born:%m/%d/%Y}" if born else ""
    member = f"member ID {member_id}" if member_id else ""
    return ", ".join(part for part in (name, birth, member) if part)


def _whose_words(code: str) -> str:
    return "The payer says" if code.startswith("AAA") else "Note"


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"
