"""Whether the payer's dates hold on the day of the visit."""

from datetime import date

import pytest

from cleargate.nouns.coverage import Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, codes, coverage_of, service

PT = f"{ACTIVE_PLAN}\nEB*1**PT"


@pytest.mark.parametrize(
    ("patient", "code"),
    [
        ("DTP*346*RD8*20240101-20240331", "plan_ended"),
        ("DTP*291*RD8*20250101-20251231", "plan_ended"),
        ("DTP*346*D8*20240101\nDTP*347*D8*20260430", "plan_ended"),
        ("DTP*357*D8*20260503", "plan_ended"),
        ("DTP*346*D8*20260601", "plan_not_begun"),
        ("DTP*307*RD8*20260601-20261231", "plan_not_begun"),
        ("DTP*472*D8*20260401", "for_another_day"),
    ],
)
def test_active_with_dates_that_miss_the_visit_is_unclear(patient: str, code: str) -> None:
    coverage = coverage_of(PT, patient=patient)
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    [reason] = [reason for reason in coverage.reasons if reason.code == code]
    assert reason.sources[0].element == "DTP03"


@pytest.mark.parametrize(
    "patient",
    [
        "DTP*346*RD8*20260101-20261231",
        "DTP*346*D8*20240101\nDTP*347*D8*20260504",
        "DTP*356*D8*20260504",
        "DTP*307*RD8*20250101-20251231\nDTP*307*RD8*20260101-20261231",
        "DTP*472*D8*20260504",
        "DTP*636*D8*20200101",
        "DTP*291*D8*20260401",
    ],
)
def test_dates_that_hold_the_visit_do_not_touch_the_verdict(patient: str) -> None:
    assert coverage_of(PT, patient=patient).verdict is Verdict.ACTIVE


def test_the_bounds_of_the_plan_are_handed_on() -> None:
    coverage = coverage_of(PT, patient="DTP*346*D8*20240101\nDTP*347*D8*20261231")
    assert (coverage.begins, coverage.ends) == (date(2024, 1, 1), date(2026, 12, 31))


def test_the_bounds_come_from_the_plans_own_row_where_the_patient_has_none() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nDTP*307*RD8*20260101-20261231\nEB*1**PT", patient="")
    assert (coverage.begins, coverage.ends) == (date(2026, 1, 1), date(2026, 12, 31))


def test_a_plan_row_that_ended_leaves_the_word_to_the_one_in_force() -> None:
    rows = (
        "EB*1**30*HM*OLD HMO\nDTP*307*RD8*20250101-20251231\n"
        "EB*6**30*PR*NEW PPO\nDTP*307*RD8*20260101-20261231"
    )
    coverage = coverage_of(rows, patient="")
    assert coverage.verdict is Verdict.INACTIVE
    assert coverage.plan == "NEW PPO"


def test_only_plan_rows_that_ended_are_unclear_with_their_dates_as_source() -> None:
    coverage = coverage_of("EB*1**30*HM*OLD HMO\nDTP*307*RD8*20250101-20251231", patient="")
    [reason] = service(coverage, "30").reasons
    assert reason.code == "plan_ended"
    assert [source.element for source in reason.sources] == ["EB01", "DTP03"]


def test_last_years_deductible_is_not_taken_for_this_years() -> None:
    rows = (
        f"{PT}\nEB*C*IND*30***23*500*****Y\nDTP*292*RD8*20250101-20251231\n"
        "EB*C*IND*30***23*750*****Y\nDTP*292*RD8*20260101-20261231"
    )
    assert [amount.cents for amount in coverage_of(rows).amounts] == [75000]


def test_the_day_is_the_visits_and_not_todays() -> None:
    patient = "DTP*346*RD8*20260101-20260630"
    assert coverage_of(PT, patient=patient, on=date(2026, 6, 30)).verdict is Verdict.ACTIVE
    late = coverage_of(PT, patient=patient, on=date(2026, 7, 1))
    assert codes(late) >= {"plan_ended"}


def test_a_plan_that_says_it_is_inactive_and_ended_is_inactive() -> None:
    ended = coverage_of("EB*6**30*PR*EXAMPLE PPO 500\nDTP*347*D8*20251231", background="")
    assert ended.verdict is Verdict.INACTIVE


def test_an_old_plan_that_ended_does_not_speak_against_the_new_one() -> None:
    rows = "EB*6**30*PR*OLD PLAN\nDTP*347*D8*20251231\nEB*1**30*PR*NEW PLAN\nEB*1**PT"
    assert coverage_of(rows, background="").verdict is Verdict.ACTIVE


def test_a_plan_that_becomes_inactive_later_is_not_inactive_yet() -> None:
    later = coverage_of("EB*6**30*PR*EXAMPLE PPO 500\nDTP*346*D8*20270101", background="")
    assert later.verdict is not Verdict.INACTIVE


@pytest.mark.parametrize("services", [("98", "PT"), ("PT", "98")])
def test_a_service_that_ended_says_nothing_about_another_one(services: tuple[str, ...]) -> None:
    rows = "EB*1**98\nDTP*292*RD8*20200101-20201231"
    coverage = coverage_of(rows, services=services, background="")
    assert service(coverage, "98").verdict is Verdict.ACTIVE_UNCLEAR
    assert service(coverage, "PT").verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ("EB*1**30*PR*EXAMPLE PPO 500\nDTP*347*D8*20260331", "plan_ended"),
        ("EB*1**30*PR*EXAMPLE PPO 500\nDTP*346*D8*20260601", "plan_not_begun"),
        ("EB*6**30*PR*EXAMPLE PPO 500\nDTP*347*D8*20260331", "contradiction"),
    ],
)
def test_a_service_without_dates_does_not_outlive_its_plan(plan: str, code: str) -> None:
    coverage = coverage_of(f"{plan}\nEB*1**PT", patient="")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert code in codes(coverage)


def test_a_vision_plan_that_ended_says_nothing_about_therapy() -> None:
    coverage = coverage_of("EB*1**30**SPECTERA VISION PLAN\nDTP*347*D8*20260331\nEB*1**PT")
    assert coverage.verdict is Verdict.ACTIVE


def test_a_copay_does_not_speak_for_a_service_that_ended() -> None:
    ended = "EB*1**PT\nDTP*349*D8*20260331"
    coverage = coverage_of(f"{ACTIVE_PLAN}\n{ended}\nEB*B*IND*PT***27*30*****Y", patient="")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "plan_ended" in codes(coverage)


def test_an_end_within_a_range_that_goes_on_is_told() -> None:
    rows = "DTP*346*RD8*20260101-20261231\nDTP*347*D8*20260331"
    coverage = coverage_of(PT, patient=rows)
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    [reason] = [reason for reason in coverage.reasons if reason.code == "plan_ended"]
    assert len(reason.sources) == 2


def test_the_end_of_an_earlier_period_does_not_end_the_next_one() -> None:
    rows = "DTP*347*D8*20251231\nDTP*346*RD8*20260101-20261231"
    assert coverage_of(PT, patient=rows).verdict is Verdict.ACTIVE
