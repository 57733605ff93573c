"""From a raw answer to a coverage: whom we asked chooses the payer's rules."""

from datetime import date

from cleargate.eligibility.answer import read_raw
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from tests.unit.coverage.answers import ACTIVE_PLAN, SERVICES, document, encoded

ON = date(2026, 5, 4)
ROWS = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*G*FAM*30***23*99999.99*****W"


def rules_used(name_in_answer: str, payer: str, payer_id: str) -> str:
    content = encoded(document(ROWS, payer=name_in_answer))
    answer = RawAnswer(content, ContentKind.X12_271)
    return read_raw(answer, payer, SERVICES, ON, payer_id).payer_rules


def test_the_directorys_payer_chooses_the_rules() -> None:
    assert rules_used("A NAME OF ITS OWN", "UHC", "unitedhealthcare") == "unitedhealthcare.toml"
    assert rules_used("UNITEDHEALTHCARE", "Example Plan", "example-plan") == ""
    assert rules_used("AETNA INC", "UHC", "unitedhealthcare") == ""
