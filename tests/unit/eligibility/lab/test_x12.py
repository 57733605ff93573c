"""A copy of a 271 says what the payer said, and not about whom."""

import json
import re
from pathlib import Path

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import npi_is_valid
from tests.unit.eligibility.lab.answers import ON, ROWS, SERVICES, captured, encoded, left, x12

UNEXPECTED = {
    "a name in free text": "MSG*SEE NOTE FOR ZEBEDIAH QUILLFEATHER",
    "a name in small letters": "MSG*Patient Zebediah Quillfeather must call",
    "an id in free text": "MSG*MEMBER QF7741209 HAS 30 VISITS",
    "a mail address": "MSG*WRITE TO ZEB@QUILL.EXAMPLE",
    "an id in REF": "REF*18*QF-7741 209*QUILLFEATHER",
    "an id within another": "REF*1W*00QF774120901",
    "an id in TRN": "TRN*1*QF-7741 209*9QUILL*QUILLFEATHER",
    "a name and number in PER": "PER*IC*ZEBEDIAH QUILLFEATHER*TE*4065550143*EM*ZEB@QUILL.EXAMPLE",
    "a name in N3": "N3*CARE OF QUILLFEATHER*77 MARMALADE LANE",
    "an id as a place of service": "III*ZZ*QF7741209",
    "a diagnosis list with a name": "III*BK*QUILLFEATHER",
    "a name as a code": "EB*D*ZEBEDIAH*QUILLFEATHER*QUILLFEATHER**27",
    "an id as an amount": "EB*C*IND*30***23*QF7741209",
    "an id as a quantity": "HSD*VS*QF7741209",
    "a name as a procedure": "EB*D*IND*PT**********HC:QUILLFEATHER:GP",
    "a person in a 2120 loop": "LS*2120\nNM1*P3*1*WIGGLESWORTH*OTTOLINE****SV*QF7741209\nLE*2120",
    "a patient's name as an organisation": "LS*2120\nNM1*PRP*2*QUILLFEATHER TRUST\nLE*2120",
    "an employer": "LS*2120\nNM1*36*2*PICKLEBARREL FREIGHT\nN4*TEAPOTVILLE*MT*59999\nLE*2120",
    "a segment that no answer has": "QXQ*QUILLFEATHER*19580309",
    "a tag that is a name": "QUILLFEATHER*1",
    "more elements than there are": "EB*D*IND*PT************QUILLFEATHER*19580309",
    "a name as a network": "EB*D*IND*PT*********QUILLFEATHER",
    "a birth date as a plan date": "DTP*346*D8*19580309",
    "a birth date as an amount": "EB*D*IND*PT****19580309",
    "a loop that is a name": "LS*QUILLFEATHER",
    "military service": "MPI*A*QUILLFEATHER*B*CAPTAIN QUILLFEATHER*C1*D8*19580309",
    "a diagnosis": "HI*BK:QUILLFEATHER",
}
DATES = (
    "19580309",
    "1958-03-09",
    "03/09/1958",
    "MARCH 9, 1958",
    "9 MAR 1958",
    "03-09-58",
    "3/9/1958",
)


@pytest.mark.parametrize("segments", UNEXPECTED.values(), ids=UNEXPECTED)
def test_whatever_stands_where_it_should_not_is_gone(tmp_path: Path, segments: str) -> None:
    """Either nothing is written, or nothing of the patient is."""
    row = (
        "EB*D*IND*AL\n" if not segments.startswith(("EB", "N3", "TRN", "PER", "HI", "MPI")) else ""
    )
    try:
        files = captured(tmp_path, encoded(x12(f"{ROWS}\n{row}{segments}")))
    except Refused as refused:
        assert left({"message": str(refused)}) == []
        assert list(tmp_path.iterdir()) == []
        return
    assert left(files) == []


