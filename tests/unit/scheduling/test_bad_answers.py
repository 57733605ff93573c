"""Whatever comes back in place of a good answer is kept sealed, and ends at a gate that says why.

The connection is not repeatable here, so that one answer decides; what is asked again is tested in
test_booking.py.
"""

import json
from dataclasses import dataclass

import httpx2
import pytest
import sqlalchemy as sa

from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Choice, Gate, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.store import attempts, inquiries
from tests.house import House, visit_request
from tests.unit.connectors.test_core_soap import Desk, envelope, make, reply
from tests.unit.coverage import xml_answers
from tests.unit.coverage.as_json import benefits_document
from tests.unit.scheduling.office import ACTIVE, Stage, earliest, said

UNDETERMINED = GateReason.COVERAGE_UNDETERMINED
GOOD = said(ACTIVE)
PAGE = b"<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE eligibilityresponse [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY passwords SYSTEM "file:///etc/passwd">]>'
    b"<eligibilityresponse><benefit><info>&c;&passwords;</info></benefit></eligibilityresponse>"
)
HEAD = GOOD[:106]
REJECTED_999 = (
    HEAD + b"GS*FA*A*B*20260501*1200*7*X*005010X231A1~ST*999*0001*005010X231A1~AK1*HS*1~"
    b"AK2*270*0001~IK5*R*5~AK9*R*1*1*0~SE*6*0001~GE*1*7~IEA*1*000000007~"
)
REJECTED_TA1 = HEAD + b"TA1*000000042*260501*1200*R*024~IEA*0*000000007~"
TWIN = GOOD.replace(b"TONI****MI*MEMBER0001", b"TWIN****MI*TWN0002")
STRANGER = GOOD.replace(b"TESTPERSON*TONI", b"STRANGER*SAM")


@dataclass(frozen=True)
class Bad:
    """What came back, and what the gate then says."""

    content: bytes
    reason: GateReason = UNDETERMINED
    word: str = "could not be read"


BAD = {
    "cut off": Bad(GOOD[: GOOD.rindex(b"SE*")], word="was lost"),
    "cut off in its header": Bad(GOOD[:80]),
    "a page of HTML": Bad(PAGE, word="cannot answer now"),
    "a page of HTML that says nothing known": Bad(b"<html><p>Sample words</p></html>"),
    "a page of HTML in UTF-16": Bad(PAGE.decode().encode("utf-16"), word="cannot answer now"),
    "nothing": Bad(b" "),
    "garbage": Bad(bytes(range(256)) * 8000),
    "letters without an end": Bad(HEAD + b"A" * 3_000_000),
    "a bomb in XML": Bad(BOMB),
    "JSON cut off": Bad(
        json.dumps(benefits_document(GOOD.decode().replace("~", "")))[:-1].encode()
    ),
    "JSON of another kind": Bad(b'{"id": 7, "status": "ok"}'),
    "JSON without end": Bad(b"[" * 100_000),
    "a refusing 999": Bad(REJECTED_999, word="999"),
    "a refusing TA1": Bad(REJECTED_TA1, word="TA1"),
    "two patients": Bad(GOOD + GOOD),
    "somebody else with another birth date": Bad(
        STRANGER.replace(b"19900228", b"19700101"), GateReason.WRONG_PATIENT_ANSWER, "SAM STRANGER"
    ),
    "somebody else who was born on the same day": Bad(
        STRANGER.replace(b"MEMBER0001", b"STR0007"), GateReason.WRONG_PATIENT_ANSWER, "STR0007"
    ),
    "somebody else without a birth date": Bad(
        STRANGER.replace(b"MEMBER0001", b"STR0007").replace(b"DMG*D8*19900228*F~\n", b""),
        GateReason.WRONG_PATIENT_ANSWER,
        "STR0007",
    ),
    "a twin with an id of its own": Bad(TWIN, GateReason.WRONG_PATIENT_ANSWER, "TWIN TESTPERSON"),
    "somebody else in JSON": Bad(
        json.dumps(benefits_document(TWIN.decode().replace("~", ""))).encode(),
        GateReason.WRONG_PATIENT_ANSWER,
        "TWIN TESTPERSON",
    ),
    "somebody else in XML": Bad(
        xml_answers.document(xml_answers.PT).encode(), GateReason.WRONG_PATIENT_ANSWER, "TST0001"
    ),
}


