"""Copays, coinsurance, deductibles: what the payer's rows add up to."""

from decimal import Decimal

import pytest

from cleargate.nouns.coverage import AmountKind, Network, Person, Verdict
from tests.unit.coverage.answers import ACTIVE_PLAN, amounts, codes, coverage_of, service

COPAY, COINSURANCE = AmountKind.COPAY, AmountKind.COINSURANCE
DEDUCTIBLE, OUT_OF_POCKET = AmountKind.DEDUCTIBLE, AmountKind.OUT_OF_POCKET
PT = f"{ACTIVE_PLAN}\nEB*1**PT"


# 1, 14: which network


def test_the_network_comes_from_the_text_where_the_flag_is_missing() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*20\nMSG*IN NETWORK PROVIDERS ONLY")
    [copay] = amounts(coverage, COPAY, "PT")
    assert copay.network is Network.IN


def test_a_flag_against_the_text_is_unclear_with_both_sources() -> None:
    rows = f"{PT}\nEB*C*IND*PT***23*1000*****N\nMSG*CALENDAR YEAR DEDUCTIBLE - IN NETWORK"
    coverage = coverage_of(rows)
    [deductible] = amounts(coverage, DEDUCTIBLE, "PT")
    assert deductible.network is Network.UNSTATED
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    reason = next(r for r in coverage.reasons if r.code == "network_disagrees")
    assert [source.element for source in reason.sources] == ["EB12", "MSG"]


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("OUT-OF-NETWORK ONLY", Network.OUT),
        ("NON-PARTICIPATING PROVIDERS", Network.OUT),
        ("APPLIES IN AND OUT OF NETWORK", Network.EITHER),
        ("PARKING IS FREE", Network.UNSTATED),
        ("INNER CITY CLINICS", Network.UNSTATED),
    ],
)
def test_words_for_networks(text: str, network: Network) -> None:
    [copay] = amounts(coverage_of(f"{PT}\nEB*B*IND*PT***27*20\nMSG*{text}"), COPAY, "PT")
    assert copay.network is network


def test_words_about_the_asking_provider_are_no_words_about_the_row() -> None:
    said = "HEALTHCARE PROFESSIONAL IS IN NETWORK BASED ON NPI ID PROVIDED IN REQUEST."
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*50*****N\nMSG*{said}")
    [copay] = amounts(coverage, COPAY, "PT")
    assert copay.network is Network.OUT
    assert coverage.provider_network is Network.IN
    assert coverage.verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("Y", "ACCUMULATES WITH OUT-OF-NETWORK AMOUNTS"),
        ("N", "ACCUMULATES WITH IN-NETWORK AMOUNTS"),
        ("N", "AFTER IN-NETWORK DEDUCTIBLE"),
        ("N", "IN NETWORK GENERAL DEDUCTIBLE APPLIES"),
    ],
)
def test_words_about_another_amounts_network_contradict_no_flag(flag: str, text: str) -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*20*****{flag}\nMSG*{text}")
    [copay] = amounts(coverage, COPAY, "PT")
    assert copay.network is (Network.IN if flag == "Y" else Network.OUT)
    assert coverage.verdict is Verdict.ACTIVE


def test_w_is_either_network_and_a_missing_flag_is_unstated() -> None:
    coverage = coverage_of(f"{PT}\nEB*C*IND*30***23*290*****W\nEB*C*FAM*30***23*580")
    assert [a.network for a in amounts(coverage, DEDUCTIBLE, "30")] == [
        Network.EITHER,
        Network.UNSTATED,
    ]


# 2: several copays for one service


def test_two_copays_told_apart_by_text_only_are_unclear_and_both_are_shown() -> None:
    rows = (
        f"{PT}\nEB*B*ESP*PT****20*****Y\nMSG*PRIMARY OFFICE\n"
        "EB*B*ESP*PT****30*****W\nMSG*SPEC OFFICE"
    )
    coverage = coverage_of(rows)
    assert [(a.cents, a.note) for a in amounts(coverage, COPAY, "PT")] == [
        (2000, "PRIMARY OFFICE"),
        (3000, "SPEC OFFICE"),
    ]
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    reason = next(r for r in coverage.reasons if r.code == "cost_share_disagrees")
    assert len(reason.sources) == 2


def test_copays_of_different_networks_do_not_disagree() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*20*****Y\nEB*B*IND*PT***27*60*****N")
    assert coverage.verdict is Verdict.ACTIVE
    assert len(amounts(coverage, COPAY, "PT")) == 2


def test_the_same_copay_said_twice_does_not_disagree() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*20*****Y\nEB*B*IND*PT***27*20.00*****W")
    assert coverage.verdict is Verdict.ACTIVE


