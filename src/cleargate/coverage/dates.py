"""Whether what a payer said holds on the day of the visit."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from cleargate.coverage.rows import Span, SpanKind
from cleargate.nouns.coverage import Source


class Miss(StrEnum):
    """How dates miss the day of the visit; the values are codes of reasons."""

    ENDED = "plan_ended"
    NOT_BEGUN = "plan_not_begun"
    ANOTHER_DAY = "for_another_day"


_BOUNDING = frozenset(SpanKind) - {SpanKind.SERVICE}
"""Kinds that bound the coverage itself and not only the answer."""


class Standing(NamedTuple):
    """How spans lie to a day: `missed` is None where they hold. `sources` are those that miss."""

    missed: Miss | None
    begins: date | None
    ends: date | None
    sources: tuple[Source, ...]


ALWAYS = Standing(None, None, None, ())


def standing(spans: Sequence[Span], on: date) -> Standing:
    """Lay spans beside a day. Kinds must all hold; spans of one kind are alternatives."""
    if not spans:
        return ALWAYS
    if len(spans) == 1 and spans[0].kind in _BOUNDING and _holds(spans[0], on):
        [only] = spans
        return Standing(None, only.begin, only.end, ())
    bounds: list[Span] = []
    for kind in dict.fromkeys(span.kind for span in spans):
        choices = _paired([span for span in spans if span.kind is kind])
        cut = _last_lone_end(choices, on)
        holding = [
            span
            for span in choices
            if _holds(span, on) and (cut is None or (span.begin or date.min) > cut)
        ]
        if not holding:
            nearest = max(choices, key=lambda span: span.begin or date.min)
            sources = tuple(span.source for span in choices)
            return Standing(_miss(choices, on), nearest.begin, nearest.end, sources)
        if kind in _BOUNDING:
            bounds.append(holding[0])
    return Standing(
        None,
        max((span.begin for span in bounds if span.begin), default=None),
        min((span.end for span in bounds if span.end), default=None),
        (),
    )


def _paired(spans: list[Span]) -> list[Span]:
    """Join one lone begin and one lone end, which payers send as two dates, into one span."""
    begins = [span for span in spans if span.begin and not span.end]
    ends = [span for span in spans if span.end and not span.begin]
    if len(begins) != 1 or len(ends) != 1:
        return spans
    begin, end = begins[0], ends[0]
    if begin.begin and end.end and begin.begin > end.end:
        return spans
    joined = Span(begin.kind, begin.begin, end.end, end.segment, end.element)
    return [joined, *(span for span in spans if span is not begin and span is not end)]


def _holds(span: Span, on: date) -> bool:
    return (span.begin is None or span.begin <= on) and (span.end is None or on <= span.end)


def _last_lone_end(choices: list[Span], on: date) -> date | None:
    """The last end without a beginning before the day: what began sooner does not outlive it."""
    ends = [span.end for span in choices if span.begin is None and span.end is not None]
    return max((end for end in ends if end < on), default=None)


def _miss(choices: list[Span], on: date) -> Miss:
    if choices[0].kind is SpanKind.SERVICE:
        return Miss.ANOTHER_DAY
    if all(span.begin is not None and on < span.begin for span in choices):
        return Miss.NOT_BEGUN
    return Miss.ENDED
