"""The door for questions in JSON: strict about members, open to the same payers and faults."""

import json
import time
from datetime import UTC, date, datetime

import httpx2
import pytest

from cleargate.sandbox import answers, stedi
from cleargate.sandbox import question as reading
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.members import Register, State, member
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Json, Tree, text, trees
from tests.unit.sandbox.door_faults import DoorFaults
from tests.unit.sandbox.peers import MEMBER, NPI, Peer, question

GOOD: Tree = {
    "controlNumber": "000000017",
    "tradingPartnerServiceId": "60054",
    "provider": {"organizationName": "Sample Clinic", "npi": NPI},
    "subscriber": {
        "firstName": "Walter",
        "lastName": "Samplewright",
        "memberId": "W001",
        "dateOfBirth": "19700102",
        "gender": "M",
    },
    "encounter": {"serviceTypeCodes": ["PT", "30"], "dateOfService": "20261201"},
    "externalPatientId": "trace-1",
}


def ask(peer: Peer, key: str = "", timeout: float = 5.0, **changes: Json) -> httpx2.Response:
    place = peer.sandbox.ready["stedi"]
    asked = {name: value for name, value in (GOOD | changes).items() if value is not None}
    headers = {"Authorization": key or text(place, "api_key")}
    return peer.post(text(place, "url"), json=asked, headers=headers, timeout=timeout)


def subscriber(**changes: str) -> Tree:
    found = GOOD["subscriber"]
    assert isinstance(found, dict)
    return {**found, **changes}


def codes(answer: httpx2.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def test_good_question_gets_the_whole_answer_and_counts_as_one(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer)
    told = answer.json()
    assert answer.status_code == 200
    assert told["controlNumber"] == "000000017"
    assert told["tradingPartnerServiceId"] == "60054"
    assert told["payer"]["name"] == "AETNA"
    assert told["subscriber"]["memberId"] == "W001"
    assert told["planStatus"][0]["status"] == "Active Coverage"
    assert len(told["benefitsInformation"]) > 15
    assert told["x12"].startswith("ISA*")
    assert answer.headers["x-amzn-requestid"] == told["id"].removeprefix("ec_")
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"], line["trace"]) == ("60054", "W001", "000000017")


def test_wrong_key_is_forbidden_and_old_spelling_is_not(peer: Peer) -> None:
    peer.enrol()
    wrong = ask(peer, key="wrong")
    assert (wrong.status_code, wrong.json()) == (403, {"message": "Forbidden"})
    assert peer.ledger()["questions"] == []
    key = text(peer.sandbox.ready, "stedi", "api_key")
    assert ask(peer, key=f"Key {key}").status_code == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provider": None}, "provider is required"),
        ({"subscriber": {}}, "subscriber is required"),
        ({"tradingPartnerServiceId": ""}, "tradingPartnerServiceId is required"),
        ({"provider": "Sample Clinic"}, "provider must be an object"),
        ({"provider": {"npi": "12345"}}, "provider.npi is malformed"),
        ({"controlNumber": 17}, "controlNumber is malformed"),
        ({"subscriber": subscriber(dateOfBirth="1970-01-02")}, "dateOfBirth is malformed"),
        ({"subscriber": subscriber(dateOfBirth="19701302")}, "dateOfBirth is no date"),
        ({"subscriber": subscriber(gender="female")}, "subscriber.gender is malformed"),
        ({"encounter": {"dateOfService": "2026"}}, "encounter.dateOfService is malformed"),
        ({"encounter": {"serviceTypeCodes": "PT"}}, "serviceTypeCodes is malformed"),
        ({"encounter": {"serviceTypeCodes": []}}, "serviceTypeCodes is malformed"),
        ({"dependents": {}}, "dependents must be a list"),
        ({"dependents": [{}, {}]}, "dependents must be a list of one"),
    ],
)
def test_malformed_question_is_refused_by_the_members_name(
    peer: Peer, change: dict[str, Json], said: str
) -> None:
    answer = ask(peer, **change)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert "Samplewright" not in answer.text
    assert peer.ledger()["questions"] == []


