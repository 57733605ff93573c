"""Traps 10 to 13 and 27: copays and coinsurance, which are paid for a visit."""

from decimal import Decimal

import pytest

from cleargate.nouns.coverage import Network
from tests.unit.coverage.traps.whole_answer import (
    COINSURANCE,
    COPAY,
    UNCLEAR,
    answer,
)


def test_trap_10_a_share_of_one_in_network_goes_to_a_person() -> None:
    """By the standard 1 is all of the price, with some payers a hundredth of it."""
    inside, outside = "EB*A*IND*PT***27**1****Y", "EB*A*IND*PT***27**1****N"
    whole = answer(copays=f"{inside}\n{outside}")
    assert [a.percent for a in whole.amounts(COINSURANCE, "PT")] == [100, 100]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {"percent_scale": {whole.at(inside, "EB08"), whole.at(outside, "EB08")}}


@pytest.mark.parametrize(
    ("written", "percent"), [(".2", 20), ("0.5", 50), ("50", 50), (".125", Decimal("12.5"))]
)
def test_near_miss_10_other_shares_are_told_by_their_size(written: str, percent: Decimal) -> None:
    """Below one it is a part, above one it is a percentage."""
    whole = answer(copays=f"EB*A*IND*PT***27**{written}****Y")
    assert [a.percent for a in whole.amounts(COINSURANCE, "PT")] == [percent]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_10_a_fifth_and_thirty_percent_for_the_same_visit() -> None:
    """Two scales, and not the same share on them."""
    one, other = "EB*A*IND*PT***27**.2****Y", "EB*A*IND*PT***27**30****W"
    whole = answer(copays=f"{one}\n{other}")
    assert [a.percent for a in whole.amounts(COINSURANCE, "PT")] == [20, 30]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {whole.at(one, "EB08"), whole.at(other, "EB08")}
    }


def test_trap_11_a_zero_copay_beside_a_real_coinsurance_fills_a_form() -> None:
    """The patient pays a fifth, and not nothing."""
    share = "EB*A*IND*PT***7**.2****W"
    whole = answer(copays=f"EB*B*IND*PT***7*0*****W\n{share}")
    assert whole.amounts(COPAY, "PT") == []
    [coinsurance] = whole.amounts(COINSURANCE, "PT")
    assert (coinsurance.percent, str(coinsurance.source)) == (20, whole.at(share, "EB08"))
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_11_a_zero_copay_in_network_beside_a_coinsurance_out_of_it() -> None:
    """They are for different visits: in network there is nothing to pay."""
    whole = answer(copays="EB*B*IND*PT***27*0*****Y\nEB*A*IND*PT***27**.4****N")
    [copay] = whole.amounts(COPAY, "PT")
    assert (copay.cents, copay.network) == (0, Network.IN)
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_11_a_zero_copay_beside_a_real_copay() -> None:
    """Nothing or 30 dollars: no coinsurance says which of them is the filler."""
    zero, real = "EB*B*IND*PT***27*0*****W", "EB*B*IND*PT***27*30*****Y"
    whole = answer(copays=f"{zero}\n{real}")
    assert [a.cents for a in whole.amounts(COPAY, "PT")] == [0, 3000]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {whole.at(zero, "EB07"), whole.at(real, "EB07")}
    }


def test_trap_12_a_coinsurance_without_its_percent_settles_the_service_and_no_amount() -> None:
    """No EB*1 names therapy: the row does, and says not how much."""
    row = "EB*A*ESP*PT*********Y"
    whole = answer(therapy="", copays=row, limit="")
    assert whole.amounts(COINSURANCE, "PT") == []
    assert whole.decided("PT") == {whole.at("EB*1**30", "EB01"), whole.at(row, "EB01")}
    assert whole.reasons == {"amount_missing": {whole.at(row, "EB01")}}
    assert whole.changed == {}


def test_near_miss_12_a_share_of_nothing_is_a_share() -> None:
    """0 is said, and not left out."""
    whole = answer(copays="EB*A*IND*PT***27**0****Y")
    assert [a.percent for a in whole.amounts(COINSURANCE, "PT")] == [0]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_12_a_share_of_what_is_not_covered() -> None:
    """A row without its percent still says that there is something to share; EB*I says no."""
    share, no = "EB*A*ESP*PT*********Y", "EB*I**PT"
    whole = answer(therapy="", copays=f"{share}\n{no}", limit="")
    assert whole.changed == {"PT": UNCLEAR}
    both = {whole.at(share, "EB01"), whole.at(no, "EB01")}
    assert whole.reasons == {"contradiction": both, "amount_missing": {whole.at(share, "EB01")}}


@pytest.mark.parametrize(("code", "period"), [("7", "day"), ("36", "admission"), ("26", "episode")])
def test_trap_13_the_period_of_a_copay_is_kept(code: str, period: str) -> None:
    """350 dollars for an admission are not 350 dollars for a visit."""
    row = f"EB*B*IND*PT***{code}*350*****Y"
    whole = answer(copays=row)
    [copay] = whole.amounts(COPAY, "PT")
    assert (copay.cents, copay.period, str(copay.source)) == (35000, period, whole.at(row, "EB07"))
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_13_a_copay_for_a_visit_beside_one_for_an_admission() -> None:
    """They are asked for on different occasions."""
    whole = answer(copays="EB*B*IND*PT***27*30*****Y\nEB*B*IND*PT***36*350*****Y")
    assert [a.period for a in whole.amounts(COPAY, "PT")] == ["visit", "admission"]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_13_a_copay_for_a_visit_beside_another_one_for_a_day() -> None:
    """A visit takes place on a day: 30 or 50 dollars?"""
    visit, day = "EB*B*IND*PT***27*30*****Y", "EB*B*IND*PT***7*50*****Y"
    whole = answer(copays=f"{visit}\n{day}")
    assert [a.period for a in whole.amounts(COPAY, "PT")] == ["visit", "day"]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {whole.at(visit, "EB07"), whole.at(day, "EB07")}
    }


def test_trap_27_shares_split_by_place_of_service_do_not_disagree() -> None:
    """A tenth at the office (11), three tenths at the hospital (22), each with its place."""
    whole = answer(
        copays="EB*A*IND*PT*****.10***N*Y\nIII*ZZ*11\nEB*A*IND*PT*****.30***N*Y\nIII*ZZ*22"
    )
    assert [(one.percent, one.note) for one in whole.amounts(COINSURANCE, "PT")] == [
        (10, "place of service 11"),
        (30, "place of service 22"),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_27_a_diagnosis_code_beside_a_share_is_no_place() -> None:
    """III*BF is a diagnosis: it separates no places, so that the two shares do disagree."""
    whole = answer(
        copays="EB*A*IND*PT*****.10***N*Y\nIII*BF*11\nEB*A*IND*PT*****.30***N*Y\nIII*BF*22"
    )
    assert [one.note for one in whole.amounts(COINSURANCE, "PT")] == ["", ""]
    assert whole.changed == {"PT": UNCLEAR}
    assert set(whole.reasons) == {"cost_share_disagrees"}


def test_contradiction_27_two_shares_at_the_same_place() -> None:
    """Both at the office: neither is chosen."""
    whole = answer(
        copays="EB*A*IND*PT*****.10***N*Y\nIII*ZZ*11\nEB*A*IND*PT*****.30***N*Y\nIII*ZZ*11"
    )
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {
            whole.at("EB*A*IND*PT*****.10", "EB08"),
            whole.at("EB*A*IND*PT*****.30", "EB08"),
        }
    }
