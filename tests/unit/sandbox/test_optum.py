"""The door behind a token: strict about members and tokens, open to the same payers and faults."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from cleargate.sandbox.faults import Fault
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Json, Tree, text
from cleargate.sandbox.world import SandboxOptions
from tests.unit.connectors.parts import FixedClock
from tests.unit.sandbox.peers import Peer, question
from tests.unit.sandbox.test_stedi import GOOD as STEDIS
from tests.unit.sandbox.test_stedi import codes, subscriber

GOOD: Tree = {
    **{name: value for name, value in STEDIS.items() if name != "externalPatientId"},
    "submitterTransactionIdentifier": "trace-1",
}


def path(peer: Peer, rest: str) -> str:
    return text(peer.sandbox.ready, "optum", "url") + rest


def token(peer: Peer, **changes: str) -> httpx2.Response:
    place = peer.sandbox.ready["optum"]
    asked = {
        "client_id": text(place, "client_id"),
        "client_secret": text(place, "client_secret"),
        "grant_type": "client_credentials",
    }
    return peer.post(path(peer, "/apip/auth/v2/token"), json=asked | changes)


def ask(
    peer: Peer, bearer: str = "", timeout: float = 5.0, drop: str = "", **changes: Json
) -> httpx2.Response:
    bearer = bearer or token(peer).json()["access_token"]
    asked = {name: value for name, value in (GOOD | changes).items() if name != drop}
    return peer.post(
        path(peer, "/medicalnetwork/eligibility/v3/"),
        json=asked,
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=timeout,
    )


def test_good_question_gets_the_whole_answer_and_counts_as_one(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer)
    told = answer.json()
    assert answer.status_code == 200
    assert told["controlNumber"] == "000000017"
    assert told["meta"]["outboundTraceId"] == "trace-1"
    assert "id" not in told
    assert told["payer"]["name"] == "AETNA"
    assert len(told["benefitsInformation"]) > 15
    assert told["x12"].startswith("ISA*")
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"], line["trace"]) == ("60054", "W001", "000000017")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_token_is_for_the_right_client_only(
    peer: Peer, change: dict[str, str], status: int, error: str
) -> None:
    refused = token(peer, **change)
    assert (refused.status_code, refused.json()) == (status, {"error": error})


def test_token_is_asked_for_in_json(peer: Peer) -> None:
    asked = peer.post(path(peer, "/apip/auth/v2/token"), data={"client_id": "cleargate"})
    assert asked.status_code == 415


def test_question_without_a_valid_token_is_not_asked(peer: Peer) -> None:
    peer.enrol()
    assert ask(peer, bearer="made-up").status_code == 401
    place = path(peer, "/medicalnetwork/eligibility/v3/")
    assert peer.post(place, json=GOOD, headers={"Authorization": ""}).status_code == 401
    assert peer.ledger()["questions"] == []


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.fixture
def ageing(tmp_path: Path, clock: FixedClock) -> Iterator[Peer]:
    options = SandboxOptions(tmp_path, faults="none", tenants=("riverside",), clock=clock)
    with Sandbox(options) as sandbox, Peer(sandbox) as client:
        yield client


def test_token_ends_after_an_hour(ageing: Peer, clock: FixedClock) -> None:
    ageing.enrol()
    granted = token(ageing).json()
    assert granted["expires_in"] == 3600
    clock.moment += timedelta(seconds=3599)
    assert ask(ageing, bearer=granted["access_token"]).status_code == 200
    clock.moment += timedelta(seconds=1)
    assert ask(ageing, bearer=granted["access_token"]).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"drop": "controlNumber"}, "controlNumber"),
        ({"controlNumber": "17"}, "controlNumber"),
        ({"subscriber": {}}, "subscriber"),
        ({"subscriber": subscriber(memberId="W 001")}, "subscriber.memberId"),
        ({"subscriber": subscriber(dateOfBirth="1970-01-02")}, "subscriber.dateOfBirth"),
        ({"encounter": {"serviceTypeCodes": ["PT-1"]}}, "encounter.serviceTypeCodes"),
    ],
)
def test_mistake_stands_in_errors_by_its_field(
    peer: Peer, change: dict[str, Json], field: str
) -> None:
    answer = ask(peer, **change)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "Samplewright" not in answer.text
    assert peer.ledger()["questions"] == []


def test_payers_no_comes_with_200_whoever_says_it(peer: Peer) -> None:
    peer.enrol()
    unknown = ask(peer, tradingPartnerServiceId="00000")
    assert (unknown.status_code, codes(unknown)) == (200, ["79"])
    wrong = ask(peer, subscriber=subscriber(firstName="Wilma"))
    assert (wrong.status_code, codes(wrong)) == (200, ["73"])


def test_all_doors_lead_to_the_same_payer(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert codes(ask(peer)) == ["42"]
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert codes(ask(peer)) == []


def test_truncated_answer_ends_in_the_middle(peer: Peer) -> None:
    peer.enrol(state="truncated")
    answer = ask(peer)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_other_paths_and_methods_are_not_there(peer: Peer) -> None:
    assert peer.get(path(peer, "/medicalnetwork/eligibility/v3/")).status_code == 404
    assert peer.post(path(peer, "/medicalnetwork/eligibility/v2/"), json=GOOD).status_code == 404


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
        peer.plan(fault, "optum:60054")
        assert ask(peer).status_code == status
        assert len(peer.ledger()["questions"]) == done

    @pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.TRUNCATED_BODY])
    def test_lost_reply_leaves_a_naive_client_in_doubt(self, peer: Peer, fault: Fault) -> None:
        peer.enrol()
        peer.plan(fault, "optum:60054")
        with pytest.raises(httpx2.TransportError):
            ask(peer)
        assert len(peer.ledger()["questions"]) == 1

    def test_token_endpoint_fails_too(self, peer: Peer) -> None:
        peer.plan(Fault.UNAVAILABLE, "optum:token")
        assert token(peer).status_code == 503
        assert token(peer).status_code == 200
        peer.plan(Fault.HTML_200, "optum:token")
        assert token(peer).text.startswith("<!DOCTYPE")


def test_secret_follows_from_the_seed_and_is_not_the_other_doors(sandbox: Sandbox) -> None:
    ready = sandbox.ready
    assert len(text(ready, "optum", "client_secret")) == 24
    assert text(ready, "optum", "client_secret") != text(ready, "stedi", "api_key")