def test_no_json_is_refused_and_members_that_it_does_not_know_are_ignored(peer: Peer) -> None:
    place = peer.sandbox.ready["stedi"]
    headers = {"Authorization": text(place, "api_key"), "Content-Type": "application/json"}
    assert peer.post(text(place, "url"), content=b"[1]", headers=headers).status_code == 400
    headers["Content-Type"] = "text/plain"
    assert peer.post(text(place, "url"), content=b"{}", headers=headers).status_code == 415
    assert ask(peer, submitterTransactionIdentifier="7", more={"deep": []}).status_code == 200


@pytest.mark.parametrize(
    ("change", "reject", "level"),
    [
        ({"provider": {"npi": "1234567890"}}, "43", "provider"),
        ({"subscriber": subscriber(memberId="W999")}, "72", "subscriber"),
        ({"subscriber": subscriber(memberId="W999", firstName="No")}, "75", "subscriber"),
        ({"subscriber": subscriber(dateOfBirth="19700103")}, "71", "subscriber"),
        ({"subscriber": subscriber(firstName="Wilma")}, "73", "subscriber"),
        ({"dependents": [{"lastName": "Nobody", "dateOfBirth": "20120304"}]}, "67", "subscriber"),
    ],
)
def test_payer_rejects_what_it_does_not_know(
    peer: Peer, change: dict[str, Json], reject: str, level: str
) -> None:
    peer.enrol()
    answer = ask(peer, **change)
    assert (answer.status_code, codes(answer)) == (200, [reject])
    assert [error["code"] for error in answer.json()[level]["aaaErrors"]] == [reject]
    assert answer.json()["benefitsInformation"] == []


def test_unknown_payer_is_an_answer_with_400(peer: Peer) -> None:
    answer = ask(peer, tradingPartnerServiceId="00000")
    assert (answer.status_code, codes(answer)) == (400, ["79"])
    assert answer.json()["errors"][0]["location"] == "Loop 2100A"


def test_dependent_is_answered_at_the_dependents_level(peer: Peer) -> None:
    peer.enrol()
    child: Tree = {"lastName": "Samplewright", "firstName": "Minna", "dateOfBirth": "20120304"}
    told = ask(peer, dependents=[child]).json()
    assert told["subscriber"]["firstName"] == "WALTER"
    assert told["dependents"][0]["firstName"] == "MINNA"
    assert told["dependents"][0]["relationToSubscriber"] == "Child"


def test_both_doors_lead_to_the_same_payer(peer: Peer) -> None:
    """A payer that is down for two questions counts those through either door."""
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert codes(ask(peer)) == ["42"]
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert codes(ask(peer)) == []


def test_what_a_question_leaves_out_is_filled_in(peer: Peer) -> None:
    peer.enrol()
    told = ask(peer, encounter=None, controlNumber=None, externalPatientId=None).json()
    assert told["controlNumber"]
    assert told["benefitsInformation"]


def translated(payer: str, state: State, *, dependent: bool = False) -> tuple[bytes, Tree]:
    register = Register()
    register.enrol(member({**MEMBER, "payer": payer, "state": state.value}))
    who = ("Minna", "20120304") if dependent else None
    asked = reading.read(question(payer=payer, dependent=who, on=date(2026, 12, 1)))
    finding = register.find(asked)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    values = answers.values(asked, now) | answers.member_values(finding, finding.patient)
    content = answers.benefits(answers.payers()[payer].shape, state, finding, values)
    return content, stedi.translate(content, GOOD)


def count(content: bytes, name: bytes) -> int:
    """How many segments of a name a 271 has, whatever its delimiters."""
    element, terminator = content[3:4], content[105:106]
    lines = [line.strip() for line in content.split(terminator)]
    return sum(line.startswith(name + element) for line in lines)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("payer", answers.payers())
def test_nothing_of_any_shape_is_lost(payer: str, state: State) -> None:
    for dependent in (False, True):
        content, told = translated(payer, state, dependent=dependent)
        benefits = trees(told, "benefitsInformation")
        assert len(benefits) == count(content, b"EB")
        for name, segment in (
            ("additionalInformation", b"MSG"),
            ("benefitsServiceDelivery", b"HSD"),
            ("eligibilityAdditionalInformationList", b"III"),
        ):
            assert sum(len(trees(each, name)) for each in benefits) == count(content, segment)
        assert text(told, "payer", "name")
        assert text(told, "subscriber", "memberId") == "W001"
        assert text(told, "x12") == content.decode().strip()
        json.dumps(told)


