"""What each payer's bytes mean, told by Cleargate's own reader: template and reader were written
apart, from the same facts."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cleargate.connectors.core_mime.mapping import read as read_mime
from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import AuthorisationNeed, Coverage, Network, Verdict
from cleargate.sandbox import (
    answers,
    availity_answers,
    medical_network_answers,
    mime_envelope,
    optum,
    pverify_answers,
    question,
    stedi,
    trizetto_answers,
    trizetto_envelope,
    waystar,
)
from cleargate.sandbox.envelope import Asked
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


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_nothing_is_lost_in_trizettos_envelope(payer: str, state: State, dependent: bool) -> None:
    content = written(payer, state, dependent=dependent)
    asked = trizetto_envelope.Asked(trizetto_envelope.SOAP_12, (), "RawPayerData")
    enveloped = trizetto_envelope.reply(asked, "Success", payload=content.decode()).body
    assert outcome(understood(enveloped), SERVICES) == outcome(understood(content), SERVICES)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_waystars_delimiters_change_nothing(payer: str, state: State, dependent: bool) -> None:
    content = written(payer, state, dependent=dependent)
    by_waystar = understood(waystar.rewritten(content))
    assert outcome(by_waystar, SERVICES) == outcome(understood(content), SERVICES)


EB12 = 12


def as_trizetto_hears_it(content: bytes) -> bytes:
    """A 271 without what TriZetto's XML has no element for: EB12 W, and the place of service."""
    text = content.decode()
    mark, end = text[3], text[105]
    kept = []
    for line in text.split(end):
        segment = line.split(mark)
        if segment[0].strip() == "EB" and segment[EB12 : EB12 + 1] == ["W"]:
            segment[EB12] = ""
        if segment[0].strip() != "III":
            kept.append(mark.join(segment))
    return end.join(kept).encode()


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_trizettos_xml_loses_w_and_places_and_nothing_else(
    payer: str, state: State, dependent: bool
) -> None:
    """The XML is made by the sandbox's own code; `outcome` leaves out only the places in it."""
    content = written(payer, state, dependent=dependent)
    by_xml = understood(trizetto_answers.translate(content).encode())
    without = read_answers(as_trizetto_hears_it(content), SERVICES, VISIT)
    assert outcome(by_xml, SERVICES) == outcome(without.coverages[0], SERVICES)


def test_what_the_xml_loses_is_unstated_and_never_guessed() -> None:
    either = b"EB*A*IND*PT*C1**27**.3****W"
    content = written("00710", State.ACTIVE).replace(b"EB*A*IND*PT*C1**27**0****Y", either)
    whole = understood(content)
    by_xml = understood(trizetto_answers.translate(content).encode())
    assert Network.EITHER in {amount.network for amount in whole.amounts}
    assert Network.EITHER not in {amount.network for amount in by_xml.amounts}


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_no_envelope_of_mime_parts_changes_what_is_read(
    payer: str, state: State, dependent: bool
) -> None:
    content = written(payer, state, dependent=dependent)
    deviation = answers.payers()[payer].deviation
    sent = mime_envelope.reply(Asked("id", "RIVERSIDE", b""), content, "271", deviation, NOW)
    found = read_mime(sent.content_type, sent.body)
    assert found.payload.strip() == content.strip()
    assert understood(found.payload) == understood(content)


def through_pverify(content: bytes, payer: str, *, by_telephone: bool) -> Coverage:
    told = pverify_answers.translate(content, payer, 70_000_001, by_telephone=by_telephone)
    return understood(json.dumps(told).encode())


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_pverifys_details_lose_the_trace_alone(payer: str, state: State, dependent: bool) -> None:
    """pVerify has no place for the trace, and makes entries of services: `outcome` allows that."""
    content = written(payer, state, dependent=dependent)
    found = through_pverify(content, payer, by_telephone=False)
    assert found.trace == ""
    traced = replace(found, trace="my-trace")
    assert outcome(traced, SERVICES) == outcome(understood(content), SERVICES)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize("payer", PAYERS)
def test_pverifys_summaries_lose_much_and_never_the_no(
    payer: str, state: State, dependent: bool
) -> None:
    """Lost by telephone: words, referrals, periods, services but the therapies, and Aetna's
    network in words. The plan's own yes is pVerify's word."""
    content = written(payer, state, dependent=dependent)
    found = through_pverify(content, payer, by_telephone=True)
    whole = {one.code: one.verdict for one in understood(content).services}
    for one in found.services:
        if one.verdict is Verdict.ACTIVE and one.code != "30":
            assert whole[one.code] is Verdict.ACTIVE
        if whole[one.code] is Verdict.INACTIVE:
            assert one.verdict is Verdict.INACTIVE
    if payer != "60054" or whole["PT"] is not Verdict.ACTIVE:
        assert found.verdict is whole["PT"]
    else:
        assert found.verdict is Verdict.ACTIVE_UNCLEAR
    assert found.family_name == understood(content).family_name
    assert found.birth_date == understood(content).birth_date
    assert found.member_id == understood(content).member_id
