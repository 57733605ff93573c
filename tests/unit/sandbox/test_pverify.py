"""pVerify's door: a token, the client's header, answers at once or later, to the same payers."""

import json
from collections.abc import Callable

import httpx2
import pytest

from cleargate.sandbox import answers
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.pverify import POLLS
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Json, Tree, text
from cleargate.sandbox.world import SandboxOptions
from tests.unit.sandbox.peers import NPI, Peer, question

SUBSCRIBER: Tree = {
    "firstName": "Walter",
    "lastName": "Samplewright",
    "memberId": "W001",
    "dob": "01/02/1970",
    "gender": "Male",
}
GOOD: Tree = {
    "payerCode": "60054",
    "provider": {"lastName": "Sample Clinic", "npi": NPI},
    "subscriber": SUBSCRIBER,
    "isSubscriberPatient": "True",
    "doS_StartDate": "12/01/2026",
    "doS_EndDate": "12/01/2026",
    "location": "Main",
    "practiceTypeCode": "12",
    "referenceId": "ref-1",
}
CHILD: Tree = {"firstName": "Minna", "lastName": "Samplewright", "dob": "03/04/2012"}


def place(peer: Peer, path: str) -> str:
    return f"{text(peer.sandbox.ready, 'pverify', 'url')}/{path}"


def grant(peer: Peer, **changes: str) -> httpx2.Response:
    client = peer.sandbox.ready["pverify"]
    form = {
        "Client_Id": text(client, "client_id"),
        "Client_Secret": text(client, "client_secret"),
        "grant_type": "client_credentials",
    }
    return peer.post(place(peer, "Token"), data=form | changes)


def signed(peer: Peer) -> dict[str, str]:
    token = grant(peer).json()["access_token"]
    client = text(peer.sandbox.ready, "pverify", "client_id")
    return {"Authorization": f"Bearer {token}", "Client-API-Id": client}


def ask(peer: Peer, timeout: float = 5.0, **changes: Json) -> httpx2.Response:
    asked = {name: value for name, value in (GOOD | changes).items() if value is not None}
    address = place(peer, "API/EligibilitySummary")
    return peer.post(address, json=asked, headers=signed(peer), timeout=timeout)


def fetch(peer: Peer, number: object) -> httpx2.Response:
    return peer.get(place(peer, f"API/GetEligibilitySummary/{number}"), headers=signed(peer))


def test_a_good_question_gets_the_whole_answer_and_counts_as_one(peer: Peer) -> None:
    peer.enrol()
    told = ask(peer).json()
    assert (told["APIResponseCode"], told["ProcessedWithError"]) == ("0", False)
    assert told["PayerName"] == "AETNA"
    assert told["DemographicInfo"]["Subscriber"]["DOB_R"] == "01/02/1970"
    assert told["PlanCoverageSummary"]["Status"] == "Active"
    assert [one["ServiceName"] for one in told["ServiceDetails"]][:2] == [
        "Health Benefit Plan Coverage",
        "Medical Care",
    ]
    assert told["HBPC_Deductible_OOP_Summary"]["IndividualOOP_InNet"]["Value"].startswith("$")
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"]) == ("60054", "W001")
    assert line["trace"] == str(told["RequestID"])


def test_an_answer_can_be_fetched_again_for_nothing(peer: Peer) -> None:
    peer.enrol()
    told = ask(peer).json()
    assert fetch(peer, told["RequestID"]).json() == told
    assert len(peer.ledger()["questions"]) == 1


def test_a_question_that_is_sent_again_is_another_one(peer: Peer) -> None:
    peer.enrol()
    assert ask(peer).json()["RequestID"] != ask(peer).json()["RequestID"]
    assert len(peer.ledger()["questions"]) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers | {"Authorization": "Bearer wrong"},
        lambda headers: {"Authorization": headers["Authorization"]},
        lambda headers: headers | {"Client-API-Id": "wrong"},
        lambda headers: {
            "client-api-id" if name == "Client-API-Id" else name: value
            for name, value in headers.items()
        },
    ],
)
def test_every_call_wants_a_token_and_the_clients_header_in_its_capitals(
    peer: Peer, spoil: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    peer.enrol()
    headers = spoil(signed(peer))
    posted = peer.post(place(peer, "API/EligibilitySummary"), json=GOOD, headers=headers)
    got = peer.get(place(peer, "API/GetEligibilitySummary/1"), headers=headers)
    assert (posted.status_code, got.status_code) == (401, 401)
    assert "denied" in posted.json()["Message"]
    assert peer.ledger()["questions"] == []


def test_tokens_are_for_the_client_alone(peer: Peer) -> None:
    assert grant(peer, Client_Secret="wrong").status_code == 401
    assert grant(peer, grant_type="password").status_code == 400
    assert grant(peer).json()["token_type"] == "bearer"
    as_json = peer.post(place(peer, "Token"), json={"grant_type": "client_credentials"})
    assert as_json.status_code == 400


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"payerCode": None}, "payerCode"),
        ({"location": ""}, "location"),
        ({"provider": {"npi": NPI}}, "provider.lastName"),
        ({"provider": {"lastName": "Sample Clinic", "npi": "1"}}, "provider.npi"),
        ({"subscriber": "Samplewright"}, "subscriber.memberId"),
        ({"subscriber": SUBSCRIBER | {"dob": "1970-01-02"}}, "subscriber.dob"),
        ({"doS_StartDate": "02/30/2026"}, "doS_StartDate"),
        ({"isSubscriberPatient": "False"}, "dependent.patient.firstName"),
    ],
)
def test_what_is_missing_or_wrong_is_rejected_by_name_with_200(
    peer: Peer, change: dict[str, Json], name: str
) -> None:
    peer.enrol()
    answer = ask(peer, **change)
    assert (answer.status_code, answer.json()["APIResponseCode"]) == (200, "1")
    assert name in answer.json()["ErrorDescription"]
    assert "Samplewright" not in answer.text
    assert peer.ledger()["questions"] == []