def test_an_entry_has_codes_and_words_side_by_side() -> None:
    _, told = translated("04271", State.ACTIVE)
    limit = next(each for each in trees(told, "benefitsInformation") if each["code"] == "F")
    assert limit == {
        "code": "F",
        "name": "Limitations",
        "coverageLevelCode": "IND",
        "coverageLevel": "Individual",
        "serviceTypeCodes": ["AD", "AE", "AF"],
        "serviceTypes": ["Occupational Therapy", "Physical Medicine", "Speech Therapy"],
        "insuranceTypeCode": "HM",
        "insuranceType": "Health Maintenance Organization (HMO)",
        "timeQualifierCode": "23",
        "timeQualifier": "Calendar Year",
        "quantityQualifierCode": "VS",
        "quantityQualifier": "Visits",
        "benefitQuantity": limit["benefitQuantity"],
        "inPlanNetworkIndicatorCode": "Y",
        "inPlanNetworkIndicator": "Yes",
        "additionalInformation": [
            {"description": "Combined total for Physical, Occupational, Speech"}
        ],
    }
    assert told["planDateInformation"] == {"planBegin": "20260101"}


def test_other_payer_and_place_of_service_hang_on_their_entry() -> None:
    _, told = translated("60054", State.OTHER_PAYER_PRIMARY)
    other = next(each for each in trees(told, "benefitsInformation") if each["code"] == "R")
    assert text(other, "benefitsRelatedEntities", 0, "entityIdentifier") == "Primary Payer"
    assert text(other, "benefitsRelatedEntity", "entityName") == "SAMPLE MUTUAL"
    assert text(other, "benefitsDateInformation", "coordinationOfBenefits") == "20260101"
    _, told = translated("61101", State.ACTIVE)
    places = [
        text(each, "eligibilityAdditionalInformationList", 0, "industryCode")
        for each in trees(told, "benefitsInformation")
    ]
    assert {"11", "22"} <= set(places)


def test_composites_are_taken_apart() -> None:
    content, _ = translated("60054", State.ACTIVE)
    procedure = content.replace(b"EB*P~", b"EB*D*IND**********Y*AD:D0120~")
    told = stedi.translate(procedure, GOOD)
    assert trees(told, "benefitsInformation")[-1]["compositeMedicalProcedureIdentifier"] == {
        "productOrServiceIdQualifierCode": "AD",
        "procedureCode": "D0120",
    }


@pytest.mark.parametrize("payer", answers.payers())
def test_truncated_answer_ends_in_the_middle(peer: Peer, payer: str) -> None:
    peer.enrol(payer=payer, state="truncated")
    answer = ask(peer, tradingPartnerServiceId=payer)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


class TestFaults(DoorFaults):
    """What befalls a client that takes the wire for granted."""

    door = "stedi"
    ask = staticmethod(ask)

    @pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.HTML_200])
    def test_success_deceives_a_client_that_trusts_statuses(self, peer: Peer, fault: Fault) -> None:
        peer.enrol()
        peer.plan(fault, "stedi:60054")
        answer = ask(peer)
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()

    def test_delay_exceeds_an_impatient_deadline_although_it_was_asked(self, peer: Peer) -> None:
        peer.enrol()
        body = {"fault": "delay", "match": "stedi:60054", "delay_ms": 400}
        assert peer.post("/_admin/faults", json=body).status_code == 200
        with pytest.raises(httpx2.ReadTimeout):
            ask(peer, timeout=0.1)
        assert len(peer.ledger()["questions"]) == 1

    def test_each_door_has_its_own_calls(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.UNAVAILABLE, "core:*")
        peer.plan(Fault.TRUNCATED_271, "stedi:*")
        assert ask(peer).status_code == 200
        assert ask(peer, tradingPartnerServiceId="6 0").status_code == 400
        assert peer.ask_payer(question()).status_code == 503

    def test_slow_payer_is_slow_here_too(self, peer: Peer) -> None:
        peer.enrol(payer="37308")
        before = time.monotonic()
        assert ask(peer, tradingPartnerServiceId="37308").status_code == 200
        assert time.monotonic() - before >= 0.25


def test_key_follows_from_the_seed_and_is_not_the_other_doors(sandbox: Sandbox) -> None:
    key = text(sandbox.ready, "stedi", "api_key")
    assert len(key) == 24
    assert key != text(sandbox.ready, "clearinghouse", "password")
