"""Traps 15 to 19: how many visits, for what, and in which field."""

import pytest

from cleargate.nouns.coverage import Network
from tests.unit.coverage.traps.whole_answer import ACTIVE, UNCLEAR, answer

COMBINED = "MSG*COMBINED TOTAL FOR PHYSICAL, OCCUPATIONAL, SPEECH"


def test_trap_15_the_limit_stands_under_related_services_and_not_under_therapy() -> None:
    """40 visits for AD, AE and AF, 31 of them left, and the words say for whom."""
    total, left = "EB*F*IND*AD^AE^AF***23***VS*40**Y", "EB*F*IND*AD^AE^AF***29***VS*31**Y"
    whole = answer(limit=f"{total}\n{COMBINED}\n{left}\n{COMBINED}")
    [limit] = whole.coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (40, 31, "calendar_year")
    assert (limit.shared, str(limit.source)) == (COMBINED[4:], whole.at(total, "EB10"))
    assert whole.changed == {"AD": ACTIVE, "AE": ACTIVE, "AF": ACTIVE}
    assert whole.reasons == {}


def test_near_miss_15_a_limit_of_chiropractic_is_not_therapys() -> None:
    """No visits are left at the chiropractor's: that is nobody's question."""
    whole = answer("EB*F*IND*33***29***VS*0**Y")
    assert [(one.allowed, one.remaining) for one in whole.coverage.visit_limits] == [(30, 22)]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_15_the_combined_limit_is_used_up_and_therapys_own_is_not() -> None:
    """22 visits by the one row, none by the other: both are shown, a person is asked."""
    total, left = "EB*F*IND*AD^AE^AF***23***VS*40**Y", "EB*F*IND*AD^AE^AF***29***VS*0**Y"
    whole = answer(f"{total}\n{COMBINED}\n{left}\n{COMBINED}")
    assert [(one.remaining, str(one.source)) for one in whole.coverage.visit_limits] == [
        (22, whole.at("EB*F*IND*PT***23", "EB10")),
        (0, whole.at(total, "EB10")),
    ]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {"visits_used_up": {whole.at(total, "EB10")}}


def test_trap_16_therapies_share_the_chiropractors_limit() -> None:
    """The row has service type 33; only its words name therapy."""
    row, said = "EB*F*IND*33***23***VS*60*N*Y", "MSG*COMBINED CHIROPRACTIC AND PHYSICAL THERAPY"
    whole = answer(limit=f"{row}\n{said}")
    [limit] = whole.coverage.visit_limits
    assert (limit.allowed, limit.service_types, limit.shared) == (60, ("33",), said[4:])
    assert str(limit.source) == whole.at(row, "EB10")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_16_a_limit_that_others_share_is_not_therapys() -> None:
    """Chiropractic and acupuncture, all of it used up."""
    said = "MSG*COMBINED CHIROPRACTIC AND ACUPUNCTURE"
    whole = answer(f"EB*F*IND*33***29***VS*0**Y\n{said}")
    assert [one.service_types for one in whole.coverage.visit_limits] == [("PT",)]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_16_the_shared_limit_is_said_twice_with_two_numbers() -> None:
    """60 and 40, of the same services, network, year and words."""
    said = "MSG*COMBINED CHIROPRACTIC AND PHYSICAL THERAPY"
    rows = ["EB*F*IND*33***23***VS*60**Y", "EB*F*IND*33***23***VS*40**Y"]
    whole = answer(limit="\n".join(f"{row}\n{said}" for row in rows))
    assert [one.allowed for one in whole.coverage.visit_limits] == [60, 40]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {"limit_disagrees": {whole.at(row, "EB10") for row in rows}}


