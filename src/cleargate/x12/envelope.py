"""Interchanges, groups and transaction sets: one set at a time, so that memory stays flat.

Wrong counts and control numbers are warnings, for payers get them wrong every day; a set without
its SE trailer may have lost its end and is marked as incomplete.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cleargate.x12.diagnostics import Report, error, warning
from cleargate.x12.tokenizer import Delimiters, Elements, Tokenizer

SET_SEGMENTS_MAX = 200_000
"""A set beyond this is cut: a real-time 271 has hundreds of segments."""

_ENVELOPE = frozenset({"ISA", "TA1", "GS", "ST", "SE", "GE", "IEA"})


class TransactionSet(NamedTuple):
    """One ST to SE, or one TA1 that stands between interchange header and group (code `TA1`).

    `first` is the number of its first segment in the file, from 1; `version` is ST03, or GS08
    where ST03 is absent as in 4010. `complete` is false when the SE trailer is missing.
    """

    code: str
    control: str
    version: str
    first: int
    segments: list[Elements]
    delimiters: Delimiters
    complete: bool = True


def element(segment: Elements, position: int) -> str:
    """An element by its X12 position, from 1; empty when it is absent."""
    return segment[position] if position < len(segment) else ""


def transaction_sets(chunks: Iterable[bytes], report: Report) -> Iterator[TransactionSet]:
    """Yield the transaction sets of a file in file order, each once it is whole.

    Never raises for what the file holds. Findings go to `report` before the set they are about.
    """
    envelope = _Envelope(Tokenizer(chunks, report), report)
    yield from envelope.sets()


class _Envelope:
    """The open interchange, group and set, and the counts that their trailers must state."""

    def __init__(self, tokenizer: Tokenizer, report: Report) -> None:
        self._tokenizer = tokenizer
        self._report = report
        self._interchange: Elements | None = None
        self._group: Elements | None = None
        self._groups = 0
        self._sets = 0
        self._set: list[Elements] | None = None
        self._first = 0

    def sets(self) -> Iterator[TransactionSet]:
        number = 0
        current = self._set
        for number, segment in enumerate(self._tokenizer, 1):
            if segment[0] in _ENVELOPE:
                done = self._step(segment, number)
                current = self._set
                if done is not None:
                    yield done
            elif current is None:
                self._stray(number)
            elif number - self._first < SET_SEGMENTS_MAX:
                current.append(segment)
        unfinished = self._cut_off(number)
        if unfinished is not None:
            yield unfinished
        self._end_group(None, number)
        self._end_interchange(None, number)

    def _step(self, segment: Elements, number: int) -> TransactionSet | None:
        """Take one envelope segment; the set that it closes, if any."""
        match segment[0]:
            case "SE":
                return self._end_set(segment, number)
            case "TA1":
                return TransactionSet("TA1", "", "", number, [segment], self._tokenizer.delimiters)
        unfinished = self._cut_off(number)
        match segment[0]:
            case "ST":
                self._set, self._first = [segment], number
                self._sets += 1
                if self._group is None:
                    self._report(warning("set_outside_group", number, "ST without a GS before it."))
            case "GS":
                self._end_group(None, number)
                self._group, self._sets = segment, 0
                self._groups += 1
            case "GE":
                self._end_group(segment, number)
            case "ISA":
                self._end_group(None, number)
                self._end_interchange(None, number)
                self._interchange, self._groups = segment, 0
            case "IEA":
                self._end_group(None, number)
                self._end_interchange(segment, number)
        return unfinished

    def _end_set(self, trailer: Elements, number: int) -> TransactionSet | None:
        if self._set is None:
            self._stray(number)
            return None
        self._set.append(trailer)
        count = number - self._first + 1
        if element(trailer, 1) != str(count) and _integer(element(trailer, 1)) != count:
            self._report(
                warning("set_count", number, f"SE01 does not state the {count} segments present.")
            )
        if element(trailer, 2) != element(self._set[0], 2):
            self._report(warning("set_control", number, "SE02 differs from ST02."))
        return self._take(complete=True)

    def _cut_off(self, number: int) -> TransactionSet | None:
        """Close a set that has no trailer."""
        if self._set is None:
            return None
        self._report(
            error("set_cut_off", number, "The transaction set has no SE trailer; its end is lost.")
        )
        return self._take(complete=False)

    def _take(self, *, complete: bool) -> TransactionSet:
        segments, self._set = self._set or [], None
        header = segments[0]
        version = element(header, 3) or element(self._group or [], 8)
        return TransactionSet(
            element(header, 1),
            element(header, 2),
            version,
            self._first,
            segments,
            self._tokenizer.delimiters,
            complete,
        )

    def _end_group(self, trailer: Elements | None, number: int) -> None:
        if self._group is None:
            if trailer is not None:
                self._stray(number)
            return
        if trailer is None:
            self._report(warning("group_cut_off", number, "The functional group has no GE."))
        else:
            self._compare("GE", trailer, self._sets, element(self._group, 6), number)
        self._group = None

    def _end_interchange(self, trailer: Elements | None, number: int) -> None:
        if self._interchange is None:
            if trailer is not None:
                self._stray(number)
            return
        if trailer is None:
            self._report(warning("interchange_cut_off", number, "The interchange has no IEA."))
        else:
            self._compare("IEA", trailer, self._groups, element(self._interchange, 13), number)
        self._interchange = None

    def _compare(self, tag: str, trailer: Elements, count: int, control: str, number: int) -> None:
        if _integer(element(trailer, 1)) != count:
            self._report(warning("count", number, f"{tag}01 does not state the {count} present."))
        if element(trailer, 2) != control:
            self._report(
                warning("control", number, f"{tag}02 differs from its header's control number.")
            )

    def _stray(self, number: int) -> None:
        self._report(warning("stray_segment", number, "A segment stands outside of its envelope."))


def _integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