def test_most_of_these_can_still_be_captured(tmp_path: Path) -> None:
    """The test above would pass if everything were refused."""
    written = 0
    for number, segments in enumerate(UNEXPECTED.values()):
        try:
            captured(tmp_path / str(number), encoded(x12(f"{ROWS}\nEB*D*IND*AL\n{segments}")))
            written += 1
        except Refused:
            continue
    assert written >= len(UNEXPECTED) - 2


@pytest.mark.parametrize("spelled", DATES)
def test_birth_date_in_free_text_is_gone(tmp_path: Path, spelled: str) -> None:
    files = captured(tmp_path, encoded(x12(f"{ROWS}\nMSG*DATE OF BIRTH IS {spelled} PER PLAN")))
    assert left(files) == []
    words = [line for line in files["answer.x12"].split("~") if line.strip().startswith("MSG*")]
    assert not any(
        "1958" in line for line in words
    )  # A random control number elsewhere may hold these digits.


@pytest.mark.parametrize("amount", ["580309", "030958.00"])
def test_birth_date_as_an_amount_stops_it(tmp_path: Path, amount: str) -> None:
    with pytest.raises(Refused, match="DMG02"):
        captured(tmp_path, encoded(x12(f"{ROWS}\nEB*C*IND*30***23*{amount}*****Y")))


def test_what_the_payer_said_stays_byte_by_byte(tmp_path: Path) -> None:
    files = captured(tmp_path, encoded(x12()))
    before, after = (encoded(x12()).decode().split("~"), files["answer.x12"].split("~"))
    assert [line.count("*") for line in before] == [line.count("*") for line in after]
    begins = next(at for at, line in enumerate(before) if "EB*1" in line)
    assert before[begins:-4] == after[begins:-4]
    assert "NM1*PR*2*SUNDRY HEALTH PLAN*****PI*SUND1" in files["answer.x12"]
    assert "N4*LABTOWN*MT*" in files["answer.x12"]


def test_the_copy_hangs_together(tmp_path: Path) -> None:
    """The same value is the same again, and what must check still checks."""
    text = captured(tmp_path, encoded(x12()))["answer.x12"]
    reading = read_answers(text.encode(), SERVICES, ON)
    assert [finding for finding in reading.diagnostics if "control" in finding.code] == []
    trace = re.search(r"TRN\*2\*(\w+)", text)
    assert trace is not None
    assert f"BHT*0022*11*{trace[1]}*" in text
    npi = re.search(r"XX\*(\d{10})", text)
    assert npi is not None
    assert npi_is_valid(npi[1])
    assert re.search(r"MI\*[A-Z]{2}-\d{4} \d{3}~", text)


@pytest.mark.parametrize(
    ("marks", "end"), [("|^}", "~"), ("*U>", "~\n"), ("*^:", "\n"), ("|^>", "\r\n")]
)
def test_delimiters_and_line_ends_stay(tmp_path: Path, marks: str, end: str) -> None:
    element, repetition, component = marks
    text = x12(f"{ROWS}\nEB*1**PT!AE").replace("*^*", "*!*").replace("*T*:", "*T*;")
    for old, new in (("*", element), ("!", repetition), (";", component)):
        text = text.replace(old, new)
    content = (end.join(text.splitlines()) + end).encode()
    folder = tmp_path / "out"
    captured(folder, content)
    after = (folder / "sundry" / "answer.x12").read_bytes()
    assert after.count(element.encode()) == content.count(element.encode())
    assert after.count(end.encode()) == content.count(end.encode())
    assert left({"answer": after.decode()}) == []


@pytest.mark.parametrize("family", ["MAY", "DAY", "PLAN", "NETWORK", "IND", "LE", "O'VISIT"])
def test_name_that_is_a_benefit_word_is_taken_out_of_the_texts(tmp_path: Path, family: str) -> None:
    """Rather than to say it, a text loses the word; the codes of the format keep theirs."""
    rows = f"{ROWS}\nMSG*BENEFITS {family} APPLY"
    text = x12(rows).replace("QUILLFEATHER", family)
    try:
        files = captured(tmp_path, encoded(text))
    except Refused as refused:
        assert family not in str(refused)
        return
    told = [line for line in files["answer.x12"].split("~") if "MSG" in line or "NM1*IL" in line]
    assert len(family) < 3 or not any(re.search(rf"\b{family}\b", line) for line in told)


