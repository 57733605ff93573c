"""Frozen nouns to JSON bytes and back, for sealed columns."""

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def dump(value: object) -> bytes:
    """The value as JSON."""
    return _adapter(cast(Hashable, type(value))).dump_json(value)


def load(kind: type[T], content: bytes) -> T:
    """The value again."""
    value: T = _adapter(cast(Hashable, kind)).validate_json(content)
    return value
