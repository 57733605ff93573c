"""Planted identifiers, and the search for them in whatever encoding they might have leaked."""

import base64
import binascii
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from urllib.parse import quote

SHORTEST = 6
"""A needle of fewer characters would be found by chance."""


def needles(texts: Iterable[str]) -> dict[bytes, str]:
    """Every spelling of every text, as bytes, with the text that it betrays."""
    found: dict[bytes, str] = {}
    for text in texts:
        if len(text) < SHORTEST:
            raise ValueError(f"too short to search for: {len(text)} characters")
        for spelling in {text, text.upper(), text.casefold(), unicodedata.normalize("NFD", text)}:
            found |= dict.fromkeys(_encodings(spelling), text)
    return found


def _encodings(text: str) -> Iterator[bytes]:
    plain = text.encode()
    yield plain
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    yield quote(text).encode()
    yield plain.hex().encode()
    for shift in range(3):  # Wherever the text begins within a longer one.
        yield base64.b64encode(bytes(shift) + plain)[4:-4]


def texts_of(value: object) -> Iterator[str]:
    """Every text in a noun, however deep, that is long enough to search for."""
    if isinstance(value, str) and type(value) is str:
        if len(value) >= SHORTEST:
            yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from texts_of(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts_of(getattr(value, each.name))


def hits(wanted: dict[bytes, str], haystack: bytes) -> set[str]:
    """The texts that a haystack betrays, as it is or under base64 or hexadecimal."""
    found = set()
    for view in _views(haystack):
        found |= {text for needle, text in wanted.items() if needle in view}
    return found


def _views(haystack: bytes) -> Iterator[bytes]:
    yield haystack
    for decode in (base64.b64decode, binascii.unhexlify):
        try:
            yield decode(haystack)
        except ValueError:
            continue