def test_no_json_is_a_bad_request_and_an_unknown_page_is_none(peer: Peer) -> None:
    address = place(peer, "API/EligibilitySummary")
    assert peer.post(address, content=b"[1]", headers=signed(peer)).status_code == 400
    assert peer.get(place(peer, "API/Payers"), headers=signed(peer)).status_code == 404


def test_an_account_without_funds_asks_nobody(peer: Peer) -> None:
    peer.enrol()
    assert ask(peer, location="EMPTY").json()["APIResponseCode"] == "2"
    assert peer.ledger()["questions"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"provider": {"lastName": "Sample Clinic", "npi": "1234567890"}},
         "Invalid/Missing Provider Identification"),
        ({"subscriber": SUBSCRIBER | {"memberId": "W999"}},
         "Invalid/Missing Subscriber/Insured ID"),
        ({"payerCode": "00000"}, "Invalid Participant Identification"),
    ],
)  # fmt: skip
def test_a_payers_no_is_processed_with_an_error(
    peer: Peer, change: dict[str, Json], words: str
) -> None:
    peer.enrol()
    told = ask(peer, **change).json()
    assert (told["APIResponseCode"], told["ProcessedWithError"]) == ("0", True)
    assert told["EDIErrorMessage"] == words


def test_a_dependent_is_answered_as_one(peer: Peer) -> None:
    peer.enrol()
    dependent: Tree = {"patient": CHILD, "relationWithSubscriber": "Child"}
    told = ask(peer, isSubscriberPatient="False", dependent=dependent).json()
    people = told["DemographicInfo"]
    assert people["Dependent"]["DependentInfo"]["Firstname"] == "MINNA"
    assert people["Dependent"]["Relationship"] == "Child"
    assert people["Subscriber"]["Firstname"] == "WALTER"


def test_all_doors_lead_to_the_same_payer(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert ask(peer).json()["EDIErrorMessage"] == "Unable to Respond at Current Time"
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert ask(peer).json()["EDIErrorMessage"] is None


class TestByTelephone:
    def asked(self, peer: Peer) -> int:
        peer.enrol(payer="37308")
        told = ask(peer, payerCode="37308").json()
        assert (told["APIResponseCode"], told["ServiceDetails"]) == ("4", None)
        return int(told["RequestID"])

    def test_an_answer_is_pending_first_and_has_summaries_only(self, peer: Peer) -> None:
        number = self.asked(peer)
        for _ in range(POLLS):
            assert fetch(peer, number).json()["APIResponseCode"] == "3"
        told = fetch(peer, number).json()
        assert (told["APIResponseCode"], told["IsPayerBackOffice"]) == ("0", "TRUE")
        assert told["ServiceDetails"] is None
        assert told["PhysicalTherapySummary"]
        assert len(peer.ledger()["questions"]) == 1

    def test_what_is_pending_outlives_the_sandbox(self, options: SandboxOptions) -> None:
        with Sandbox(options) as first, Peer(first) as peer:
            number = self.asked(peer)
        with Sandbox(options) as second, Peer(second) as peer:
            codes = [fetch(peer, number).json()["APIResponseCode"] for _ in range(POLLS + 1)]
            assert codes == ["3"] * POLLS + ["0"]
            assert ask(peer).json()["RequestID"] > number

    @pytest.mark.parametrize("number", ["1", "x", "²", "-1"])
    def test_an_id_that_is_none_is_rejected(self, peer: Peer, number: str) -> None:
        assert fetch(peer, number).json()["APIResponseCode"] == "1"


@pytest.mark.parametrize("payer", answers.payers())
def test_a_truncated_answer_ends_in_the_middle(peer: Peer, payer: str) -> None:
    peer.enrol(payer=payer, state="truncated")
    answer = ask(peer, payerCode=payer)
    for _ in range(POLLS + 1 if payer == "37308" else 0):
        answer = fetch(peer, json.loads(answer.text)["RequestID"])
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "status", "done"),
        [
            (Fault.TOO_MANY, 429, 0),
            (Fault.UNAVAILABLE, 503, 0),
            (Fault.UNAUTHORIZED, 401, 0),
            (Fault.SERVER_ERROR, 500, 1),
        ],
    )
    def test_a_status_does_not_tell_whether_the_payer_was_asked(
        self, peer: Peer, fault: Fault, status: int, done: int
    ) -> None:
        peer.enrol()
        peer.plan(fault, "pverify:60054")
        assert ask(peer).status_code == status
        assert len(peer.ledger()["questions"]) == done

    def test_a_lost_reply_leaves_a_question_that_nobody_can_fetch(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.LOST_REPLY, "pverify:60054")
        with pytest.raises(httpx2.RemoteProtocolError):
            ask(peer)
        assert len(peer.ledger()["questions"]) == 1

    def test_tokens_and_fetching_have_faults_of_their_own(self, peer: Peer) -> None:
        peer.enrol()
        number = ask(peer).json()["RequestID"]
        peer.plan(Fault.UNAVAILABLE, "pverify:token")
        assert grant(peer).status_code == 503
        peer.plan(Fault.SERVER_ERROR, "pverify:fetch")
        assert fetch(peer, number).status_code == 500
        assert fetch(peer, number).status_code == 200
