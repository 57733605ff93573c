"""What the engine stores of ours is sealed, and is nothing but ids and times."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from cleargate.engine.durable import SealedSerializer
from tests.house import visit_request

SERIALIZER = SealedSerializer(bytes(32))

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-6))]))
)
_KEYS = st.text().filter(lambda key: not key.startswith("$"))
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner))


@given(_VALUES)
def test_ids_and_times_come_back_as_they_were(value: object) -> None:
    assert SERIALIZER.deserialize(SERIALIZER.serialize(value)) == value


def test_a_time_keeps_its_zone() -> None:
    """Schedules silently never fire where it does not."""
    moment = datetime(2030, 1, 7, 9, 30, tzinfo=UTC)
    revived = SERIALIZER.deserialize(SERIALIZER.serialize({"at": moment}))
    assert isinstance(revived, dict)
    assert revived["at"] == moment
    assert revived["at"].tzinfo is not None


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, Decimal("1.5"), UUID(int=1), visit_request()], ids=type
)
def test_anything_else_is_refused_without_quoting_it(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        SERIALIZER.serialize({"args": [value]})
    assert type(value).__name__ in str(caught.value)
    assert "Testperson" not in str(caught.value)


def test_of_an_error_only_its_type_is_kept() -> None:
    revived = SERIALIZER.deserialize(SERIALIZER.serialize(ValueError("Toni Testperson")))
    assert isinstance(revived, RuntimeError)
    assert str(revived) == "ValueError"


def test_nothing_can_be_read_without_the_key() -> None:
    stored = SERIALIZER.serialize(["plain-words"])
    assert b"plain-words" not in base64.b64decode(stored)
    with pytest.raises(InvalidTag):
        SealedSerializer(bytes([1]) * 32).deserialize(stored)


def test_a_changed_value_is_refused() -> None:
    sealed = bytearray(base64.b64decode(SERIALIZER.serialize(str(uuid4()))))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        SERIALIZER.deserialize(base64.b64encode(sealed).decode())