def test_trap_17_a_limit_repeated_without_its_network_is_one_limit() -> None:
    """UnitedHealthcare says everything twice, under 33 and PT."""
    rows = [f"EB*F*IND*33^PT***{part}" for part in ("23***VS*60**Y", "29***VS*45**Y")]
    whole = answer(limit="\n".join([*rows, *(row.removesuffix("**Y") for row in rows)]))
    [limit] = whole.coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.network) == (60, 45, Network.IN)
    assert str(limit.source) == whole.at(rows[0], "EB10")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_17_limits_of_two_networks_are_two() -> None:
    """Repeated with another flag and another number, each holds where it says."""
    whole = answer("EB*F*IND*PT***23***VS*20**N\nEB*F*IND*PT***29***VS*0**N")
    assert [(one.allowed, one.remaining, one.network) for one in whole.limits("PT")] == [
        (30, 22, Network.IN),
        (20, 0, Network.OUT),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_17_repeated_without_its_network_and_with_another_number() -> None:
    """A row without a network may be for this one: 30 or 40 visits?"""
    row = "EB*F*IND*PT***23***VS*40"
    whole = answer(row)
    assert [(one.allowed, one.network) for one in whole.limits("PT")] == [
        (30, Network.IN),
        (40, Network.UNSTATED),
    ]
    assert whole.changed == {"PT": UNCLEAR}
    places = {whole.at("EB*F*IND*PT***23***VS*30**Y", "EB10"), whole.at(row, "EB10")}
    assert whole.reasons == {"limit_disagrees": places}


def test_trap_18_the_limit_stands_in_hsd() -> None:
    """Nothing in EB09 and EB10; the next segment has the number, and what is left of it."""
    total = "HSD*VS*30***23"
    whole = answer(limit=f"EB*F*IND*PT*********Y\n{total}\nHSD*VS*12***29")
    [limit] = whole.limits("PT")
    assert (limit.allowed, limit.remaining, limit.period) == (30, 12, "calendar_year")
    assert str(limit.source) == whole.at(total, "HSD")
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_18_how_often_a_week_is_not_how_many_a_year() -> None:
    """Three visits a week, and 30 a year: both hold."""
    whole = answer(limit="EB*F*IND*PT***23***VS*30**Y\nHSD*VS*3***35*1")
    assert [(one.allowed, one.period) for one in whole.limits("PT")] == [
        (30, "calendar_year"),
        (3, "week"),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


@pytest.mark.parametrize(
    ("row", "beside"),
    [
        ("EB*F*IND*PT***23***VS*30**Y", "HSD*VS*20***23"),
        ("EB*F*IND*PT***23***VS*30**Y", "MSG*20 VISITS PER CALENDAR YEAR"),
        ("EB*F*IND*PT***23***VS*30**Y", "MSG*20 VISITS PER YEAR, HARD MAXIMUM"),
    ],
)
def test_contradiction_18_the_row_says_30_and_what_hangs_on_it_says_20(
    row: str, beside: str
) -> None:
    """EB10 against HSD, and against the words: no number is chosen in silence."""
    whole = answer(limit=f"{row}\n{beside}")
    assert 30 in {one.allowed for one in whole.limits("PT")}
    assert whole.changed == {"PT": UNCLEAR}
    places = {whole.at(row, "EB10"), whole.at(beside, beside[:3])}
    assert whole.reasons == {"limit_disagrees": places}


@pytest.mark.parametrize(
    "row", ["EB*F*IND*PT*PO*23*20****VS", "EB*F*IND*PT***23*20**VS", "EB*F*IND*PT***23****20"]
)
def test_trap_19_a_quantity_in_the_wrong_field_is_not_read(row: str) -> None:
    """There is a limit, and nobody knows which: the reason points to the row."""
    whole = answer(limit=row)
    assert whole.coverage.visit_limits == ()
    assert whole.reasons == {"limit_unreadable": {whole.at(row, "EB10")}}
    assert whole.changed == {}


def test_near_miss_19_an_age_is_no_number_of_visits() -> None:
    """Up to the age of 21: read as it is meant, and no limit of visits."""
    whole = answer("EB*F*IND*PT******S7*21")
    assert [(one.allowed, one.remaining) for one in whole.limits("PT")] == [(30, 22)]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_19_a_limit_in_its_place_beside_one_that_is_not() -> None:
    """The one that can be read is shown, and the other one is told."""
    row = "EB*F*IND*PT*PO*23*20****VS"
    whole = answer(row)
    assert [(one.allowed, one.remaining) for one in whole.limits("PT")] == [(30, 22)]
    assert whole.reasons == {"limit_unreadable": {whole.at(row, "EB10")}}
