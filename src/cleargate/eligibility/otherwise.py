"""A person whom the payer did not find is looked for by other details, where its entry allows it.

Whoever is found by fewer details may be somebody else: a twin, a parent of the same name. So what
the question left out must be confirmed by the answer; otherwise a person compares.
"""

from collections.abc import Sequence
from dataclasses import replace

from cleargate.nouns.coverage import FOUND_OTHERWISE, Coverage, Reason, Verdict
from cleargate.nouns.eligibility import NO_NEEDS, PRIMARY_SEARCH, Detail, Inquiry, Search
from cleargate.nouns.patient import letters

_NAMES = frozenset({Detail.FAMILY_NAME, Detail.GIVEN_NAME})
_REFUSED: dict[str, frozenset[Detail]] = {
    "AAA:67": frozenset(),
    "AAA:71": frozenset({Detail.BIRTH_DATE}),
    "AAA:72": frozenset({Detail.MEMBER_ID}),
    "AAA:73": _NAMES,
    "AAA:75": frozenset(),
}
"""Refusals that say "not found", and the details that the payer blames; none for all of them."""

_WORDS = {
    Detail.MEMBER_ID: ("member ID", "member_id"),
    Detail.FAMILY_NAME: ("family name", "name"),
    Detail.GIVEN_NAME: ("given name", "name"),
    Detail.BIRTH_DATE: ("birth date", "birth_date"),
}
"""A detail in words, and the form's field."""


def search_here(searches: Sequence[Search], number: int, needs: Search) -> int:
    """The number of the first search from `number` on that the clearinghouse takes.

    `number` itself when it takes none: then it refuses the question, before it leaves, by the
    field's name. The payer's entry may have been shortened meanwhile.
    """
    number = min(number, len(searches) - 1)
    return next((n for n in range(number, len(searches)) if needs <= searches[n]), number)


def next_search(
    coverage: Coverage, searches: Sequence[Search], tried: int, needs: Search = NO_NEEDS
) -> int | None:
    """The number of the next search that leaves out what the payer blames; None when there is none.

    Only numbers above `tried` count, so that none is tried twice, and only searches that the
    clearinghouse takes.
    """
    codes = {reason.code for reason in coverage.reasons}
    if coverage.verdict is not Verdict.UNDETERMINED or not codes or not codes <= _REFUSED.keys():
        return None
    for number, search in enumerate(searches):
        if number <= tried or not needs <= search:
            continue
        if all(_leaves_out(search, _REFUSED[code]) for code in codes):
            return number
    return None


def _leaves_out(search: Search, blamed: frozenset[Detail]) -> bool:
    return not blamed or not blamed <= search


def compared(coverage: Coverage, inquiry: Inquiry) -> Coverage:
    """The coverage of a person who was found by fewer details: never plainly active unconfirmed."""
    unconfirmed = [
        _WORDS[each]
        for each in Detail
        if each in PRIMARY_SEARCH - inquiry.search and not _confirms(coverage, inquiry, each)
    ]
    if not unconfirmed or coverage.verdict is Verdict.UNDETERMINED:
        return coverage
    reason = Reason(
        FOUND_OTHERWISE,
        "The payer found somebody by fewer details, and its answer has another "
        + " and ".join(words for words, _ in unconfirmed)
        + ", or none.",
        "Compare the answer with the card. If it is the patient, correct the request.",
        field=unconfirmed[0][1],
    )
    services = tuple(
        replace(each, verdict=_lowered(each.verdict), reasons=(reason, *each.reasons))
        for each in coverage.services
    )
    return replace(
        coverage,
        verdict=_lowered(coverage.verdict),
        services=services,
        reasons=(reason, *coverage.reasons),
    )


def _lowered(verdict: Verdict) -> Verdict:
    return Verdict.ACTIVE_UNCLEAR if verdict is Verdict.ACTIVE else verdict


def _confirms(coverage: Coverage, inquiry: Inquiry, detail: Detail) -> bool:
    patient = inquiry.patient
    match detail:
        case Detail.MEMBER_ID:
            return letters(coverage.member_id) == letters(inquiry.insurance.member_id)
        case Detail.FAMILY_NAME:
            return letters(coverage.family_name) == letters(patient.name.family)
        case Detail.GIVEN_NAME:
            return _first(coverage.given_name) == _first(patient.name.given)
        case _:
            return coverage.birth_date == patient.birth_date


def _first(given: str) -> str:
    """The first of several given names: payers add and drop the others."""
    return letters(given.split()[0]) if given.split() else ""
