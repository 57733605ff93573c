"""From a raw answer to a coverage: whom we asked chooses the payer's rules."""

from datetime import date

from cleargate.eligibility.answer import read_raw
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from tests.unit.coverage.answers import ACTIVE_PLAN, SERVICES, document, encoded

ON = date(2026, 5, 4)
ROWS = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*G*FAM*30***23*99999.99*****W"


def rules_used(name_in_answer: str, called: str, known: tuple[str, ...]) -> str:
    content = encoded(document(ROWS, payer=name_in_answer))
    answer = RawAnswer(content, ContentKind.X12_271)
    return read_raw(answer, called, SERVICES, ON, known).payer_rules


def test_the_directorys_payer_chooses_the_rules() -> None:
    uhc = ("unitedhealthcare", "UnitedHealthcare")
    assert rules_used("A NAME OF ITS OWN", "UHC", uhc) == "unitedhealthcare.toml"
    assert rules_used("AETNA INC", "UHC", uhc) == ""
    own = ("our-own-id", "UnitedHealthcare")
    assert rules_used("UNITEDHEALTHCARE", "UHC", own) == "unitedhealthcare.toml"


def test_what_a_patient_calls_the_payer_chooses_nothing() -> None:
    asked = ("example-plan", "Example Plan")
    assert rules_used("A NAME OF ITS OWN", "UnitedHealthcare", asked) == ""
    assert rules_used("UNITEDHEALTHCARE", "UnitedHealthcare", asked) == ""
