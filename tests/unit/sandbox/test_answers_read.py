"""What each payer's bytes mean, told by Cleargate's own reader: template and reader were written
apart, from the same facts."""

import json
from datetime import UTC, date, datetime

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import AuthorisationNeed, Coverage, Verdict
from cleargate.sandbox import (
    answers,
    availity_answers,
    medical_network_answers,
    optum,
    question,
    stedi,
)
from cleargate.sandbox.members import Register, State, member
from tests.unit.coverage.as_json import outcome
from tests.unit.sandbox import peers

SERVICES = ("PT", "AE", "AF", "AD", "98", "30")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
VISIT = date(2026, 12, 1)
PAYERS = tuple(answers.payers())
TOLD = tuple(each for each in State if not each.startswith("aaa_") and each is not State.TRUNCATED)


def written(payer: str, state: State, *, dependent: bool = False) -> bytes:
    """A payer's 271."""
    register = Register()
    register.enrol(member({**peers.MEMBER, "payer": payer, "state": state.value}))
    who = ("Minna", "20120304") if dependent else None
    asked = question.read(peers.question(payer=payer, dependent=who, trace="my-trace", on=VISIT))
    finding = register.find(asked)
    values = answers.values(asked, NOW) | answers.member_values(finding, finding.patient)
    return answers.benefits(answers.payers()[payer].shape, state, finding, values)


def read(payer: str, state: State, *, dependent: bool = False) -> Coverage:
    return understood(written(payer, state, dependent=dependent))


def understood(content: bytes) -> Coverage:
    reading = read_answers(content, SERVICES, VISIT)
    assert reading.diagnostics == ()
    (coverage,) = reading.coverages
    return coverage


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("payer", PAYERS)
def test_active_member_is_covered_for_physical_therapy(payer: str, dependent: bool) -> None:
    coverage = read(payer, State.ACTIVE, dependent=dependent)
    assert coverage.verdict is Verdict.ACTIVE
    assert coverage.authorisation is not AuthorisationNeed.REQUIRED
    assert coverage.referral is not AuthorisationNeed.REQUIRED
    assert coverage.amounts
    assert coverage.trace == "my-trace"
    assert coverage.birth_date == (date(2012, 3, 4) if dependent else date(1970, 1, 2))


@pytest.mark.parametrize("payer", PAYERS)
def test_service_that_the_payer_leaves_open_is_unclear(payer: str) -> None:
    assert read(payer, State.ACTIVE_UNCLEAR).verdict is Verdict.ACTIVE_UNCLEAR


@pytest.mark.parametrize("payer", PAYERS)
def test_needs_are_told(payer: str) -> None:
    assert read(payer, State.AUTH_REQUIRED).authorisation is AuthorisationNeed.REQUIRED
    assert read(payer, State.REFERRAL_NEEDED).referral is AuthorisationNeed.REQUIRED
    assert read(payer, State.OTHER_PAYER_PRIMARY).other_payers


@pytest.mark.parametrize("payer", PAYERS)
def test_ended_plan_is_inactive(payer: str) -> None:
    assert read(payer, State.INACTIVE).verdict is Verdict.INACTIVE


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_the_same_is_read_through_every_door(payer: str, state: State, dependent: bool) -> None:
    """The JSON is made by the sandbox's own code; `outcome` leaves out only the places."""
    content = written(payer, state, dependent=dependent)
    plain = outcome(understood(content), SERVICES)
    for door in (stedi, optum):
        told = door.translate(content, {"tradingPartnerServiceId": payer})
        assert outcome(understood(json.dumps(told).encode()), SERVICES) == plain


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_availitys_form_loses_the_trace_and_dates_that_contradict_each_other(
    payer: str, state: State, dependent: bool
) -> None:
    """It has no place for our own number, and one pair of dates where a 271 has two segments."""
    content = written(payer, state, dependent=dependent)
    told = availity_answers.coverage(medical_network_answers.translate(content, payer))
    document = json.dumps({**told, "requestedServiceType": []}).encode()
    reading = read_answers(document, SERVICES, VISIT)
    plain, found = (outcome(one, SERVICES) for one in (understood(content), reading.coverages[0]))
    begins_after_its_end = payer == "62308" and state is State.INACTIVE
    for one in (plain, found):
        one["who"] = [each for each in one["who"] if each not in ("my-trace", "")]
        if begins_after_its_end:
            one["plan"] = one["plan"][:1]
    assert found == plain
    known = ["date_order"] if begins_after_its_end else []
    assert [one.code for one in reading.diagnostics] == known
