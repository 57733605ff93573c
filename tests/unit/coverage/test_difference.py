"""What has changed between two answers, and what only looks so."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.coverage.difference import Change, difference, is_good_news
from cleargate.nouns.coverage import (
    Amount,
    AmountKind,
    AuthorisationNeed,
    Coverage,
    Network,
    OtherPayer,
    Person,
    ServiceVerdict,
    Source,
    Verdict,
    VisitLimit,
)

HERE = Source(1, "EB07")
COPAY = Amount(AmountKind.COPAY, 3000, None, Person.INDIVIDUAL, Network.IN, "visit", None, (), HERE)
DEDUCTIBLE = replace(COPAY, kind=AmountKind.DEDUCTIBLE, cents=150000, remaining=80000)
SHARE = replace(COPAY, kind=AmountKind.COINSURANCE, cents=None, percent=Decimal(20))
LIMIT = VisitLimit(30, 12, "calendar_year", Network.IN, ("PT",), "", HERE)
SERVICES = (
    ServiceVerdict("PT", Verdict.ACTIVE, (HERE,)),
    ServiceVerdict("AE", Verdict.ACTIVE, (HERE,)),
    ServiceVerdict("30", Verdict.ACTIVE, (HERE,)),
)
BEFORE = Coverage(
    "SAMPLE PAYER",
    Verdict.ACTIVE,
    SERVICES,
    plan="Example PPO 500",
    amounts=(COPAY, DEDUCTIBLE, SHARE),
    visit_limits=(LIMIT,),
    authorisation=AuthorisationNeed.NOT_REQUIRED,
    ends=date(2030, 12, 31),
    member_id="TST0001",
    provider_network=Network.IN,
)


def changes(**now: object) -> list[Change]:
    return difference(BEFORE, replace(BEFORE, **now))  # type: ignore[arg-type]


shares = st.none() | st.decimals(0, 100, places=2)
amounts = st.builds(Amount, percent=shares)
coverages = st.builds(Coverage, amounts=st.lists(amounts, max_size=4).map(tuple))


@settings(max_examples=100, deadline=None)
@given(coverages)
def test_nothing_differs_from_itself(coverage: Coverage) -> None:
    assert difference(coverage, coverage) == []


@settings(max_examples=100, deadline=None)
@given(coverages, coverages)
def test_any_two_answers_can_be_compared(before: Coverage, now: Coverage) -> None:
    assert all(change.what for change in difference(before, now))


@pytest.mark.parametrize(
    "now",
    [
        {"amounts": (SHARE, replace(DEDUCTIBLE, remaining=100), COPAY, COPAY)},
        {"amounts": tuple(replace(each, source=Source(9, "EB08"), note="x")
                          for each in BEFORE.amounts)},
        {"visit_limits": (replace(LIMIT, remaining=1),)},
        {"plan": "EXAMPLE PPO  500", "member_id": "tst-0001"},
        {"plan": "", "member_id": ""},
        {"ends": None},
        {"ends": date(2031, 12, 31)},
        {"provider_network": Network.UNSTATED},
        {"authorisation": AuthorisationNeed.UNSTATED},
        {"trace": "another", "set_index": 2, "reasons": ()},
    ],
)  # fmt: skip
def test_what_moves_with_every_visit_or_is_merely_unsaid_is_no_change(
    now: dict[str, object],
) -> None:
    assert changes(**now) == []


@pytest.mark.parametrize(
    ("now", "change"),
    [
        ({"plan": "Example HMO"}, Change("Plan", "Example PPO 500", "Example HMO")),
        ({"member_id": "TST0002"}, Change("Member ID", "TST0001", "TST0002")),
        ({"provider_network": Network.OUT}, Change("Practice", "in network", "out of network")),
        (
            {"authorisation": AuthorisationNeed.REQUIRED},
            Change("Authorization", "not needed", "needed"),
        ),
        (
            {"referral": AuthorisationNeed.REQUIRED},
            Change("Referral", "not stated", "needed"),
        ),
        ({"visit_limits": (replace(LIMIT, remaining=0),)}, Change("Visits left", "12", "0")),
        ({"ends": date(2030, 1, 31)}, Change("Covered until", "12/31/2030", "01/31/2030")),
        (
            {"amounts": (replace(COPAY, cents=4500), DEDUCTIBLE, SHARE)},
            Change("Copay", "$30.00 per visit, in network", "$45.00 per visit, in network"),
        ),
        (
            {"amounts": (COPAY, DEDUCTIBLE)},
            Change("Coinsurance", "20% per visit, in network", "not stated"),
        ),
        (
            {"amounts": (COPAY, SHARE, replace(DEDUCTIBLE, cents=200000))},
            Change(
                "Deductible", "$1,500.00 per visit, in network", "$2,000.00 per visit, in network"
            ),
        ),
        (
            {"other_payers": (OtherPayer("MEDICARE", "primary", HERE),)},
            Change("Other payers", "none", "MEDICARE primary"),
        ),
    ],
)
def test_what_a_front_desk_has_to_know_is_a_change(now: dict[str, object], change: Change) -> None:
    assert changes(**now) == [change]


def test_services_that_changed_in_the_same_way_are_one_change() -> None:
    gone = tuple(replace(each, verdict=Verdict.INACTIVE) for each in SERVICES)
    found = changes(verdict=Verdict.INACTIVE, services=gone)
    what = "Physical therapy, Physical medicine, 1 more"
    assert found == [Change(what, "active", "not active")]


def test_a_plan_that_is_over_has_no_amounts_that_changed() -> None:
    """Its copay did not become nothing: there is no coverage that it could belong to."""
    assert changes(verdict=Verdict.INACTIVE, amounts=()) == []


def test_a_doubt_that_is_gone_is_good_news_unless_something_is_needed_now() -> None:
    doubt = replace(BEFORE, verdict=Verdict.UNDETERMINED)
    assert is_good_news(doubt, BEFORE)
    assert not is_good_news(BEFORE, BEFORE)
    assert not is_good_news(BEFORE, doubt)
    needed = replace(BEFORE, referral=AuthorisationNeed.REQUIRED)
    assert not is_good_news(doubt, needed)
    assert is_good_news(replace(needed, verdict=Verdict.UNDETERMINED), needed)
