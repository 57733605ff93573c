"""No JSON raises: any value in any place of all forms, any edit of their text, any size."""

import json
from datetime import date
from io import StringIO

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from cleargate.coverage.reading import Reading, read_answers
from cleargate.eligibility.card import card
from tests.unit.coverage.answers import ACTIVE_PLAN, document
from tests.unit.coverage.as_json import benefits_document, plans_document
from tests.unit.coverage.test_availity_json import RICH as AVAILITY

ON = date(2026, 5, 4)
RICH = document(
    f"{ACTIVE_PLAN}\nEB*1**PT\nEB*C*IND*30***23*2000*****Y\nEB*C*IND*30***29*800*****Y\n"
    "EB*B*IND*PT***27*20****Y*Y\nMSG*IN NETWORK\nDTP*292*RD8*20260101-20261231\nIII*ZZ*11\n"
    "EB*F*IND*PT*********Y\nHSD*VS*30***23\nEB*R*IND*30\nNM1*PR*2*SECOND HEALTH PLAN\n"
    "EB*D*IND******1****Y*AD:D0120",
    patient="DTP*346*D8*20260101\nAAA*N**72*C",
)
FORMS = [benefits_document(RICH), plans_document(RICH), AVAILITY]


def _paths(value: object, path: tuple = ()) -> list[tuple]:
    """Every place of a document, the whole of it first."""
    found = [path]
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        found.extend(_paths(item, (*path, key)))
    return found


PLACES = [(form, path) for form in FORMS for path in _paths(form)]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "1", "30", "72", "AAA", "\ud800", "20260101", "9" * 400, "INACTIVE"])
)
NAMES = st.text(max_size=4) | st.sampled_from(
    sorted({str(key) for _, path in PLACES for key in path})
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def _with(value: object, path: tuple, replacement: object) -> object:
    if not path:
        return replacement
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _with(copy[key], tuple(rest), replacement)
    return copy


def read(content: bytes) -> Reading:
    reading = read_answers(content, ("PT", "30"), ON)
    console = Console(file=StringIO(), width=100)
    for coverage in reading.coverages:
        console.print(card(coverage, "a file"))
    repr(reading).encode()
    return reading


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), VALUES)
def test_no_value_in_any_place_raises(place: tuple, value: object) -> None:
    form, path = place
    reading = read(json.dumps(_with(form, path, value)).encode())
    assert reading.coverages or reading.diagnostics


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_object_raises(value: dict) -> None:
    reading = read(json.dumps(value).encode())
    assert reading.coverages or reading.diagnostics


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.lists(
        st.tuples(
            st.integers(0, 12_000),
            st.integers(0, 30),
            st.sampled_from(
                [b"", b'"', b"{", b"]", b"\\", b"\xff", b"1e9", b",", b"null", b"\\ud8"]
            ),
        ),
        max_size=4,
    ),
)
def test_no_edit_of_the_text_raises(form: dict, edits: list) -> None:
    content = json.dumps(form).encode()
    for at, cut, fragment in edits:
        content = content[:at] + fragment + content[at + cut :]
    reading = read(content)
    assert reading.coverages or reading.diagnostics


def test_more_entries_and_dependents_than_anybody_has_are_read_in_bounds() -> None:
    row = {"code": "B", "serviceTypeCodes": ["48"], "benefitAmount": "20"}
    crowd = {"benefitsInformation": [row] * 12_000, "dependents": [{"firstName": "X"}] * 99}
    reading = read_answers(json.dumps(crowd).encode(), ("PT",), ON)
    assert 0 < len(reading.coverages) < 99
    assert {one.code for one in reading.diagnostics} == {"json_shape"}
