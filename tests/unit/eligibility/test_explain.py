"""`cleargate eligibility explain`: rules, places and what was left out, without names or ids."""

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cleargate.coverage.reasons import RULES
from cleargate.eligibility.explain import explain
from cleargate.eligibility.explain_lines import STRICT, WIDTH
from cleargate.eligibility.read import read
from tests.unit.coverage import xml_answers
from tests.unit.coverage.answers import ACTIVE_PLAN, document, encoded, segment_of
from tests.unit.coverage.as_json import benefits_document, plans_document

ON = date(2026, 5, 4)
SERVICES = ("PT", "98", "30")
ROWS = (
    f"{ACTIVE_PLAN}\nEB*1**PT\nEB*C*FAM*30***23*99999.99*****W\nEB*C*IND*30***23*1500*****Y\n"
    "EB*C*IND*30***29*800*****Y\nEB*B*IND*98****20*****Y\nMSG*PRIMARY OFFICE\n"
    "EB*B*IND*98****30*****W\nMSG*SPEC OFFICE\nEB*A*IND*PT***7**.2****W\n"
    "EB*B*IND*PT***7*0*****W\nEB*1**30**SPECTERA VISION PLAN\n"
    "EB*C*IND*PT***23*70*****Y\nDTP*346*RD8*20240101-20240331\n"
    "EB*R*IND*30\nREF*18*SECRETNUMBER\nLS*2120\nNM1*P4*2*EXAMPLE OTHER PLAN\nLE*2120"
)
PRIVATE = ("TESTPERSON", "TST0001", "19800201", "SAMPLE STREET", "SECRETNUMBER", "SAMPLEDOC")


def run(
    content: bytes | str, folder: Path, *, payer: str = "", as_json: bool = False
) -> tuple[int, str]:
    path = folder / "answer"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    out = StringIO()
    console = Console(file=out, width=WIDTH)
    return explain([path], SERVICES, ON, payer, as_json, console), out.getvalue()


def entries(content: bytes | str, folder: Path, payer: str = "") -> list[dict]:
    return json.loads(run(content, folder, payer=payer, as_json=True)[1])


def uhc() -> bytes:
    return encoded(document(ROWS, payer="UNITEDHEALTHCARE"))


def at(start: str) -> str:
    return f"{segment_of(ROWS, start)}:"


def test_each_verdict_has_its_rule_and_the_segments_that_decided_it(tmp_path: Path) -> None:
    code, out = run(uhc(), tmp_path)
    assert code == 0
    therapy = out[out.index("Physical therapy (PT): ACTIVE\n") :]
    assert therapy.splitlines()[1].strip() == RULES["service_active"]
    assert therapy.splitlines()[2].strip() == f"{at('EB*1**PT')}EB01  EB*1**PT"
    visit = out[out.index("Office visit (98): ACTIVE, BUT UNCLEAR") :]
    for words in ("[cost_share_disagrees]", "MSG*PRIMARY OFFICE", "MSG*SPEC OFFICE", "To do:"):
        assert words in visit


def test_amounts_name_what_was_joined_to_them(tmp_path: Path) -> None:
    _, out = run(uhc(), tmp_path)
    lines = [line.strip() for line in out.splitlines()]
    total = lines.index(
        "Deductible $1,500.00 per calendar year, $800.00 left (30; in network, patient)"
    )
    assert lines[total + 1].startswith(f"{at('EB*C*IND*30***23')}EB07")
    assert lines[total + 2] == "joined with"
    assert lines[total + 3].startswith(f"{at('EB*C*IND*30***29')}EB07")


def test_what_is_put_aside_is_told_with_the_reason(tmp_path: Path) -> None:
    [entry] = entries(uhc(), tmp_path)
    assert [(one["why"], one["places"][0]["text"][:18]) for one in entry["put_aside"]] == [
        ("zero beside a real share for the same service", "EB*B*IND*PT***7*0*"),
        ("about a part of the plan only", "EB*1**30**SPECTERA"),
        ("not in force on the day of the visit", "EB*C*IND*PT***23*7"),
    ]


def test_the_payers_file_and_its_rules_that_fired_are_named_with_their_source(
    tmp_path: Path,
) -> None:
    _, out = run(uhc(), tmp_path)
    for words in ("unitedhealthcare.toml", "(none_amounts)", "Our collection of real answers"):
        assert words in out
    assert STRICT not in out
    _, out = run(encoded(document(ROWS)), tmp_path)
    assert STRICT in out
    assert "Settled" not in out


def test_the_caller_may_say_whom_it_asked(tmp_path: Path) -> None:
    content = encoded(document(ROWS, payer="A NAME OF ITS OWN"))
    assert entries(content, tmp_path)[0]["payer_rules"] == ""
    for payer in ("UnitedHealthcare", "unitedhealthcare"):
        assert entries(content, tmp_path, payer)[0]["payer_rules"] == "unitedhealthcare.toml"
    assert entries(uhc(), tmp_path, "Somebody Else")[0]["payer_rules"] == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_no_name_id_or_birth_date_is_printed(tmp_path: Path, as_json: bool) -> None:
    _, out = run(uhc(), tmp_path, as_json=as_json)
    assert not [private for private in PRIVATE if private in out]
    assert "NM1 (not shown)" in out


