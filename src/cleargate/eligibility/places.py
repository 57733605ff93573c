"""The segments behind the numbers of an X12 answer, as far as a person may read them on a screen.

Only segments about benefits are shown; of those that name people or hold their ids, the tag alone.
"""

from collections.abc import Iterable

from cleargate.coverage.reading import HEAD_BYTES, ORIGINS
from cleargate.nouns.coverage import Source
from cleargate.x12.diagnostics import Diagnostic
from cleargate.x12.tokenizer import Elements, Tokenizer, chunked

SHOWN = frozenset({"AAA", "DTP", "EB", "HSD", "III", "MSG"})
"""REF is none of them: its number is a person's often enough (SY, 18 of another payer)."""
TEXT_MAX = 60


def segment_texts(content: bytes, wanted: Iterable[Source]) -> dict[int, str]:
    """The text of each segment wanted, by its number; none for a document that is no X12."""
    if any(origin.recognises(content[:HEAD_BYTES]) for origin in ORIGINS):
        return {}
    numbers = {source.segment for source in wanted}
    last = max(numbers, default=0)
    texts: dict[int, str] = {}
    segments = Tokenizer(chunked(content), _unheard)
    for number, segment in enumerate(segments, 1):
        if number > last:
            break
        if number in numbers:
            texts[number] = _text(segment, segments.delimiters.element)
    return texts


def _text(segment: Elements, separator: str) -> str:
    if segment[0] not in SHOWN:
        return f"{segment[0][:3]} (not shown)"
    return shortened(separator.join(segment))


def shortened(text: str) -> str:
    """A payer's text on one line: cut, and without what a terminal would obey."""
    line = printable(text)
    return line if len(line) <= TEXT_MAX else f"{line[: TEXT_MAX - 3]}..."


def printable(text: str) -> str:
    """A text without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


def _unheard(_finding: Diagnostic) -> None:
    """What is wrong with the file was reported when it was read."""
