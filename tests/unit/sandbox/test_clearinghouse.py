"""The clearinghouse is strict about envelope, structure and identity, and payers differ."""

import re
import uuid
from datetime import UTC, datetime

import pytest

from cleargate.sandbox import answers
from cleargate.sandbox import question as reading
from cleargate.sandbox.members import Register, State, member
from tests.unit.sandbox.peers import MEMBER, Peer, question


def error_code(answer: str) -> str:
    found = re.search(r"<ErrorCode>(.*?)</ErrorCode>", answer)
    return found[1] if found else ""


def rejects(answer: str) -> list[str]:
    return re.findall(r"AAA[*|].[*|][*|](\d\d)", answer)


def test_good_question_gets_a_long_answer_with_its_trace(peer: Peer) -> None:
    peer.enrol()
    answer = peer.ask_payer(question(trace="my-trace"))
    assert error_code(answer.text) == "Success"
    assert "TRN*2*my-trace*" in answer.text
    payload = answer.text[answer.text.index("ISA*") :]
    segments = payload[: payload.index("IEA*")].split("~")
    told = next(segment for segment in segments if segment.startswith("SE*"))
    assert int(told.split("*")[1]) == len(segments) - 4
    assert len(segments) > 40


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong"}, "UnAuthorized"),
        ({"username": "somebody"}, "UnAuthorized"),
        ({"payload_type": "X12_276_Request_005010X212"}, "PayloadTypeIllegal"),
        ({"mode": "Batch"}, "ProcessingModeIllegal"),
        ({"payload_id": "17"}, "PayloadIDIllegal"),
        ({"receiver": ""}, "ReceiverIDRequired"),
        ({"receiver": "ELSEWHERE"}, "ReceiverIDIllegal"),
        ({"version": "4.0.0"}, "VersionMismatch"),
    ],
)
def test_wrong_envelope_field_is_told_with_200(
    peer: Peer, change: dict[str, str], code: str
) -> None:
    answer = peer.ask_payer(question(), **change)
    assert (answer.status_code, error_code(answer.text)) == (200, code)
    assert peer.ledger()["questions"] == []


def test_wrong_namespace_is_a_bare_500_and_wrong_type_a_415(peer: Peer) -> None:
    wrong = peer.ask_payer(question(), namespace="urn:other")
    assert (wrong.status_code, wrong.content) == (500, b"")
    url = wrong.request.url
    assert peer.post(url, content=b"<a/>", headers={"Content-Type": "text/xml"}).status_code == 415


def test_children_must_be_unqualified(peer: Peer) -> None:
    asked = peer.ask_payer(question()).request
    qualified = asked.content.replace(b"PayloadType>", b"c:PayloadType>")
    answer = peer.post(
        asked.url, content=qualified, headers={"Content-Type": "application/soap+xml"}
    )
    assert error_code(answer.text) == "PayloadTypeRequired"


def test_entities_are_not_expanded(peer: Peer) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    asked = peer.ask_payer(question()).request
    answer = peer.post(asked.url, content=bomb, headers={"Content-Type": "application/soap+xml"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("change", "reject"),
    [
        ({"payer": "00000"}, "79"),
        ({"npi": "1234567890"}, "43"),
        ({"npi": ""}, "43"),
        ({"member_id": "W999"}, "72"),
        ({"member_id": "W999", "given": "NOBODY"}, "75"),
        ({"birth": "19700103"}, "71"),
        ({"given": "WILMA"}, "73"),
        ({"dependent": ("NOBODY", "20120304")}, "67"),
    ],
)
def test_payer_rejects_what_it_does_not_know(
    peer: Peer, change: dict[str, str], reject: str
) -> None:
    peer.enrol()
    assert rejects(peer.ask_payer(question(**change)).text) == [reject]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"SE*13*", b"SE*14*", "X12_999_Response"),
        (b"GE*1*9", b"GE*1*8", "X12_999_Response"),
        (b"EQ*PT^30~SE*13", b"SE*12", "X12_999_Response"),
        (b"IEA*1*000000009", b"IEA*1*000000008", "X12_TA1_Response"),
        (b"ISA*", b"XXX*", "X12_TA1_Response"),
    ],
)
def test_wrong_structure_gets_an_acknowledgement(
    peer: Peer, old: bytes, new: bytes, said: str
) -> None:
    asked = question()
    assert old in asked
    answer = peer.ask_payer(asked.replace(old, new))
    assert said in answer.text
    assert peer.ledger()["questions"] == []