def test_copays_of_another_service_that_disagree_do_not_touch_the_service() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*98***27*20*****Y\nEB*B*IND*98***27*40*****Y")
    assert coverage.verdict is Verdict.ACTIVE
    assert service(coverage, "98").verdict is Verdict.ACTIVE_UNCLEAR


# 6, 7: totals, what remains, what is used


def test_total_and_remaining_are_joined_by_their_shared_key() -> None:
    rows = (
        f"{PT}\nEB*C*IND*30***23*2000*****Y\nEB*C*IND*30***29*800*****Y\n"
        "EB*C*FAM*30***23*4000*****Y\nEB*C*FAM*30***29*2800*****Y"
    )
    coverage = coverage_of(rows)
    assert [(a.person, a.cents, a.remaining, a.used) for a in coverage.amounts] == [
        (Person.INDIVIDUAL, 200000, 80000, 120000),
        (Person.FAMILY, 400000, 280000, 120000),
    ]


def test_a_remainder_of_another_network_is_not_joined() -> None:
    coverage = coverage_of(f"{PT}\nEB*C*IND*30***23*2000*****Y\nEB*C*IND*30***29*800*****N")
    assert [(a.cents, a.remaining, a.network) for a in coverage.amounts] == [
        (200000, None, Network.IN),
        (None, 80000, Network.OUT),
    ]


def test_a_remainder_above_its_total_is_a_contradiction_with_both_sources() -> None:
    coverage = coverage_of(f"{PT}\nEB*C*IND*PT***23*500*****Y\nEB*C*IND*PT***29*800*****Y")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    reason = next(r for r in coverage.reasons if r.code == "amounts_disagree")
    assert len(reason.sources) == 2
    assert coverage.amounts[0].remaining is None


def test_year_to_date_becomes_what_remains() -> None:
    coverage = coverage_of(f"{PT}\nEB*G*IND*30*PR**23*3000*****W\nEB*G*IND*30*PR**24*302.68*****W")
    [limit] = amounts(coverage, OUT_OF_POCKET, "30")
    assert (limit.cents, limit.used, limit.remaining) == (300000, 30268, 269732)


def test_year_to_date_without_a_total_stays_what_it_is() -> None:
    [limit] = amounts(coverage_of(f"{PT}\nEB*G*IND*30*PR**24*302.68*****W"), OUT_OF_POCKET, "30")
    assert (limit.cents, limit.used, limit.remaining) == (None, 30268, None)


def test_used_and_remaining_that_do_not_add_up_are_a_contradiction() -> None:
    rows = (
        f"{PT}\nEB*G*IND*PT***23*3000*****W\nEB*G*IND*PT***24*100*****W\n"
        "EB*G*IND*PT***29*1000*****W"
    )
    assert "amounts_disagree" in codes(coverage_of(rows))


# 8, 9: no period, sentinels


def test_a_total_without_a_period_is_shown_with_a_reason() -> None:
    coverage = coverage_of(f"{PT}\nEB*G*IND*30****3000*****Y")
    [limit] = amounts(coverage, OUT_OF_POCKET, "30")
    assert (limit.cents, limit.period) == (300000, "")
    assert "period_unstated" in codes(coverage)


def test_a_total_with_a_period_needs_no_reason() -> None:
    assert "period_unstated" not in codes(coverage_of(f"{PT}\nEB*G*IND*30***23*3000*****Y"))


@pytest.mark.parametrize("sentinel", ["99999.99", "999999.99", "99999", "9999999"])
def test_all_nines_are_no_amount(sentinel: str) -> None:
    coverage = coverage_of(f"{PT}\nEB*G*FAM*30***23*{sentinel}*****W")
    assert coverage.amounts == ()
    assert "sentinel" in codes(coverage)


def test_many_nines_that_are_an_amount_are_taken() -> None:
    [limit] = coverage_of(f"{PT}\nEB*G*IND*30***23*9990*****W").amounts
    assert limit.cents == 999000


# 10, 12: percent


@pytest.mark.parametrize(
    ("written", "percent"),
    [(".2", "20"), ("0.5", "50"), ("50", "50"), ("0", "0"), (".125", "12.5")],
)
def test_shares_are_read_on_both_scales(written: str, percent: str) -> None:
    [share] = amounts(
        coverage_of(f"{PT}\nEB*A*IND*33^48^PT***7**{written}****W"), COINSURANCE, "PT"
    )
    assert share.percent == Decimal(percent)
    assert share.cents is None
    assert share.period == "day"


def test_a_share_of_one_goes_to_a_person() -> None:
    coverage = coverage_of(f"{PT}\nEB*A*IND*PT***27**1****W")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "percent_scale" in codes(coverage)


