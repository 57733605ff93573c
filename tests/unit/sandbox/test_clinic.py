"""The seeded clinic is the same for a seed and has room for 400 visits, with some days full."""

from collections import Counter
from datetime import date, timedelta

import pytest

from cleargate.nouns.ids import npi_is_valid
from cleargate.sandbox.clinic import resources, zone_of
from cleargate.sandbox.trees import Tree, text

FIRST = date(2026, 11, 22)
LAST = FIRST + timedelta(days=20)


def of_kind(kind: str, tenant: str = "riverside", seed: int = 7) -> list[Tree]:
    found = resources(tenant, seed, FIRST, LAST)
    return [resource for resource in found if resource["resourceType"] == kind]


@pytest.mark.parametrize("seed", range(10))
def test_there_is_room_for_400_and_some_days_are_full(seed: int) -> None:
    slots = of_kind("Slot", seed=seed)
    assert sum(slot["status"] == "free" for slot in slots) >= 400
    by_day = Counter((slot["id"].split("-")[1], str(slot["start"])[:10]) for slot in slots)
    free = Counter(
        (slot["id"].split("-")[1], str(slot["start"])[:10])
        for slot in slots
        if slot["status"] == "free"
    )
    assert any(free[day] == 0 for day in by_day)


def test_the_same_seed_gives_the_same_clinic_and_later_days_change_nothing() -> None:
    assert of_kind("Slot") == of_kind("Slot")
    longer = list(resources("riverside", 7, FIRST, LAST + timedelta(days=7)))
    assert all(slot in longer for slot in of_kind("Slot"))
    assert of_kind("Slot") != of_kind("Slot", seed=8)


def test_slots_keep_office_hours_in_the_office_zone() -> None:
    for tenant, offset in (("riverside", "-06:00"), ("lakeside", "-05:00")):
        for slot in of_kind("Slot", tenant):
            assert text(slot, "start").endswith(offset)
            assert "07:00" <= text(slot, "start")[11:16] < text(slot, "end")[11:16] <= "18:00"
    assert str(zone_of("lakeside")) == "America/New_York"


def test_four_providers_in_two_places_have_valid_npis() -> None:
    npis = [text(p, "identifier", 0, "value") for p in of_kind("Practitioner")]
    assert len(npis) == 4
    assert all(npi_is_valid(npi) for npi in npis)
    assert len(of_kind("Location")) == 2
    assert len(of_kind("Patient")) == 31
