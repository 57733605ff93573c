"""The door for forms: Waystar's delimiters and pages, the same payers and faults."""

import time

import httpx2
import pytest

from cleargate.sandbox import answers
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import text
from tests.unit.sandbox.door_faults import DoorFaults
from tests.unit.sandbox.peers import Peer, question


def ask(
    peer: Peer, asked: bytes = b"", timeout: float = 5.0, receiver: str = "ZIRMED", **changes: str
) -> httpx2.Response:
    """An empty change leaves the field away."""
    place = peer.sandbox.ready["waystar"]
    data = (asked or question()).decode()
    fields = {
        "UserID": text(place, "username"),
        "Password": text(place, "password"),
        "DataFormat": "X12",
        "ResponseType": "271",
        "Data": data.replace("SANDBOXCH      ", receiver.ljust(15)),
    } | changes
    form = {name: value for name, value in fields.items() if value}
    return peer.post(text(place, "url"), data=form, timeout=timeout)


def test_good_question_gets_the_whole_answer_and_counts_as_one(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer)
    assert answer.status_code == 200
    assert answer.text.startswith("ISA|00|          |00|          |ZZ|ZIRMED         |ZZ|")
    assert answer.text[82] == "}"
    assert answer.text[104:106] == "^~"
    assert "NM1|IL|1|SAMPLEWRIGHT|WALTER" in answer.text
    assert "TRN|2|trace-1|" in answer.text
    assert "*" not in answer.text
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"], line["trace"]) == ("60054", "W001", "trace-1")


def test_a_list_of_services_has_waystars_mark_between(peer: Peer) -> None:
    peer.enrol(payer="04271")
    assert "|AD}AE}AF|" in ask(peer, question(payer="04271")).text


def test_a_4010_answer_still_has_no_mark_for_lists(peer: Peer) -> None:
    peer.enrol(payer="37308")
    answer = ask(peer, question(payer="37308"))
    assert answer.text[82] == "U"
    assert "|00401|" in answer.text


@pytest.mark.parametrize("payer", answers.payers())
def test_whole_answer_has_its_end_and_half_an_answer_has_none(peer: Peer, payer: str) -> None:
    peer.enrol(payer=payer)
    whole = ask(peer, question(payer=payer)).text
    assert whole.splitlines()[0].count("~IEA|") == 1
    assert whole.endswith("~")
    peer.enrol(payer=payer, state="truncated")
    half = ask(peer, question(payer=payer)).text
    assert half.startswith("ISA|")
    assert "IEA" not in half


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Password": "wrong"}, "Authentication Failure"),
        ({"UserID": ""}, "Authentication Failure"),
        ({"Data": ""}, "&#x27;Data&#x27; is not valid."),
        ({"Data": "ISA*00*"}, "&#x27;Data&#x27; is not valid."),
        ({"DataFormat": "SF1"}, "&#x27;Data&#x27; is not valid."),
        ({"receiver": "NOBODY"}, "&#x27;Data&#x27; is not valid."),
    ],
)
def test_what_is_wrong_is_told_on_a_page_with_200(
    peer: Peer, change: dict[str, str], words: str
) -> None:
    peer.enrol()
    answer = ask(peer, **change)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert words in answer.text
    assert "Samplewright" not in answer.text
    assert peer.ledger()["questions"] == []


def test_no_form_at_all_is_no_sign_in(peer: Peer) -> None:
    answer = peer.post(text(peer.sandbox.ready, "waystar", "url"), json={"UserID": "sandbox"})
    assert (answer.status_code, "Authentication Failure" in answer.text) == (200, True)


def test_unknown_payer_is_told_on_a_page(peer: Peer) -> None:
    answer = ask(peer, question(payer="00000"))
    assert "Payer 00000 (00000) is not setup for eligibility." in answer.text


@pytest.mark.parametrize("kind", ["", "HTML", "FullJSON"])
def test_whoever_asks_for_no_271_gets_a_page_and_is_billed_all_the_same(
    peer: Peer, kind: str
) -> None:
    peer.enrol()
    assert ask(peer, ResponseType=kind).text.startswith("<html>")
    assert len(peer.ledger()["questions"]) == 1


@pytest.mark.parametrize(
    ("asked", "reject"),
    [
        (question(npi="1234567890"), "43"),
        (question(member_id="W999"), "72"),
        (question(birth="19700103"), "71"),
        (question(given="Wilma"), "73"),
        (question(dependent=("Minna", "20120305")), "67"),
    ],
)
def test_payer_rejects_what_it_does_not_know(peer: Peer, asked: bytes, reject: str) -> None:
    peer.enrol()
    assert f"||{reject}|" in ask(peer, asked).text


def test_all_doors_lead_to_the_same_payer(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert "AAA|Y||42" in ask(peer).text
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert "AAA" not in ask(peer).text


class TestFaults(DoorFaults):
    """What befalls a client that takes the wire for granted."""

    door = "waystar"
    ask = staticmethod(ask)

    @pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.HTML_200, Fault.TRUNCATED_271])
    def test_success_deceives_a_client_that_trusts_statuses(self, peer: Peer, fault: Fault) -> None:
        peer.enrol()
        peer.plan(fault, "waystar:60054")
        answer = ask(peer)
        assert answer.status_code == 200
        assert "~IEA|" not in answer.text

    def test_each_door_has_its_own_calls(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.UNAVAILABLE, "core:*")
        assert ask(peer).status_code == 200
        assert peer.ask_payer(question()).status_code == 503

    def test_slow_payer_is_slow_here_too(self, peer: Peer) -> None:
        peer.enrol(payer="37308")
        before = time.monotonic()
        assert ask(peer, question(payer="37308")).status_code == 200
        assert time.monotonic() - before >= 0.25


def test_password_follows_from_the_seed_and_is_not_the_other_doors(sandbox: Sandbox) -> None:
    password = text(sandbox.ready, "waystar", "password")
    assert len(password) == 24
    assert password not in (
        text(sandbox.ready, "clearinghouse", "password"),
        text(sandbox.ready, "trizetto", "password"),
    )
