from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from cleargate.directory.offices import OfferedVisit, Office, PracticeDirectory, Provider
from cleargate.nouns.appointment import VisitType
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.patient import Address

OFFICE = Office(
    "main",
    "Sample Clinic",
    ZoneInfo("America/Chicago"),
    Address("1 Sample St", "Sampletown", "TX", "75001"),
    "+12145550100",
)
NORTH = replace(OFFICE, code="north")
DOE = Provider("doe", "Dana Sample, PT", "1234567893", ("main", "north"))
ROE = Provider("roe", "Robin Sample, PT", "1245319599", ("north",))
EVALUATION = OfferedVisit(VisitType("eval", "Evaluation", timedelta(minutes=60)), ("doe",), ("PT",))
FOLLOW_UP = OfferedVisit(
    VisitType("follow", "Follow-up", timedelta(minutes=30)), ("doe", "roe"), ("PT",)
)
PRACTICE = PracticeDirectory((OFFICE, NORTH), (DOE, ROE), (EVALUATION, FOLLOW_UP))


def test_a_visit_knows_who_may_take_it_and_where() -> None:
    assert PRACTICE.who("follow") == (DOE, ROE)
    assert PRACTICE.who("follow", "main") == (DOE,)
    assert PRACTICE.who("eval", "north") == (DOE,)
    assert PRACTICE.who("nothing") == ()


def test_codes_lead_to_their_values_or_to_none() -> None:
    assert PRACTICE.office("north") is NORTH
    assert PRACTICE.visit("eval") is EVALUATION
    assert (PRACTICE.office("south"), PRACTICE.visit("x")) == (None, None)
    assert [kind.code for kind in PRACTICE.visit_types] == ["eval", "follow"]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"offices": (OFFICE, OFFICE)}, "offices"),
        ({"offices": ()}, "offices"),
        ({"providers": (DOE, replace(ROE, offices=("south",)))}, "providers.roe.offices"),
        ({"providers": (DOE, replace(ROE, offices=()))}, "providers.roe.offices"),
        ({"providers": (DOE, replace(ROE, npi="1234567890"))}, "providers.roe.npi"),
        ({"visits": (replace(EVALUATION, providers=("nobody",)),)}, "visit_types.eval.providers"),
        ({"visits": ()}, "visit_types"),
    ],
)
def test_a_code_that_leads_nowhere_is_a_bad_setting_named_by_its_key(
    change: dict[str, object], key: str
) -> None:
    with pytest.raises(BadSettings, match=key):
        replace(PRACTICE, **change)  # type: ignore[arg-type]
