"""Bytes to segments, whatever the delimiters, in constant memory.

Every interchange declares its own delimiters in its ISA header, so a file is first cut at the
headers and then split. A header is recognised by the shape of its sixteen elements, not by the
three letters: a patient may be called Isa.
Source: X12.5 "Interchange Control Structures"; X12.6 for the terminator.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cleargate.x12.diagnostics import Report, error, warning

Elements = list[str]
"""One segment: its tag, then its elements, without outer blanks."""

CHUNK_BYTES = 64 * 1024
SEGMENT_CHARS_MAX = 1024 * 1024
"""No segment is a thousandth of this; more means that the terminator never comes."""

_BLANKS = " \t\r\n\0\x1a\ufeff"


def _upto(chars_max: int) -> str:
    """An element of at most so many characters, and the separator after it."""
    return rf"(?:(?!\1).){{0,{chars_max}}}\1"


_HEADER = re.compile(
    r"ISA([^A-Za-z0-9 \t\r\n])"
    + (rf"\w\w\1{_upto(12)}" * 2)  # ISA01-04 authorisation and security
    + (rf"\w\w\1{_upto(40)}" * 2)  # ISA05-08 sender and receiver
    + _upto(8)  # ISA09 date
    + _upto(6)  # ISA10 time
    + rf"(?P<repetition>.?)\1\d{{5}}\1{_upto(12)}"  # ISA11-13 repetition, version, number
    + _upto(1) * 2,  # ISA14-15 acknowledgement and usage
    re.DOTALL,
)
_HEADER_CHARS_MAX = 240


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The four characters in force. `repetition` is empty where ISA11 is none, as in 4010."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    terminator: str = "~"


def chunked(content: bytes) -> Iterator[bytes]:
    """Cut bytes that are in memory anyway into the pieces that the tokenizer works on."""
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


class Tokenizer:
    """Iterates over the segments of a file, in file order.

    `delimiters` are those in force for the segment that was handed out last. Nothing raises:
    bytes that are no UTF-8 are read as Latin-1, text that is no X12 is reported and skipped.
    """

    def __init__(self, chunks: Iterable[bytes], report: Report) -> None:
        self.delimiters = Delimiters()
        self._chunks = chunks
        self._report = report
        self._number = 0
        self._foreign = False

    def __iter__(self) -> Iterator[Elements]:
        rest = ""
        started = False
        for header, piece in _cut_at_headers(_decoded(self._chunks, self._report)):
            text = piece
            if header is not None:
                yield from self._last(rest)
                yield self._open(header)
                text = _body(header, text)
                rest, started = "", True
            if not started:
                self._report_foreign(text)
                continue
            parts = (rest + text).split(self.delimiters.terminator)
            rest = parts.pop()
            if len(rest) > SEGMENT_CHARS_MAX:
                self._report(
                    error("segment_too_long", self._number + 1, "No segment terminator found.")
                )
                rest = ""
            yield from self._segments(parts)
        yield from self._last(rest)
        if not started:
            self._report(
                error("not_x12", 0, "No X12 interchange header (ISA) found: not an X12 file.")
            )

    def _segments(self, parts: list[str]) -> list[Elements]:
        """Split segments into elements; those of a padded kind lose the blanks around them."""
        separator = self.delimiters.element
        segments = [segment.split(separator) for part in parts if (segment := part.strip(_BLANKS))]
        self._number += len(segments)
        if self._is_padded(parts):
            # Blanks alone: what else stands at an edge must not hang on how the file was cut.
            return [[element.strip(" ") for element in segment] for segment in segments]
        return segments

    def _is_padded(self, parts: list[str]) -> bool:
        separator = self.delimiters.element
        text = "".join(parts)
        return f" {separator}" in text or f"{separator} " in text

    def _last(self, rest: str) -> list[Elements]:
        """What stands behind the last terminator of an interchange, where only blanks belong."""
        segments = self._segments([rest])
        if segments:
            self._report(
                warning("segment_unterminated", self._number, "The last segment has no end.")
            )
        return segments

    def _open(self, header: re.Match[str]) -> Elements:
        """Take over the delimiters of a new interchange and hand out its ISA segment."""
        self._number += 1
        component, terminator, _ = _ends(header)
        if not terminator:
            self._report(error("no_terminator", self._number, "The file ends in its ISA header."))
        mark = header["repetition"]
        # In 4010 ISA11 is the standards id, mostly 'U', and no mark (UHIN issue 12).
        repetition = "" if mark.isalnum() or mark in _BLANKS else mark
        self.delimiters = Delimiters(header[1], component or ":", repetition, terminator or "~")
        return [*header[0].split(header[1])[:-1], component]

    def _report_foreign(self, text: str) -> None:
        start = text.strip(_BLANKS)[:1]
        if not start or self._foreign:
            return
        self._foreign = True
        if start == "<":
            self._report(error("markup", 0, "HTML or XML stands where X12 should be."))
        else:
            self._report(warning("preamble", 0, "Text before the interchange header; skipped."))


def _decoded(chunks: Iterable[bytes], report: Report) -> Iterator[str]:
    """Decode as UTF-8, and as Latin-1 from the first byte that is none; that never fails."""
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as failure:
            report(warning("charset", 0, "Not UTF-8: read as Latin-1; accents may be wrong."))
            known, rest = failure.object[: failure.start], failure.object[failure.start :]
            text = known.decode() + rest.decode("latin-1")
            decoder = codecs.getincrementaldecoder("latin-1")()
        yield text
    yield decoder.getstate()[0].decode("latin-1")


def _cut_at_headers(texts: Iterable[str]) -> Iterator[tuple[re.Match[str] | None, str]]:
    """Yield pieces of text; one that starts an interchange comes with its header.

    A piece is held back from the first possible header at its end, so that none is cut in two:
    the last one may be a name inside of the header, such as `ISALAB`.
    """
    held = ""
    for text in texts:
        held += text
        cut = held.find("ISA", max(0, len(held) - _HEADER_CHARS_MAX))
        if cut < 0:
            cut = len(held) - 2 if held.endswith(("I", "IS")) else len(held)
        yield from _pieces(held[: max(0, cut)])
        held = held[max(0, cut) :]
    yield from _pieces(held)


def _pieces(text: str) -> Iterator[tuple[re.Match[str] | None, str]]:
    header: re.Match[str] | None = None
    start = 0
    for match in _HEADER.finditer(text):
        if match.start() > start:
            yield header, text[start : match.start()]
        header, start = match, match.start()
    if start < len(text):
        yield header, text[start:]


def _ends(header: re.Match[str]) -> tuple[str, str, int]:
    """ISA16, the segment terminator, and where the text after it starts.

    The terminator is the first character after ISA16 that is no blank, or the line's end. An
    interchange whose ISA16 was left out ends right there: `*P*~GS*`.
    """
    text, at = header.string, header.end()
    component = text[at : at + 1]
    if text[at + 1 : at + 3] in {"GS", "TA"}:
        return "", component, at + 1
    after = at + 1
    while text[after : after + 1] in {" ", "\t"}:
        after += 1
    terminator = text[after : after + 1]
    if terminator == "\r" and text[after + 1 : after + 2] == "\n":
        terminator, after = "\n", after + 1
    return component, terminator, after + 1


def _body(header: re.Match[str], text: str) -> str:
    """What follows the ISA segment in its piece of text."""
    return text[_ends(header)[2] - header.start() :]
