"""Traps 28 and 31: on which day, and for whom."""

from datetime import date

from tests.unit.coverage.traps.whole_answer import (
    ACTIVE,
    INACTIVE,
    UNCLEAR,
    Whole,
    answer,
)

EVERY_ACTIVE = {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
DEPENDENT = """\
HL*4*3*23*0
TRN*2*TRACE0002*9CLEARGATE
NM1*03*1*TESTPERSON*BEE
DMG*D8*20150601*M
INS*N*19"""


def verdicts(whole: Whole, code: str) -> list[tuple[str, object]]:
    """The patients of an answer, and their verdicts for one service."""
    return [
        (coverage.given_name, next(one.verdict for one in coverage.services if one.code == code))
        for coverage in whole.coverages
    ]


def test_trap_28_the_answer_is_active_and_its_dates_have_passed() -> None:
    """The payer sends the first quarter of 2024 for a visit in October."""
    span = "DTP*346*RD8*20240101-20240331"
    whole = answer(patient=span, on=date(2024, 10, 17))
    assert whole.changed == EVERY_ACTIVE
    assert whole.reasons == {"plan_ended": {whole.at(span, "DTP03")}}
    assert (whole.coverage.begins, whole.coverage.ends) == (date(2024, 1, 1), date(2024, 3, 31))


def test_near_miss_28_the_plan_ends_on_the_day_of_the_visit() -> None:
    """The last day is a day of the plan, and an update in the past ends nothing."""
    whole = answer(patient="DTP*346*D8*20240101\nDTP*347*D8*20260504\nDTP*636*D8*20200101")
    assert (whole.changed, whole.reasons) == ({}, {})
    assert whole.coverage.ends == date(2026, 5, 4)


def test_contradiction_28_the_plans_own_row_has_ended_and_therapys_has_no_dates() -> None:
    """EB*1**30 ended in March; EB*1**PT beside it is no proof that it goes on."""
    plan, end = "EB*1**30*PR*EXAMPLE PPO 500", "DTP*347*D8*20260331"
    whole = answer(plan=f"{plan}\n{end}")
    assert whole.changed == EVERY_ACTIVE
    assert whole.decided("PT") == {whole.at("EB*1**PT", "EB01"), whole.at(plan, "EB01")}
    assert whole.why("PT") == {"plan_ended": {whole.at(plan, "EB01"), whole.at(end, "DTP03")}}


def test_trap_31_the_subscriber_comes_back_as_a_dependent() -> None:
    """HL04 promises a child twice; it is the same person, and the benefits are at its level."""
    same = (
        DEPENDENT.replace("23*0", "23*1").replace("BEE", "ANN").replace("20150601*M", "19800201*F")
    )
    whole = answer(dependent=same)
    assert (whole.changed, whole.reasons) == ({}, {})
    coverage = whole.coverage
    assert (coverage.given_name, coverage.birth_date) == ("ANN", date(1980, 2, 1))
    assert (coverage.member_id, coverage.trace) == ("TST0001", "TRACE0002")
    assert coverage.begins == date(2026, 1, 1)


def test_near_miss_31_a_dependent_and_a_subscriber_with_benefits_are_two_patients() -> None:
    """The subscriber's plan has ended, the child's has not: neither is told of the other."""
    rows = "EB*6**30*PR*EXAMPLE PPO 400\nMSG*SUBSCRIBER ONLY"
    whole = answer(
        dependent=f"{rows}\n{DEPENDENT}", not_in_json=frozenset({"benefitsInformation", "plans"})
    )
    assert verdicts(whole, "PT") == [("ANN", INACTIVE), ("BEE", ACTIVE)]
    assert [one.member_id for one in whole.coverages] == ["TST0001", "TST0001"]


def test_contradiction_31_the_dependent_is_covered_and_the_subscriber_no_longer() -> None:
    """No child's coverage outlives the policy without somebody asking why."""
    ended = "DTP*346*RD8*20250101-20260331"
    own = "DTP*356*D8*20250601"
    whole = answer(
        dependent=f"{DEPENDENT}\n{own}",
        patient=ended,
        not_in_json=frozenset({"benefitsInformation"}),
    )
    assert whole.coverage.given_name == "BEE"
    assert whole.changed == EVERY_ACTIVE
    assert whole.reasons == {"plan_ended": {whole.at(ended, "DTP03"), whole.at(own, "DTP03")}}