@pytest.fixture
def stage(house: House) -> Stage:
    stage = Stage(house)
    stage.payer.repeatable = False
    return stage


def played(stage: Stage) -> tuple[CaseId, CaseState]:
    case = stage.submit(visit_request(earliest=earliest(10)))
    return case, stage.play(case, until=stage.later(hours=20)).state


def told(gate: Gate) -> str:
    return " ".join([gate.tip, *(fact.value for fact in gate.facts)])


def kept(stage: Stage, case: CaseId) -> bytes:
    """The raw answer; in the database itself nothing of it can be read."""
    with stage.house.session() as session:
        [question] = inquiries.current(session, case)
        found = inquiries.raw(session, question.id)
        query = sa.text("select raw from answers where inquiry_id = :id")
        sealed = session.run(query, id=question.id).scalars().all()
    assert found is not None
    secrets = [b"TESTPERSON", *([found.content[:16]] if len(found.content) >= 16 else [])]
    assert sealed
    assert not [each for each in sealed for secret in secrets if secret in each]
    return found.content


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_kept_and_a_person_is_told_why(stage: Stage, name: str) -> None:
    bad = BAD[name]
    stage.payer.answers = [bad.content]
    case, state = played(stage)
    assert state is CaseState.OPEN
    gate = stage.gate(case).gate
    assert (gate.reason, len(stage.payer.asked)) == (bad.reason, 1)
    assert bad.word in told(gate)
    assert kept(stage, case) == bad.content
    assert not stage.ehr.statuses, "nothing is booked on it"
    if bad.reason is GateReason.WRONG_PATIENT_ANSWER:
        assert Choice.GO_ON not in gate.choices


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(b"SE*", b"SE*9"),
        GOOD.replace(b"IEA*1*000000007", b"IEA*3*000000008"),
        GOOD.replace(b"EB*1**PT", b"EB*1**PT~\nMSG*CAF\xc9", 1),
        b"\xef\xbb\xbf" + GOOD,
        b"HTTP noise before the answer\r\n" + GOOD,
    ],
    ids=["counts", "control numbers", "Latin-1", "byte order mark", "preamble"],
)
def test_what_is_only_untidy_is_read_all_the_same(stage: Stage, content: bytes) -> None:
    stage.payer.answers = [content]
    case, state = played(stage)
    assert state is CaseState.DONE
    assert kept(stage, case) == content


def over_the_wire(stage: Stage, desk: Desk) -> None:
    """The clearinghouse as it is, at the end of a wire that carries what the desk says."""
    house = make(desk, repeatable=False)
    stage.rule(clearinghouses={"clearinghouse": house})


@pytest.mark.parametrize("content", [BOMB, PAGE, b"\xff\xfe" * 1000])
def test_an_envelope_that_is_none_is_kept_as_it_came(stage: Stage, content: bytes) -> None:
    over_the_wire(stage, Desk(content))
    case, state = played(stage)
    assert state is CaseState.OPEN
    assert stage.gate(case).gate.reason is UNDETERMINED
    assert kept(stage, case) == content


def test_fifty_megabytes_are_not_taken_in(stage: Stage) -> None:
    desk = Desk(b"")
    desk.answer = httpx2.Response(200, content=(bytes(1_000_000) for _ in range(50)))
    over_the_wire(stage, desk)
    case, state = played(stage)
    assert state is CaseState.OPEN
    assert stage.gate(case).gate.reason is UNDETERMINED
    with stage.house.session() as session:
        codes = [each.vendor_code for each in attempts.of_case(session, case)]
    assert "answer_too_large" in codes


def test_a_good_answer_of_another_patient_in_an_envelope_is_never_filed(stage: Stage) -> None:
    other = STRANGER.replace(b"MEMBER0001", b"STR0007").decode()
    over_the_wire(stage, Desk(envelope(reply(f"<![CDATA[{other}]]>"))))
    case, _ = played(stage)
    assert stage.gate(case).gate.reason is GateReason.WRONG_PATIENT_ANSWER


def test_the_same_request_with_a_good_answer_needs_nobody(stage: Stage) -> None:
    """So that every gate above is about its answer, and about nothing else."""
    stage.payer.answers = [GOOD]
    assert played(stage)[1] is CaseState.DONE
