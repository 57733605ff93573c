"""Fifty megabytes of rubbish: read to its end, or refused, in bounded time and memory."""

from collections.abc import Callable, Iterator
from functools import partial

from cleargate.coverage.reading import read_parts
from tests.fuzz.invariants import ON, SERVICES
from tests.unit.coverage.answers import document, encoded

BYTES = 50_000_000
_CHUNK = 64 * 1024
_HEAD = encoded(document("EB*1**30", background=""))
_ISA, _OPEN = _HEAD[:107], _HEAD[: _HEAD.index(b"DTP*346")]


def _read(start: bytes, filling: bytes) -> None:
    """What begins so, and goes on with one thing for ever."""
    findings = 0
    for part in read_parts(_pieces(start, filling), SERVICES, ON):
        findings += len(part.diagnostics)
    assert findings, "rubbish, and nothing was said"


def _pieces(start: bytes, filling: bytes) -> Iterator[bytes]:
    yield start
    piece = (filling * (_CHUNK // len(filling) + 1))[:_CHUNK]
    for _ in range(BYTES // _CHUNK):
        yield piece


_KINDS: dict[str, tuple[bytes, bytes]] = {
    "zeros": (b"", b"\0"),
    "letters": (b"", b"A"),
    "bytes that are no text": (b"", bytes(range(256))),
    "headers cut short": (b"", b"ISA*00*"),
    "a segment without an end": (_ISA, b"EB*1**30*"),
    "terminators": (_ISA, b"~"),
    "separators": (_ISA, b"*"),
    "rows without an end": (_OPEN, b"EB*1**30~"),
    "refusals without an end": (_OPEN, b"AAA*N**72*C~"),
    "levels without an end": (_OPEN, b"HL*5*4*23*1~"),
    "headers without an end": (b"", _ISA),
    "JSON without an end": (b"{", b'"a":['),
    "XML without an end": (b"<a>", b"<a>"),
}
GIANTS: list[tuple[str, Callable[[], None]]] = [
    (name, partial(_read, *kind)) for name, kind in _KINDS.items()
]
