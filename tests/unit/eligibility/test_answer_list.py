"""The answers' file: in the list's order, harmless to a spreadsheet, for its owner alone."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cleargate.eligibility.answer_list import Columns, check_place, table, write_private
from cleargate.eligibility.check import OVER_BUDGET, Answer
from cleargate.eligibility.patient_list import read_list
from cleargate.nouns.coverage import Coverage
from cleargate.nouns.errors import Refused
from tests.unit.coverage.answers import ACTIVE_PLAN, coverage_of
from tests.unit.eligibility.test_patient_list import ASKING, GOOD, HEADER

COLUMNS = Columns(("PT", "30"), ZoneInfo("America/Chicago"))
WHEN = datetime(2030, 1, 7, 15, tzinfo=UTC)
AMOUNTS = """EB*1**PT
EB*B**PT***27*30*****Y
EB*B**PT***27*60*****N
EB*C*IND*30***23*1500*****Y
EB*C*IND*30***29*812.5*****Y
EB*C*FAM*30***23*3000*****Y
EB*A**PT***27**.2****Y
EB*F**PT***23***VS*30**Y
EB*F**PT***29***VS*12**Y"""


def coverage(rows: str = AMOUNTS) -> Coverage:
    return coverage_of(f"{ACTIVE_PLAN}\n{rows}")


def written(answers: dict[int, Answer], *rows: str) -> list[dict[str, str]]:
    patients = read_list("\n".join([HEADER, *rows]).encode(), ASKING)
    header, *found = table(patients, answers, COLUMNS)
    return [dict(zip(header, each, strict=True)) for each in found]


def test_an_answer_is_one_line_with_dollars_and_verdicts() -> None:
    [line] = written({2: Answer(coverage(), answered=WHEN)}, GOOD)
    assert line["Last name"] == "Testperson"
    assert (line["status"], line["verdict"], line["verdict PT"]) == ("answered", "active", "active")
    assert (line["copay"], line["coinsurance"]) == ("30.00", "20%")
    assert (line["deductible"], line["deductible remaining"]) == ("1500.00", "812.50")
    assert line["visits left"] == "12"
    assert line["authorization"] == "not stated"
    assert line["checked at"] == "2030-01-07 09:00 CST"


def test_every_row_has_its_line_in_the_lists_order() -> None:
    waiting = Answer(None, OVER_BUDGET, WHEN)
    lines = written({2: waiting, 4: Answer(coverage(), answered=WHEN)}, GOOD, "bad,,,,", GOOD)
    assert [each["row"] for each in lines] == ["2", "3", "4"]
    assert lines[0]["status"].startswith("waits: for the next day's budget")
    assert lines[1]["status"].startswith(
        "not asked: last_name: it is empty; first_name: it is empty"
    )
    assert lines[2]["status"] == "answered"


@pytest.mark.parametrize("evil", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_no_cell_is_a_formula(tmp_path: Path, evil: str) -> None:
    out = tmp_path / "answers.csv"
    write_private(out, [["plan", evil, "a\nb"]], ",")
    [[_, cell, split]] = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert cell.startswith("'")
    assert split == "a b"


def test_the_file_is_its_owners_and_whole(tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    out.write_text("older")
    out.chmod(0o644)
    write_private(out, [["a"]], ";")
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes() == b"\xef\xbb\xbfa\r\n"
    assert list(tmp_path.iterdir()) == [out]


def test_a_place_that_cannot_be_written_is_found_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        check_place(tmp_path)
    with pytest.raises(Refused, match="cannot be written"):
        check_place(tmp_path / "nowhere" / "answers.csv")


def test_an_undetermined_answer_brings_its_tip() -> None:
    unsure = replace(coverage("EB*V"), begins=date(2030, 1, 1))
    [line] = written({2: Answer(unsure, answered=WHEN)}, GOOD)
    assert line["covered from"] == "2030-01-01"
    assert line["reasons"]
    assert line["tip"]