def test_dependent_is_answered_at_the_dependents_level(peer: Peer) -> None:
    peer.enrol()
    answer = peer.ask_payer(question(dependent=("Minna", "20120304"))).text
    assert "NM1*03*1*SAMPLEWRIGHT*MINNA" in answer
    assert "INS*N*19" in answer


@pytest.mark.parametrize(
    ("payer", "mark"),
    [
        ("60054", b"<Payload><![CDATA[ISA*"),
        ("87726", b"<Payload>&lt;![CDATA[ISA*"),
        ("62308", b"<ProcessingMode>RealTimeMode<"),
        ("61101", b"<RealTimeTransactionResponse"),
        ("00710", b'href="cid:payload@sandbox"'),
        ("SKIL0", b"CORERule2.0.1.xsd"),
    ],
)
def test_each_payer_departs_from_the_envelope_in_its_own_way(
    peer: Peer, payer: str, mark: bytes
) -> None:
    peer.enrol(payer=payer)
    answer = peer.ask_payer(question(payer=payer))
    assert mark in answer.content
    if payer == "00710":
        assert answer.headers["Content-Type"].startswith("multipart/related")
        assert answer.content.rindex(b"ISA*") > answer.content.index(b"</soap:Envelope>")


def test_payer_that_is_down_answers_42_until_it_is_up(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    said = [rejects(peer.ask_payer(question(trace=str(n))).text) for n in range(4)]
    assert said == [["42"], ["42"], [], []]
    answers_given = [line["answer"] for line in peer.ledger()["questions"]]
    assert answers_given == ["aaa_42", "aaa_42", "aaa_42_then_active", "aaa_42_then_active"]


def test_wrong_patient_answer_names_somebody_else(peer: Peer) -> None:
    peer.enrol(state="wrong_patient")
    answer = peer.ask_payer(question()).text
    assert "NM1*IL*1*STRANGER*SAMPLE" in answer
    assert "SAMPLEWRIGHT" not in answer


def test_truncated_answer_ends_in_the_middle(peer: Peer) -> None:
    peer.enrol(state="truncated")
    answer = peer.ask_payer(question()).text
    assert "ISA*" in answer
    assert "IEA*" not in answer


def test_unknown_state_is_refused_by_name(peer: Peer) -> None:
    refused = peer.post("/_admin/people", json={"members": [{"payer": "1", "state": "odd"}]})
    assert refused.status_code == 400
    assert "odd" in refused.json()["error"]


@pytest.mark.parametrize("payer", answers.payers())
@pytest.mark.parametrize("state", State)
def test_every_template_fills_for_every_state(
    peer_values: dict[str, str], payer: str, state: State
) -> None:
    shape = answers.shape(answers.payers()[payer].shape)
    for patient in ("subscriber", "dependent"):
        told = answers.BENEFITS.get(state, ("active",))
        content = shape.fill(("payer", "provider", patient, *told, "tail"), peer_values).decode()
        assert "<" not in content
        assert content.startswith("ISA")
        assert content[105:].startswith(shape.terminator)
        if state is not State.INACTIVE:
            assert content.count(shape.terminator) >= 43


@pytest.fixture
def peer_values() -> dict[str, str]:
    """What a template may ask for."""
    register = Register()
    register.enrol(member(MEMBER))
    asked = reading.read(question(trace=str(uuid.UUID(int=7))))
    finding = register.find(asked)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    return answers.values(asked, now) | answers.member_values(finding, finding.patient)


def test_templates_differ_truly_between_payers() -> None:
    """No two payers share more than a third of their benefit lines."""
    told = {
        code: set(answers.shape(p.shape).sections["active"]) for code, p in answers.payers().items()
    }
    for one in told:
        for other in told:
            if one != other:
                assert len(told[one] & told[other]) <= len(told[one]) / 3, (one, other)
