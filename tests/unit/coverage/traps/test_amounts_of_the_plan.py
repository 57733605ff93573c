"""Traps 6 to 9 and 33: deductibles and out-of-pocket limits, which fill up over a period."""

import pytest

from cleargate.nouns.coverage import Network, Person
from tests.unit.coverage.traps.whole_answer import (
    DEDUCTIBLE,
    OUT_OF_POCKET,
    UNCLEAR,
    answer,
)


def test_trap_06_what_remains_is_a_row_of_its_own() -> None:
    """Total and remainder share person, network and service; the family's are another pair."""
    total = "EB*C*IND*30***23*2000*****Y"
    family = "EB*C*FAM*30***29*2800*****Y\nEB*C*FAM*30***23*4000*****Y"
    whole = answer(deductibles=f"{total}\n{family}\nEB*C*IND*30***29*800*****Y")
    own, families = whole.amounts(DEDUCTIBLE, "30")
    assert (own.cents, own.remaining, own.used) == (200000, 80000, 120000)
    assert (families.cents, families.remaining, families.used) == (400000, 280000, 120000)
    assert str(own.source) == whole.at(total, "EB07")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_06_what_remains_out_of_network_is_not_what_remains_in_it() -> None:
    """The total is the network's, the remainder is not: two amounts, each half known."""
    whole = answer(deductibles="EB*C*IND*30***23*2000*****Y\nEB*C*IND*30***29*800*****N")
    assert [(a.cents, a.remaining, a.network) for a in whole.amounts(DEDUCTIBLE, "30")] == [
        (200000, None, Network.IN),
        (None, 80000, Network.OUT),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_06_more_remains_than_there_was() -> None:
    """The remainder is left out, and both rows are told; the plan goes to a person."""
    total, left = "EB*C*IND*30***23*500*****Y", "EB*C*IND*30***29*800*****Y"
    whole = answer(deductibles=f"{total}\n{left}")
    [deductible] = whole.amounts(DEDUCTIBLE, "30")
    assert (deductible.cents, deductible.remaining, deductible.used) == (50000, None, None)
    assert whole.changed == {"30": UNCLEAR}
    assert whole.reasons == {"amounts_disagree": {whole.at(total, "EB07"), whole.at(left, "EB07")}}


def test_trap_07_what_was_paid_is_given_instead_of_what_remains() -> None:
    """24 is the year to date: the remainder is computed."""
    total, paid = "EB*G*IND*30*PR**23*3000*****W", "EB*G*IND*30*PR**24*302.68*****W"
    whole = answer(out_of_pockets=f"{total}\n{paid}")
    [limit] = whole.amounts(OUT_OF_POCKET, "30")
    assert (limit.cents, limit.used, limit.remaining) == (300000, 30268, 269732)
    assert str(limit.source) == whole.at(total, "EB07")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_07_what_the_family_has_paid_is_not_what_the_patient_has() -> None:
    """The patient's own total has no parts; the family's payments stand alone."""
    whole = answer(
        out_of_pockets="EB*G*IND*30***23*3000*****Y\nEB*G*FAM*30***24*302.68*****Y",
    )
    assert [
        (a.person, a.cents, a.used, a.remaining) for a in whole.amounts(OUT_OF_POCKET, "30")
    ] == [
        (Person.INDIVIDUAL, 300000, None, None),
        (Person.FAMILY, None, 30268, None),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_07_paid_and_remaining_do_not_add_up() -> None:
    """Of 3000, 100 are paid and 1000 remain: neither is shown, all three rows are told."""
    rows = [f"EB*G*IND*30***{part}*****W" for part in ("23*3000", "24*100", "29*1000")]
    whole = answer(out_of_pockets="\n".join(rows))
    [limit] = whole.amounts(OUT_OF_POCKET, "30")
    assert (limit.cents, limit.used, limit.remaining) == (300000, None, None)
    assert whole.changed == {"30": UNCLEAR}
    assert whole.reasons == {"amounts_disagree": {whole.at(row, "EB07") for row in rows}}


def test_trap_08_a_total_without_a_period_is_shown_and_marked() -> None:
    """3000 a year, or for life? The amount is told, and that its period is not known."""
    row = "EB*G*IND*30****3000*****Y"
    whole = answer(out_of_pockets=row)
    [limit] = whole.amounts(OUT_OF_POCKET, "30")
    assert (limit.cents, limit.period, str(limit.source)) == (300000, "", whole.at(row, "EB07"))
    assert whole.reasons == {"period_unstated": {whole.at(row, "EB07")}}
    assert whole.changed == {}


def test_near_miss_08_a_copay_needs_no_period_and_nothing_has_none() -> None:
    """A copay is the visit's, and an out-of-pocket limit of 0 is 0 in any period."""
    whole = answer(copays="EB*B*IND*PT****30*****Y", out_of_pockets="EB*G*IND*30****0*****Y")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_08_two_totals_one_of_them_without_a_period() -> None:
    """Whether 3000 is the year's 5000 said wrongly, nobody knows: both are shown and told."""
    rows = ["EB*G*IND*30****3000*****Y", "EB*G*IND*30***23*5000*****Y"]
    whole = answer(out_of_pockets="\n".join(rows))
    assert [a.cents for a in whole.amounts(OUT_OF_POCKET, "30")] == [300000, 500000]
    assert whole.changed == {"30": UNCLEAR}
    assert whole.reasons == {
        "period_unstated": {whole.at(rows[0], "EB07")},
        "amounts_disagree": {whole.at(row, "EB07") for row in rows},
    }


def test_trap_09_an_amount_of_nines_is_none() -> None:
    """Nobody's family pays 99,999.99: the amount is left out, and the reason says so."""
    row = "EB*G*FAM*30***23*99999.99*****W"
    whole = answer(out_of_pockets=f"EB*G*IND*30***23*5000*****Y\n{row}")
    assert [a.cents for a in whole.amounts(OUT_OF_POCKET, "30")] == [500000]
    assert whole.reasons == {"sentinel": {whole.at(row, "EB07")}}
    assert whole.changed == {}


@pytest.mark.parametrize(
    ("written", "cents"), [("9999", 999900), ("9990", 999000), ("999.99", 99999)]
)
def test_near_miss_09_nines_that_are_an_amount_are_taken(written: str, cents: int) -> None:
    """A high limit with nines in it is still a limit."""
    whole = answer(out_of_pockets=f"EB*G*IND*30***23*{written}*****W")
    assert [a.cents for a in whole.amounts(OUT_OF_POCKET, "30")] == [cents]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_09_none_and_yet_something_remains() -> None:
    """The total says that there is no limit, the remainder that there is: it stands alone."""
    none, left = "EB*G*IND*30***23*99999.99*****Y", "EB*G*IND*30***29*3900*****Y"
    whole = answer(out_of_pockets=f"{none}\n{left}")
    [limit] = whole.amounts(OUT_OF_POCKET, "30")
    assert (limit.cents, limit.remaining) == (None, 390000)
    assert str(limit.source) == whole.at(left, "EB07")
    assert whole.reasons == {"sentinel": {whole.at(none, "EB07")}}


def test_trap_33_only_the_familys_amount_is_given() -> None:
    """What the patient has to pay alone is not known. Out of network, it is: that is no help."""
    family, outside = "EB*C*FAM*30***23*3000*****Y", "EB*C*IND*30***23*6000*****N"
    whole = answer(deductibles=f"{family}\n{outside}")
    assert [a.person for a in whole.amounts(DEDUCTIBLE, "30")] == [Person.FAMILY, Person.INDIVIDUAL]
    assert whole.reasons == {"individual_missing": {whole.at(family, "EB07")}}
    assert whole.changed == {}


def test_near_miss_33_the_patients_own_amount_is_for_either_network() -> None:
    """W holds in network as well, so that nothing is missing beside the family's."""
    whole = answer(deductibles="EB*C*FAM*30***23*3000*****Y\nEB*C*IND*30***23*1500*****W")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_33_the_patients_own_is_more_than_the_familys() -> None:
    """One of the two stands in the other's place: both are told."""
    own, family = "EB*C*IND*30***23*3000*****Y", "EB*C*FAM*30***23*1500*****Y"
    whole = answer(deductibles=f"{own}\n{family}")
    assert whole.changed == {"30": UNCLEAR}
    assert whole.reasons == {"amounts_disagree": {whole.at(own, "EB07"), whole.at(family, "EB07")}}
