"""Whatever the format, and however its bytes arrive, the reading is one."""

import json
from datetime import date

import pytest

from cleargate.coverage.reading import read_answers, read_parts
from cleargate.nouns.coverage import Verdict
from tests.unit.coverage import xml_answers
from tests.unit.coverage.answers import ACTIVE_PLAN, document, encoded
from tests.unit.coverage.as_json import benefits_document

ON = date(2026, 5, 4)
ROWS = f"{ACTIVE_PLAN}\nEB*1**PT"
ANSWERS = {
    "x12": encoded(document(ROWS)),
    "json": json.dumps(benefits_document(document(ROWS))).encode("utf-16"),
    "xml": b"\xef\xbb\xbf" + xml_answers.document(xml_answers.PT).encode(),
}


@pytest.mark.parametrize("form", ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 3, 4095, 4096])
def test_an_answer_may_arrive_in_pieces_of_any_size(form: str, size: int) -> None:
    content = ANSWERS[form]
    pieces = iter([content[at : at + size] for at in range(0, len(content), size)])
    [coverage] = [one for part in read_parts(pieces, ("PT",), ON) for one in part.coverages]
    assert coverage.verdict is Verdict.ACTIVE
    assert (coverage,) == read_answers(content, ("PT",), ON).coverages
