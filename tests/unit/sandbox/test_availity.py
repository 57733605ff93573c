"""The door where answers come later: strict about fields and tokens, open to the same payers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from cleargate.sandbox.faults import Fault
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Tree, text
from cleargate.sandbox.world import SandboxOptions
from tests.unit.connectors.parts import FixedClock
from tests.unit.sandbox.peers import NPI, Peer, question

GOOD = {
    "payerId": "60054",
    "providerLastName": "Sample Clinic",
    "providerNpi": NPI,
    "asOfDate": "2026-12-01",
    "serviceType": "PT",
    "memberId": "W001",
    "patientLastName": "Samplewright",
    "patientFirstName": "Walter",
    "patientBirthDate": "1970-01-02",
    "patientGender": "M",
    "subscriberRelationship": "18",
}


def path(peer: Peer, rest: str) -> str:
    return text(peer.sandbox.ready, "availity", "url") + rest


def token(peer: Peer, **changes: str) -> httpx2.Response:
    place = peer.sandbox.ready["availity"]
    asked = {
        "client_id": text(place, "client_id"),
        "client_secret": text(place, "client_secret"),
        "grant_type": "client_credentials",
        "scope": "healthcare-hipaa-transactions",
    }
    return peer.post(path(peer, "/v1/token"), data=asked | changes)


def bearer(peer: Peer) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(peer).json()['access_token']}"}


def ask(peer: Peer, headers: dict[str, str] | None = None, **changes: str) -> httpx2.Response:
    form = {name: value for name, value in (GOOD | changes).items() if value}
    headers = headers or bearer(peer)
    return peer.post(path(peer, "/availity/v1/coverages"), data=form, headers=headers)


def look(peer: Peer, found: str) -> httpx2.Response:
    return peer.get(path(peer, f"/availity/v1/coverages/{found}"), headers=bearer(peer))


def answered(peer: Peer, **changes: str) -> Tree:
    accepted = ask(peer, **changes)
    assert accepted.status_code == 202
    found = accepted.json()["coverages"][0]["id"]
    assert look(peer, found).status_code == 202
    answer = look(peer, found)
    assert answer.status_code == 200
    told: Tree = answer.json()
    return told


def test_question_is_accepted_first_and_answered_later_and_counts_as_one(peer: Peer) -> None:
    peer.enrol()
    accepted = ask(peer)
    summary = accepted.json()["coverages"][0]
    assert (summary["status"], summary["statusCode"]) == ("In Progress", "0")
    assert accepted.headers["location"].endswith(f"/availity/v1/coverages/{summary['id']}")
    first, second = look(peer, summary["id"]), look(peer, summary["id"])
    assert (first.status_code, first.json()["statusCode"]) == (202, "0")
    told = second.json()
    assert (told["id"], told["status"], told["statusCode"]) == (summary["id"], "Complete", "4")
    assert told["payer"]["responseName"] == "AETNA"
    assert told["patient"]["lastName"] == "SAMPLEWRIGHT"
    assert told["plans"][0]["statusCode"] == "1"
    assert look(peer, summary["id"]).json() == told
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"]) == ("60054", "W001")
    assert "W001" not in summary["id"]


def test_deductible_has_its_total_and_what_remains_in_one_entry(peer: Peer) -> None:
    peer.enrol()
    plan = answered(peer)["plans"][0]
    whole = next(each for each in plan["benefits"] if each["type"] == "30")
    own = whole["amounts"]["deductibles"]["inNetwork"][0]
    assert own["levelCode"] == "IND"
    assert own["totalTimePeriodCode"] == "23"
    assert own["remainingTimePeriod"] == "Remaining"
    assert float(own["remaining"]) <= float(own["total"])
    assert own["units"] == "Dollars"
    therapy = next(each for each in plan["benefits"] if each["type"] == "PT")
    shares = therapy["amounts"]["coInsurance"]
    assert (
        shares["outOfNetwork"][0] | {"amount": ".4", "units": "Percent"}
        == (shares["outOfNetwork"][0])
    )


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "healthcare-hipaa-transactions-demo"}, 400, "invalid_scope"),
    ],
)
def test_token_is_for_the_right_client_and_a_scope(
    peer: Peer, change: dict[str, str], status: int, error: str
) -> None:
    refused = token(peer, **change)
    assert (refused.status_code, refused.json()) == (status, {"error": error})


def test_nothing_is_asked_or_told_without_a_token(peer: Peer) -> None:
    peer.enrol()
    assert ask(peer, headers={"Authorization": "Bearer made-up"}).status_code == 401
    nobody = {"Authorization": "Bearer made-up"}
    place = path(peer, "/availity/v1/coverages/1")
    assert peer.get(place, headers=nobody).status_code == 401
    assert peer.ledger()["questions"] == []


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.fixture
def ageing(tmp_path: Path, clock: FixedClock) -> Iterator[Peer]:
    options = SandboxOptions(tmp_path, faults="none", tenants=("riverside",), clock=clock)
    with Sandbox(options) as sandbox, Peer(sandbox) as client:
        yield client


def test_token_ends_after_five_minutes(ageing: Peer, clock: FixedClock) -> None:
    ageing.enrol()
    headers = bearer(ageing)
    clock.moment += timedelta(seconds=299)
    assert ask(ageing, headers=headers).status_code == 202
    clock.moment += timedelta(seconds=1)
    assert ask(ageing, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"payerId": ""}, "payerId"),
        ({"memberId": ""}, "memberId"),
        ({"providerNpi": "123"}, "providerNpi"),
        ({"patientBirthDate": "19700102"}, "patientBirthDate"),
        ({"patientBirthDate": "1970-13-02"}, "patientBirthDate"),
        ({"patientGender": "female"}, "patientGender"),
        ({"serviceType": "PT-1"}, "serviceType"),
        ({"subscriberRelationship": "self"}, "subscriberRelationship"),
    ],
)
def test_mistake_stands_in_errors_by_its_field(
    peer: Peer, change: dict[str, str], field: str
) -> None:
    answer = ask(peer, **change)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "Samplewright" not in answer.text
    assert peer.ledger()["questions"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payerId": "00000"}, "79"),
        ({"providerNpi": "1234567890"}, "43"),
        ({"memberId": "W999"}, "72"),
        ({"patientBirthDate": "1970-01-03"}, "71"),
        ({"patientFirstName": "Wilma"}, "73"),
        ({"subscriberRelationship": "19"}, "67"),
    ],
)
def test_payers_no_is_a_request_error_with_its_code(
    peer: Peer, change: dict[str, str], code: str
) -> None:
    peer.enrol()
    told = answered(peer, **change)
    assert told["statusCode"] == "19"
    assert [one["code"] for one in told["validationMessages"]] == [code]
    assert told["plans"] == []


def test_dependent_is_found_by_the_policys_id_alone(peer: Peer) -> None:
    peer.enrol()
    child = {"patientFirstName": "Minna", "patientBirthDate": "2012-03-04", "patientGender": "F"}
    told = answered(peer, subscriberRelationship="19", **child)
    assert told["patient"]["firstName"] == "MINNA"
    assert told["patient"]["subscriberRelationshipCode"] == "19"
    assert told["subscriber"]["firstName"] == "WALTER"


def test_all_doors_lead_to_the_same_payer(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert answered(peer)["validationMessages"][0]["code"] == "42"
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert answered(peer)["statusCode"] == "4"


def test_truncated_answer_ends_in_the_middle(peer: Peer) -> None:
    peer.enrol(state="truncated")
    found = ask(peer).json()["coverages"][0]["id"]
    look(peer, found)
    answer = look(peer, found)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_what_it_does_not_know_is_not_there(peer: Peer) -> None:
    assert look(peer, "1").status_code == 404
    assert peer.post(path(peer, "/v2/token"), data={}).status_code == 404
    assert peer.post(path(peer, "/v1/token"), json={}).status_code == 404


def test_coverage_of_an_earlier_run_is_gone_and_its_id_is_not_given_again(tmp_path: Path) -> None:
    options = SandboxOptions(tmp_path, faults="none", tenants=("riverside",))
    with Sandbox(options) as sandbox, Peer(sandbox) as first:
        first.enrol()
        old = ask(first).json()["coverages"][0]["id"]
    with Sandbox(options) as sandbox, Peer(sandbox) as second:
        assert look(second, old).status_code == 404
        assert ask(second).json()["coverages"][0]["id"] != old
        assert look(second, old).status_code == 404
        assert len(second.ledger()["questions"]) == 2


class TestFaults:
    """What befalls a client that takes the wire for granted."""

    @pytest.mark.parametrize(
        ("fault", "status", "done"),
        [
            (Fault.UNAUTHORIZED, 401, 0),
            (Fault.TOO_MANY, 429, 0),
            (Fault.UNAVAILABLE, 503, 0),
            (Fault.SERVER_ERROR, 500, 1),
        ],
    )
    def test_status_does_not_tell_whether_the_payer_was_asked(
        self, peer: Peer, fault: Fault, status: int, done: int
    ) -> None:
        peer.enrol()
        peer.plan(fault, "availity:60054")
        assert ask(peer).status_code == status
        assert len(peer.ledger()["questions"]) == done

    def test_looks_and_tokens_fail_too(self, peer: Peer) -> None:
        peer.enrol()
        found = ask(peer).json()["coverages"][0]["id"]
        peer.plan(Fault.UNAVAILABLE, "availity:poll")
        assert look(peer, found).status_code == 503
        peer.plan(Fault.TOO_MANY, "availity:token")
        assert token(peer).status_code == 429
        assert look(peer, found).status_code == 202
        assert len(peer.ledger()["questions"]) == 1
