"""Whatever is sealed in a column comes back as it was, and never shows in an error."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleargate.nouns.case import Memo, Receipt
from cleargate.nouns.coverage import Coverage
from cleargate.nouns.gate import Decision, Gate
from cleargate.nouns.request import VisitRequest
from cleargate.ports import Token
from cleargate.store.codec import Unreadable, dump, load

_ZONES = [UTC, timezone(timedelta(hours=-6)), ZoneInfo("America/Chicago")]


def _moments() -> st.SearchStrategy[datetime]:
    """Moments that exist, and exist once: clocks that are turned back are a zone's own affair."""
    moments = st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone.
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from(_ZONES),
        allow_imaginary=False,
    )
    return moments.filter(lambda moment: moment == moment.astimezone(UTC))


# Unlike a form's, a vendor's texts may hold anything but half a character.
st.register_type_strategy(str, st.text(max_size=20))
st.register_type_strategy(Decimal, st.decimals(0, 100, allow_nan=False, places=3))
st.register_type_strategy(timedelta, st.timedeltas(timedelta(0), timedelta(days=1)).map(abs))

st.register_type_strategy(datetime, _moments())

_KINDS = (VisitRequest, Memo, Gate, Decision, Coverage, Receipt, Token)


@pytest.mark.parametrize("kind", _KINDS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_every_noun_that_is_stored_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    assert load(kind, dump(value)) == value


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"patient": "Toni Testperson"}'])
def test_content_that_does_not_fit_is_refused_without_quoting_it(content: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        load(VisitRequest, content)
    assert str(caught.value) == "VisitRequest"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_coverage_stored_before_rules_and_parts_were_kept_still_loads() -> None:
    stored = (
        b'{"payer":"EXAMPLE HEALTH PLAN","verdict":"active","services":[{"code":"PT",'
        b'"verdict":"active","sources":[{"segment":7,"element":"EB01"}],"reasons":[]}],'
        b'"amounts":[{"kind":"copay","cents":2000,"percent":null,"person":"individual",'
        b'"network":"in","period":"visit","remaining":null,"service_types":["PT"],'
        b'"source":{"segment":9,"element":"EB07"},"note":"","used":null}],'
        b'"visit_limits":[{"allowed":30,"remaining":12,"period":"calendar_year",'
        b'"network":"in","service_types":["PT"],"shared":"",'
        b'"source":{"segment":11,"element":"EB10"},"unit":"visits"}]}'
    )
    coverage = load(Coverage, stored)
    assert (coverage.payer_rules, coverage.settled) == ("", ())
    assert coverage.services[0].rule == ""
    assert coverage.amounts[0].parts == coverage.visit_limits[0].parts == ()