def test_a_refusal_is_shown_with_its_segment(tmp_path: Path) -> None:
    text = document("", patient="AAA*N**72*C", background="")
    [entry] = entries(encoded(text), tmp_path)
    [service, *_] = entry["services"]
    assert (service["rule"], service["verdict"]) == ("nothing_stated", "undetermined")
    [place] = service["reasons"][0]["places"]
    assert place["text"] == "AAA*N**72*C"


@pytest.mark.parametrize("form", [benefits_document, plans_document])
def test_places_in_json_are_its_paths(tmp_path: Path, form: Callable[[str], object]) -> None:
    rows = (
        f"{ACTIVE_PLAN}\nEB*1**PT\nEB*C*FAM*30***23*99999.99*****W\n"
        "EB*B*IND*PT***27*20*****Y\nMSG*WITH WORDS"
    )
    content = json.dumps(form(document(rows, payer="UNITEDHEALTHCARE")))
    [entry] = entries(content, tmp_path)
    assert entry["settled"][0]["rule"] == "none_amounts"
    [place] = entry["settled"][0]["places"]
    assert place["place"].lower().endswith("amount")
    assert place["text"] is None
    code, out = run(content, tmp_path)
    assert code == 0
    assert "WITH WORDS\n" in out


def test_places_in_xml_are_its_elements(tmp_path: Path) -> None:
    row = xml_answers.benefit(
        "Out of Pocket (Stop Loss)", "30", level="Family", period="Calendar Year", amount="99999.99"
    )
    content = xml_answers.document(f"{xml_answers.PT}\n{row}", payer="UNITEDHEALTHCARE")
    [entry] = entries(content, tmp_path)
    assert entry["settled"][0]["places"] == [{"place": "3:benefitamount", "text": None}]


@pytest.mark.parametrize("as_json", [True, False])
def test_what_cannot_be_read_is_told_with_exit_code_two(tmp_path: Path, as_json: bool) -> None:
    code, out = run(b"<html>502</html>", tmp_path, as_json=as_json)
    assert (code, "markup" in out) == (2, True)
    absent, printed = tmp_path / "absent", StringIO()
    assert explain([absent], SERVICES, ON, "", as_json, Console(file=printed)) == 2
    assert "file_unreadable" in printed.getvalue()


def test_an_acknowledgement_says_that_it_is_one(tmp_path: Path) -> None:
    lines = document(ACTIVE_PLAN, background="").splitlines()
    lines[1] = lines[1].replace("GS*HB", "GS*FA").replace("005010X279A1", "005010X231A1")
    body = ["ST*999*0001*005010X231A1", "AK1*HS*7*005010X279A1", "AK9*R*1*1*0", "SE*4*0001"]
    [entry] = entries(encoded("\n".join([*lines[:2], *body, *lines[-2:]])), tmp_path)
    assert {one["rule"] for one in entry["services"]} == {"acknowledged"}


def test_hostile_text_is_cut_and_gives_the_terminal_no_orders(tmp_path: Path) -> None:
    rows = (
        f"{ACTIVE_PLAN}\nLS*2120\nNM1*X3*2*\x1b[2J{'LONG' * 40}\nLE*2120\n"
        f"EB*B*IND*98****20*****Y\nMSG*\x1b[2J[bold]{'LONG ' * 40}"
    )
    code, out = run(encoded(document(rows, background="")), tmp_path)
    assert code == 0
    assert "\x1b" not in out
    assert "[bold]LONG" in out
    assert max(map(len, out.splitlines()[1:])) <= WIDTH


def test_every_line_fits_a_screen_of_eighty_columns(tmp_path: Path) -> None:
    _, out = run(uhc(), tmp_path)
    assert max(map(len, out.splitlines()[1:])) <= WIDTH


def test_every_patient_of_a_file_is_explained(tmp_path: Path) -> None:
    one = encoded(document(ROWS))
    found = entries(one + uhc(), tmp_path)
    assert [(entry["set"], entry["patient"]) for entry in found] == [(1, 1), (2, 2)]
    assert [entry["payer_rules"] for entry in found] == ["", "unitedhealthcare.toml"]
    for entry in found:
        texts = [place["text"] for one in entry["services"] for place in one["places"]]
        assert all(text.startswith(("EB", "MSG")) for text in texts)


def test_the_name_of_a_file_does_not_speak_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b]0;b\x07.edi"
    path.write_bytes(uhc())
    out = StringIO()
    console = Console(file=out, width=WIDTH)
    explain([path, tmp_path / "none\x1b[2J"], SERVICES, ON, "", as_json=False, console=console)
    read([path, tmp_path / "none\x1b[2J"], SERVICES, ON, False, console)
    assert "\x1b" not in out.getvalue()
