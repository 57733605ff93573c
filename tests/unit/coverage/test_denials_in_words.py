"""Words beside an active row that deny what it says."""

import pytest

from cleargate.nouns.coverage import Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, coverage_of, service


@pytest.mark.parametrize(
    "said",
    [
        "COVERAGE TERMINATED 03/31/2026",
        "Member is not eligible",
        "POLICY HAS BEEN CANCELED",
        "PLAN STATUS: INACTIVE",
    ],
)
def test_words_that_deny_the_plan_reach_every_service(said: str) -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nMSG*{said}\nEB*1**PT")
    assert {coverage.verdict, service(coverage, "30").verdict} == {Verdict.ACTIVE_UNCLEAR}


@pytest.mark.parametrize(
    "said",
    [
        "CLAIMS ARE NOT PAID IF COVERAGE IS TERMINATED",
        "PRIOR POLICY EXPIRED 12/31/2025",
        "OUT OF NETWORK CARE IS NOT COVERED",
        "PLAN ENDORSEMENT 7",
    ],
)
def test_words_under_a_condition_or_about_something_else_deny_nothing(said: str) -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nMSG*{said}\nEB*1**PT")
    assert coverage.verdict is Verdict.ACTIVE


def test_words_that_deny_one_service_reach_that_one_only() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*1**PT\nEB*1**98\nMSG*COVERAGE ENDED")
    assert coverage.verdict is Verdict.ACTIVE
    assert service(coverage, "98").verdict is Verdict.ACTIVE_UNCLEAR
