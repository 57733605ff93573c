"""Who was not found is looked for otherwise; who was found so is compared."""

from dataclasses import replace
from datetime import date

import pytest

from cleargate.eligibility.otherwise import compared, next_search, search_here
from cleargate.nouns.coverage import Coverage, Reason, ServiceVerdict, Verdict
from cleargate.nouns.eligibility import PRIMARY_SEARCH, Detail
from tests.unit.x12.test_eligibility_270 import INQUIRY

ID_AND_BIRTH = frozenset({Detail.MEMBER_ID, Detail.BIRTH_DATE})
ID_AND_NAME = frozenset({Detail.MEMBER_ID, Detail.FAMILY_NAME})
NAME_AND_BIRTH = frozenset({Detail.FAMILY_NAME, Detail.GIVEN_NAME, Detail.BIRTH_DATE})
SEARCHES = (PRIMARY_SEARCH, ID_AND_BIRTH, ID_AND_NAME, NAME_AND_BIRTH)


def said(verdict: Verdict, *codes: str, **changes: object) -> Coverage:
    coverage = Coverage(
        "Example Health Plan",
        verdict,
        (ServiceVerdict("PT", verdict, ()),),
        reasons=tuple(Reason(code, "text", "tip") for code in codes),
        member_id="TST0001",
        birth_date=date(1980, 2, 1),
        family_name="TESTPERSON",
        given_name="ANN",
    )
    return replace(coverage, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "tried", "following"),
    [
        (["AAA:71"], 0, 2),
        (["AAA:71"], 2, None),
        (["AAA:72"], 0, 3),
        (["AAA:73"], 0, 1),
        (["AAA:73"], 1, 2),
        (["AAA:75"], 0, 1),
        (["AAA:75"], 3, None),
        (["AAA:71", "AAA:73"], 0, 2),
        (["AAA:72", "AAA:71"], 0, None),
        (["AAA:42"], 0, None),
        (["AAA:75", "AAA:43"], 0, None),
        ([], 0, None),
    ],
)
def test_the_next_search_leaves_out_what_the_payer_blames(
    codes: list[str], tried: int, following: int | None
) -> None:
    assert next_search(said(Verdict.UNDETERMINED, *codes), SEARCHES, tried) == following


def test_a_search_that_the_clearinghouse_does_not_take_is_passed_over() -> None:
    nobody = said(Verdict.UNDETERMINED, "AAA:75")
    needs = frozenset({Detail.FAMILY_NAME})
    assert next_search(nobody, SEARCHES, 0, needs) == 2
    assert next_search(nobody, SEARCHES, 0, PRIMARY_SEARCH) is None


@pytest.mark.parametrize(
    ("number", "needs", "here"),
    [
        (0, frozenset(), 0),
        (1, frozenset(), 1),
        (1, frozenset({Detail.FAMILY_NAME}), 2),
        (1, frozenset({Detail.GIVEN_NAME}), 3),
        (1, PRIMARY_SEARCH, 1),
        (9, frozenset(), 3),
    ],
)
def test_the_first_search_that_the_clearinghouse_takes_is_asked_by(
    number: int, needs: frozenset[Detail], here: int
) -> None:
    assert search_here(SEARCHES, number, needs) == here


def test_who_was_found_is_not_looked_for_again() -> None:
    assert next_search(said(Verdict.INACTIVE, "AAA:75"), SEARCHES, 0) is None


@pytest.mark.parametrize(
    ("search", "changes", "field"),
    [
        (PRIMARY_SEARCH, {"birth_date": None, "given_name": ""}, ""),
        (ID_AND_NAME, {}, ""),
        (ID_AND_NAME, {"given_name": "ANN MARIE"}, ""),
        (ID_AND_NAME, {"given_name": "ANNA"}, "name"),
        (ID_AND_NAME, {"birth_date": date(1950, 2, 1)}, "birth_date"),
        (ID_AND_NAME, {"birth_date": None}, "birth_date"),
        (ID_AND_BIRTH, {"family_name": "OTHER"}, "name"),
        (NAME_AND_BIRTH, {"member_id": "TST0002"}, "member_id"),
    ],
)
def test_what_the_question_left_out_must_be_confirmed(
    search: frozenset[Detail], changes: dict[str, object], field: str
) -> None:
    coverage = compared(said(Verdict.ACTIVE, **changes), replace(INQUIRY, search=search))
    if not field:
        assert coverage == said(Verdict.ACTIVE, **changes)
        return
    assert coverage.verdict is coverage.services[0].verdict is Verdict.ACTIVE_UNCLEAR
    assert (coverage.reasons[0].code, coverage.reasons[0].field) == ("found_otherwise", field)
    told = f"{coverage.reasons[0].text} {coverage.reasons[0].tip}"
    assert not {"TST0001", "1980", "Testperson", "ANN"} & set(told.split())


def test_an_inactive_plan_stays_inactive() -> None:
    coverage = compared(
        said(Verdict.INACTIVE, birth_date=None), replace(INQUIRY, search=ID_AND_NAME)
    )
    assert coverage.verdict is Verdict.INACTIVE
    assert coverage.reasons[0].code == "found_otherwise"