def test_patient_called_like_a_word_is_still_captured(tmp_path: Path) -> None:
    """MAY does not stop an answer in whose texts nothing hangs on it."""
    rows = f"{ROWS}\nMSG*AUTHORIZATION MAY APPLY TO BENEFITS"
    files = captured(tmp_path, encoded(x12(rows).replace("QUILLFEATHER", "MAY")))
    assert "AUTHORIZATION XXXX APPLY TO BENEFITS" in files["answer.x12"]


def test_patient_of_a_known_payer_of_the_same_name_is_captured(tmp_path: Path) -> None:
    text = x12(payer="CIGNA").replace("QUILLFEATHER", "CIGNA")
    assert "NM1*IL*1*CIGNA" not in captured(tmp_path, encoded(text))["answer.x12"]


def test_name_in_the_payer_s_own_name_stops_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="segment 6 still has what stood in segment 12") as refused:
        captured(tmp_path, encoded(x12(payer="QUILLFEATHER MUTUAL")))
    assert left({"message": str(refused.value)}) == []
    assert list(tmp_path.iterdir()) == []


def test_member_id_as_the_payer_s_id_stops_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="still has what stood in"):
        captured(tmp_path, encoded(x12().replace("PI*SUND1", "PI*QF-7741 209")))


def test_very_old_patient_is_ninety(tmp_path: Path) -> None:
    files = captured(tmp_path, encoded(x12().replace("19580309", "19240309")))
    born = re.search(r"DMG\*D8\*(\d{4})", files["answer.x12"])
    assert born is not None
    asked = int(json.loads(files["verdict.json"])["on"][:4])
    assert asked - int(born[1]) in {90, 91}


def test_several_rejections_are_kept(tmp_path: Path) -> None:
    rows = "AAA*N**75*C"
    snapshot = json.loads(captured(tmp_path, encoded(x12(rows)))["verdict.json"])
    assert [reason["code"] for reason in snapshot["answers"][0]["reasons"]] == ["AAA:75"]


def test_employer_in_the_name_of_its_own_plan_stops_it(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="segment 6 still has what stood in segment 13, REF03"):
        captured(tmp_path, encoded(x12(payer="PICKLEBARREL HEALTH TRUST")))


def test_known_payer_may_share_a_word_with_a_clinic(tmp_path: Path) -> None:
    text = x12(payer="Harvard Pilgrim").replace("HOPPINGHILL", "PILGRIM")
    assert left(captured(tmp_path, encoded(text))) == []


def test_what_stands_for_an_answer_is_captured_too(tmp_path: Path) -> None:
    """A 999 names segments and codes, and the copy of what was wrong: that goes."""
    lines = x12().splitlines()[:2]
    lines += [
        "ST*999*0001*005010X231A1",
        "AK1*HS*907*005010X279A1",
        "AK2*270*0001*005010X279A1",
        "IK3*NM1*9**8",
        "IK4*9*67*7*QF-7741 209",
        "IK5*R*5",
        "AK9*R*1*1*0",
        "SE*8*0001",
        "GE*1*907",
        "IEA*1*000000907",
    ]
    files = captured(tmp_path, encoded("\n".join(lines)))
    assert left(files) == []
    assert "IK3*NM1*9**8~" in files["answer.x12"]
    [entry] = json.loads(files["verdict.json"])["answers"]
    assert entry["verdict"] == "undetermined"


def test_older_answers_are_captured_too(tmp_path: Path) -> None:
    text = x12().replace("005010X279A1", "004010X092A1").replace("*^*00501*", "*U*00401*")
    assert (
        left(captured(tmp_path, encoded(text.replace("ST*271*0001*004010X092A1", "ST*271*0001"))))
        == []
    )
