"""The MIME door to CAQH CORE: strict about forms, open to the same payers and faults."""

from email.parser import BytesParser
from email.policy import HTTP
from html import unescape

import httpx2
import pytest

from cleargate.sandbox import answers
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.trees import text
from tests.unit.sandbox.peers import Peer, question

ORDER = (
    "PayloadType",
    "ProcessingMode",
    "PayloadID",
    "TimeStamp",
    "UserName",
    "Password",
    "SenderID",
    "ReceiverID",
    "CORERuleVersion",
    "Payload",
)


def form(peer: Peer, asked: bytes, **changes: str | None) -> bytes:
    place = peer.sandbox.ready["core_mime"]
    said = {
        "PayloadType": "X12_270_Request_005010X279A1",
        "ProcessingMode": "RealTime",
        "PayloadID": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "TimeStamp": "2026-11-22T12:00:00Z",
        "UserName": text(place, "username"),
        "Password": text(place, "password"),
        "SenderID": "riverside",
        "ReceiverID": text(place, "receiver_id"),
        "CORERuleVersion": "2.2.0",
        "Payload": asked.decode(),
    } | changes
    lines = []
    for name, value in said.items():
        if value is not None:
            lines += ["--xyz", f'Content-Disposition: form-data; name="{name}"', "", value]
    return "\r\n".join([*lines, "--xyz--", ""]).encode()


def post(peer: Peer, body: bytes, kind: str = "multipart/form-data; boundary=xyz", **more):
    url = text(peer.sandbox.ready, "core_mime", "url")
    return peer.post(url, content=body, headers={"Content-Type": kind}, **more)


def ask(peer: Peer, payer: str = "60054", **changes: str | None) -> httpx2.Response:
    return post(peer, form(peer, question(payer=payer), **changes))


def fields(answer: httpx2.Response) -> dict[str, str]:
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    return {
        part.get_param("name", header="content-disposition")
        or part["Content-ID"].strip("<>"): part.get_payload().strip()
        for part in message.iter_parts()
    }


@pytest.mark.parametrize("payer", answers.payers())
def test_every_payers_271_is_the_one_of_the_other_door(peer: Peer, payer: str) -> None:
    peer.enrol(payer=payer)
    answer = ask(peer, payer)
    other = peer.ask_payer(question(payer=payer))
    assert answer.status_code == 200
    told = answer.text if payer == "61101" else fields(answer)["Payload"]
    said = unescape(other.text)
    segments = [line.strip() for line in told.split(told[105])]
    asked_at = ("ISA", "GS", "BHT")  # these carry the minute, and the next may have begun
    lines = [line for line in segments if line and not line.startswith(asked_at)]
    assert len(lines) > 20
    assert all(line in said for line in lines)
    assert len(peer.ledger()["questions"]) == 2


def test_a_reply_has_the_fields_of_the_rule(peer: Peer) -> None:
    peer.enrol()
    told = fields(ask(peer))
    assert list(told) == [
        name for name in ORDER if name not in ("UserName", "Password")
    ] + ["ErrorCode", "ErrorMessage"]  # fmt: skip
    assert told["PayloadType"] == "X12_271_Response_005010X279A1"
    assert (told["ErrorCode"], told["ErrorMessage"]) == ("Success", "")
    assert (told["SenderID"], told["ReceiverID"]) == ("SANDBOXCH", "riverside")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"UserName": None}, "UserNameRequired"),
        ({"Password": ""}, "PasswordRequired"),
        ({"Password": "wrong"}, "UnAuthorized"),
        ({"PayloadType": None}, "PayloadTypeRequired"),
        ({"PayloadType": "X12_276_Request_005010X212"}, "PayloadTypeIllegal"),
        ({"ProcessingMode": "Batch"}, "ProcessingModeIllegal"),
        ({"PayloadID": "17"}, "PayloadIDIllegal"),
        ({"TimeStamp": "today"}, "TimeStampIllegal"),
        ({"ReceiverID": "NOBODY"}, "ReceiverIDIllegal"),
        ({"CORERuleVersion": "2.0.1"}, "VersionMismatch"),
        ({"Payload": None}, "PayloadRequired"),
    ],
)
def test_a_wrong_envelope_gets_the_rules_error_and_asks_nobody(
    peer: Peer, change: dict[str, str | None], code: str
) -> None:
    peer.enrol()
    answer = ask(peer, **change)
    assert answer.status_code == 200
    assert fields(answer)["ErrorCode"] == code
    assert fields(answer)["PayloadType"] == "CoreEnvelopeError"
    assert peer.ledger()["questions"] == []


def test_a_form_that_is_not_written_to_the_letter_is_refused(peer: Peer) -> None:
    peer.enrol()
    good = form(peer, question())
    twice = good.replace(b"--xyz--", b'--xyz\r\nContent-Disposition: form-data; name="Payload"'
                         b"\r\n\r\nx\r\n--xyz--")  # fmt: skip
    nameless = good.replace(b'; name="Payload"', b"")
    for wrong in (good.replace(b"\r\n", b"\n"), good[:-10], b"", twice, nameless):
        assert post(peer, wrong).status_code == 400
    assert post(peer, good, "multipart/form-data; x=y").status_code == 400
    assert post(peer, good, "application/soap+xml").status_code == 415
    assert peer.ledger()["questions"] == []
    assert post(peer, good).status_code == 200


def test_a_broken_question_gets_a_999_or_a_ta1(peer: Peer) -> None:
    wrong_count = question().replace(b"SE*", b"SE*9")
    told = fields(post(peer, form(peer, wrong_count)))
    assert told["PayloadType"] == "X12_999_Response_005010X231A1"
    assert "ST*999" in told["Payload"]
    assert "TA1" in fields(post(peer, form(peer, b"no interchange")))["PayloadType"]


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [(Fault.TOO_MANY, 429, 0), (Fault.UNAVAILABLE, 503, 0), (Fault.SERVER_ERROR, 500, 1)],
)
def test_faults_are_those_of_this_door(peer: Peer, fault: Fault, status: int, done: int) -> None:
    peer.enrol()
    peer.plan(fault, "core_mime:60054")
    assert peer.ask_payer(question()).status_code == 200
    assert ask(peer).status_code == status
    assert len(peer.ledger()["questions"]) == done + 1


def test_a_271_can_break_off_in_an_envelope_that_is_whole(peer: Peer) -> None:
    peer.enrol()
    peer.plan(Fault.TRUNCATED_271, "core_mime:*")
    told = fields(ask(peer))
    assert told["Payload"].startswith("ISA")
    assert "IEA" not in told["Payload"]
    assert told["ErrorCode"] == "Success"
