"""A captured payer answers about anybody, in the shape that was captured, for any date."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.eligibility.lab.capture import Request, capture
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.errors import Refused
from cleargate.sandbox.lab import captured_payers
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import text
from cleargate.sandbox.world import SandboxOptions
from tests.unit.eligibility.lab.answers import ON, ROWS, SERVICES, encoded, left, x12
from tests.unit.sandbox.peers import Peer, question

DATED = f"""{ROWS}
EB*F*IND*PT*********Y
HSD*VS*30***23*1
DTP*348*RD8*20260401-20260531
EB*1**98
DTP*292*RD8*20260427-20260518"""
DEPENDENT = (
    "HL*4*3*23*0\nTRN*2*TRACEQ0099*9HOPPINGHL\nNM1*03*1*QUILLFEATHER*OTTOLINE\nDMG*D8*20150309*F"
)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Two captured answers: about a subscriber, and about a dependent."""
    root = tmp_path / "lab"
    about = {"sundry": x12(DATED), "child": x12(f"{DEPENDENT}\n{DATED}")}
    for name, answer in about.items():
        capture(Request(encoded(answer), SERVICES, ON, name, root))
    return root


@pytest.fixture
def peer(lab: Path, tmp_path: Path) -> Iterator[Peer]:
    options = SandboxOptions(tmp_path / "data", faults="none", tenants=("riverside",), lab=lab)
    with Sandbox(options) as sandbox, Peer(sandbox) as client:
        yield client


def answer(peer: Peer, asked: bytes) -> str:
    said = peer.ask_payer(asked).text
    return said[said.index("ISA*") : said.index("]]>")]


def read(content: str, on: date) -> Coverage:
    reading = read_answers(content.encode(), SERVICES, on)
    assert reading.diagnostics == ()
    [coverage] = reading.coverages
    return coverage


@pytest.mark.parametrize(
    "on", [date(2026, 5, 4), date(2027, 1, 1), date(2028, 2, 29), date(2026, 12, 31)]
)
def test_answer_is_about_whoever_is_asked_for_and_judged_as_captured(
    peer: Peer, lab: Path, on: date
) -> None:
    told = answer(peer, question(payer="LAB-SUNDRY", member_id="NEW123", on=on, trace="my-trace"))
    coverage = read(told, on)
    assert (coverage.member_id, coverage.given_name.title()) == ("NEW123", "Walter")
    assert (coverage.birth_date, coverage.trace) == (date(1970, 1, 2), "my-trace")
    [expected] = json.loads((lab / "sundry" / "verdict.json").read_text())["answers"]
    assert expected["verdict"] == coverage.verdict == Verdict.ACTIVE
    assert expected["reasons"] == []
    assert [each.code for each in coverage.reasons] == []
    assert {each["code"]: each["verdict"] for each in expected["services"]} == {
        each.code: each.verdict for each in coverage.services
    }
    assert [amount["cents"] for amount in expected["amounts"] if "cents" in amount] == [
        amount.cents for amount in coverage.amounts if amount.cents is not None
    ]
    assert coverage.begins is not None
    assert (coverage.begins.year, coverage.begins.month, coverage.begins.day) == (on.year, 1, 1)
    assert left({"answer": told}) == []


def test_dependent_is_put_at_the_dependent_s_place(peer: Peer) -> None:
    asked = question(payer="LAB-CHILD", member_id="NEW9", dependent=("Minna", "20120304"), on=ON)
    told = answer(peer, asked)
    coverage = read(told, ON)
    assert (coverage.member_id, coverage.given_name.title()) == ("NEW9", "Minna")
    assert coverage.birth_date == date(2012, 3, 4)
    assert "NM1*IL*1*SAMPLEWRIGHT*WALTER****MI*NEW9" in told


def test_the_other_door_tells_the_same(peer: Peer) -> None:
    asked = {
        "tradingPartnerServiceId": "LAB-SUNDRY",
        "controlNumber": "000000009",
        "provider": {"organizationName": "SAMPLE CLINIC", "npi": "1234567893"},
        "subscriber": {"memberId": "NEW123", "firstName": "Walter", "lastName": "Samplewright",
                       "dateOfBirth": "19700102"},
        "encounter": {"serviceTypeCodes": ["PT"], "dateOfService": "20260504"},
    }  # fmt: skip
    ready = peer.sandbox.ready
    headers = {"Authorization": text(ready, "stedi", "api_key")}
    told = peer.post(text(ready, "stedi", "url"), json=asked, headers=headers)
    assert told.status_code == 200
    assert told.json()["subscriber"]["memberId"] == "NEW123"
    assert read(told.text, ON).verdict is Verdict.ACTIVE


def test_question_with_a_wrong_npi_is_refused_and_counted(peer: Peer) -> None:
    assert "AAA*N**43" in answer(peer, question(payer="LAB-SUNDRY", npi="1234567890"))
    assert "AAA*Y**79" in answer(peer, question(payer="LAB-NOBODY"))
    questions = peer.ledger()["questions"]
    assert isinstance(questions, list)
    assert [text(one, "answer") for one in questions] == ["aaa_43", "aaa_79"]


@pytest.mark.parametrize(
    "shape",
    [
        "",
        "[]",
        '{"form": "another", "name": "a", "pieces": []}',
        '{"form": "cleargate-lab-1", "pieces": []}',
        '{"form": "cleargate-lab-1", "name": "a", "pieces": [1]}',
        '{"form": "cleargate-lab-1", "name": "a", "pieces": [{"put": "password"}]}',
        '{"form": "cleargate-lab-1", "name": "a", "pieces": [{"day": "visit", "shift": "x"}]}',
        '{"form": "cleargate-lab-1", "name": "a", "pieces": [{"day": "visit", "shift": 9999999}]}',
    ],
)
def test_folder_that_holds_no_shape_is_refused_by_its_name(tmp_path: Path, shape: str) -> None:
    with pytest.raises(Refused, match="no captured X12"):
        captured_payers(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "shape.json").write_text(shape)
    with pytest.raises(Refused, match=r"shape\.json"):
        captured_payers(tmp_path)
