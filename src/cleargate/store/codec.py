"""Frozen nouns to JSON bytes and back, for sealed columns."""

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from cleargate.nouns.errors import CleargateError

T = TypeVar("T")


class Unreadable(CleargateError):
    """Stored content is not a value of the type; the message names the type and nothing of it."""


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def dump(value: object) -> bytes:
    """The value as JSON."""
    return _adapter(cast(Hashable, type(value))).dump_json(value)


def load(kind: type[T], content: bytes) -> T:
    """The value again. Raises Unreadable, where pydantic's own error would quote the content."""
    try:
        value: T = _adapter(cast(Hashable, kind)).validate_json(content)
    except ValidationError:
        raise Unreadable(kind.__name__) from None
    return value
