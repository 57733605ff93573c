"""Whether the payer wants to be asked first, or wants a referral: flags and words.

Seen: EB11, `EB*CB**62^73********Y*N`, "Plan Requires PreCert", "PCP TO SUBMIT A SPECIALIST
REFERRAL". The primary service's own rows decide; the plan's rows speak where those are silent.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cleargate.coverage.network import effective_network
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import BenefitRow, Info
from cleargate.nouns.coverage import AuthorisationNeed, Network, Source

_AUTHORISATION = re.compile(r"\bAUTHORI[SZ]|\bPRE-?\s?(?:AUTH|CERT)|\bPRIOR AUTH|\bPRECERT")
_REFERRAL = re.compile(r"\bREFERRALS?\b")
_NEGATED = re.compile(
    r"\bNO\b|\bNOT (?:\w+ )?(?:REQUIRED|NEEDED|NECESSARY|APPLICABLE)|\bNOT REQUIRE\b|\bWAIVED\b"
)
_WANTED = re.compile(r"\bREQUIR|\bNEED|\bMUST\b|\bNECESSARY\b|\bSUBMIT|\bOBTAIN|\bSUBJECT TO\b")
_AT_FIRST = re.compile(r"\bFIRST\b|\bINITIAL\b|\bUNTIL\b|\bUNLESS\b|\bEXCEPT\b|\bUP TO\b")
"""Words that free a beginning only: `NO AUTH REQUIRED FOR THE FIRST 6 VISITS`."""
_CLAUSE = re.compile(r"[.;,]|\bBUT\b")
_STATED = frozenset(AuthorisationNeed) - {AuthorisationNeed.UNSTATED}
_BOUNDARY = frozenset({Info.OTHER_PAYER, Info.NOT_COVERED, Info.INACTIVE})
"""Rows whose flags and words are not about care under this plan."""


class Needs(NamedTuple):
    """What is needed for the primary service."""

    authorisation: AuthorisationNeed
    referral: AuthorisationNeed
    doubts: tuple[Doubt, ...]


class _Statement(NamedTuple):
    need: AuthorisationNeed
    network: Network
    source: Source


def read_needs(rows: Sequence[BenefitRow], primary: str) -> Needs:
    """What the payer wants before the primary service is given.

    Rows tell something that have a flag or words, and are about care under this plan.
    """
    telling = [
        row
        for row in rows
        if (row.authorisation in _STATED or row.details.messages) and row.info not in _BOUNDARY
    ]
    if not telling:
        return _NOTHING_SAID
    named = [row for row in telling if primary in row.services]
    plan = [row for row in telling if row.speaks_for_plan and primary not in row.services]
    doubts: list[Doubt] = []
    authorisations = list(_authorisations(named)) or list(_authorisations(plan))
    referrals = list(_referrals(named)) or list(_referrals(plan))
    authorisation = _settle(authorisations, "authorisation", doubts)
    referral = _settle(referrals, "referral", doubts)
    return Needs(authorisation, referral, tuple(doubts))


_NOTHING_SAID = Needs(AuthorisationNeed.UNSTATED, AuthorisationNeed.UNSTATED, ())


def _authorisations(rows: Iterable[BenefitRow]) -> Iterable[_Statement]:
    for row in rows:
        if row.authorisation is not AuthorisationNeed.UNSTATED:
            yield _Statement(row.authorisation, effective_network(row)[0], row.at("authorisation"))
        yield from _in_words(row, _AUTHORISATION)


def _referrals(rows: Iterable[BenefitRow]) -> Iterable[_Statement]:
    for row in rows:
        yield from _in_words(row, _REFERRAL)


def _in_words(row: BenefitRow, subject: re.Pattern[str]) -> Iterable[_Statement]:
    """What a row's text says of a subject, clause by clause."""
    if not subject.search(row.text):
        return
    for message in row.messages:
        for clause in _CLAUSE.split(message.text.upper()):
            if not subject.search(clause):
                continue
            negated = _NEGATED.search(clause) is not None
            if negated and not _AT_FIRST.search(clause):
                need = AuthorisationNeed.NOT_REQUIRED
            elif row.info is Info.BASIS or negated or _WANTED.search(clause):
                need = AuthorisationNeed.REQUIRED
            else:
                continue
            yield _Statement(need, effective_network(row)[0], message.source)


def _settle(statements: list[_Statement], subject: str, doubts: list[Doubt]) -> AuthorisationNeed:
    """One need out of many: statements for out of network count where there are no others.

    A payer that says both yes and no is taken to want it, with a doubt.
    """
    here = [one for one in statements if one.network is not Network.OUT]
    needs = {one.need for one in here or statements}
    outside = [one for one in statements if one.network is Network.OUT]
    if len(needs) > 1:
        sources = (one.source for one in here or statements)
        doubts.append(Doubt(reason(f"{subject}_disagrees", sources)))
        return AuthorisationNeed.REQUIRED
    need = needs.pop() if needs else AuthorisationNeed.UNSTATED
    wanted_outside = [one for one in outside if one.need is AuthorisationNeed.REQUIRED]
    if here and need is AuthorisationNeed.NOT_REQUIRED and wanted_outside:
        sources = (one.source for one in wanted_outside)
        doubts.append(Doubt(reason(f"{subject}_out_of_network", sources)))
    return need