def test_a_share_of_one_out_of_network_is_a_reason_and_stops_nothing() -> None:
    coverage = coverage_of(f"{PT}\nEB*A*IND*PT***27**1****N")
    assert coverage.verdict is Verdict.ACTIVE
    assert "percent_scale" in codes(coverage)


def test_a_coinsurance_without_a_percent_settles_the_service_and_has_a_reason() -> None:
    coverage = coverage_of(f"{ACTIVE_PLAN}\nEB*A*ESP*PT*********Y")
    assert coverage.verdict is Verdict.ACTIVE
    assert coverage.amounts == ()
    assert "amount_missing" in codes(coverage)


@pytest.mark.parametrize("text", ["-20", "2O.00", "1,000", "20.005"])
def test_an_amount_that_cannot_be_read_is_left_out_with_a_reason(text: str) -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*{text}*****Y")
    assert coverage.amounts == ()
    assert "amount_unreadable" in codes(coverage)


# 11: zero rows as fillers


def test_a_zero_copay_beside_a_real_coinsurance_is_a_filler() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***7*0*****W\nEB*A*IND*PT***7**.2****W")
    assert [a.kind for a in coverage.amounts] == [COINSURANCE]


def test_a_zero_copay_alone_is_a_copay_of_nothing() -> None:
    [copay] = coverage_of(f"{PT}\nEB*B*IND*PT***27*0*****Y").amounts
    assert copay.cents == 0


def test_a_zero_copay_in_network_stays_beside_a_coinsurance_out_of_network() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*0*****Y\nEB*A*IND*PT***27**.4****N")
    assert [a.kind for a in coverage.amounts] == [COPAY, COINSURANCE]


# 13, 27: per day, admission, visit; place of service


@pytest.mark.parametrize(
    ("code", "period"), [("7", "day"), ("36", "admission"), ("27", "visit"), ("", "")]
)
def test_the_period_of_a_copay_is_kept(code: str, period: str) -> None:
    [copay] = coverage_of(f"{PT}\nEB*B*IND*PT***{code}*350*****Y").amounts
    assert copay.period == period


def test_shares_split_by_place_of_service_name_the_place_and_do_not_disagree() -> None:
    rows = f"{PT}\nEB*A*IND*PT*****.10***N*Y\nIII*ZZ*11\nEB*A*IND*PT*****.30***N*Y\nIII*ZZ*22"
    coverage = coverage_of(rows)
    assert [(a.percent, a.note) for a in coverage.amounts] == [
        (Decimal(10), "place of service 11"),
        (Decimal(30), "place of service 22"),
    ]
    assert coverage.verdict is Verdict.ACTIVE


# 33: family without individual


def test_a_family_amount_alone_says_that_the_patients_own_is_missing() -> None:
    coverage = coverage_of(f"{PT}\nEB*C*FAM*30***23*4000*****Y")
    assert coverage.amounts[0].person is Person.FAMILY
    assert "individual_missing" in codes(coverage)


def test_a_family_amount_beside_the_patients_own_says_nothing() -> None:
    rows = f"{PT}\nEB*C*FAM*30***23*4000*****Y\nEB*C*IND*30***23*2000*****Y"
    assert "individual_missing" not in codes(coverage_of(rows))


def test_a_number_too_long_for_money_is_unreadable_and_does_not_raise() -> None:
    coverage = coverage_of(f"{PT}\nEB*B*IND*PT***27*{'1' * 5000}")
    assert amounts(coverage, COPAY, "PT") == []
    assert "amount_unreadable" in codes(coverage)


def test_two_totals_with_the_same_words_disagree_and_with_other_words_do_not() -> None:
    tiers = "EB*C*IND*30***23*500*****Y\nMSG*{}\nEB*C*IND*30***23*1500*****Y\nMSG*{}"
    same = coverage_of(f"{PT}\n{tiers.format('TIER 1', 'TIER 1')}")
    assert service(same, "30").verdict is Verdict.ACTIVE_UNCLEAR
    assert "amounts_disagree" in codes(same)
    assert codes(coverage_of(f"{PT}\n{tiers.format('TIER 1', 'TIER 2')}")) == set()


def test_a_total_said_twice_keeps_what_remains_of_it() -> None:
    rows = f"{PT}\n" + "EB*C*IND*30***23*2000*****Y\n" * 2 + "EB*C*IND*30***29*800*****Y"
    [deductible] = coverage_of(rows).amounts
    assert (deductible.cents, deductible.remaining) == (200000, 80000)


def test_a_doubt_about_a_row_without_a_service_touches_the_plan() -> None:
    coverage = coverage_of(f"{PT}\nEB*C*IND****23*500*****Y\nEB*C*IND****29*800*****Y")
    assert service(coverage, "30").verdict is Verdict.ACTIVE_UNCLEAR
    assert "amounts_disagree" in codes(coverage)
