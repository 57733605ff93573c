"""Whether what a payer said holds on the day of the visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cleargate.coverage.rows import Span, SpanKind
from cleargate.nouns.coverage import Source


class When(StrEnum):
    """Where the day of the visit lies."""

    INSIDE = "inside"
    ENDED = "plan_ended"
    NOT_BEGUN = "plan_not_begun"
    ANOTHER_DAY = "for_another_day"


@dataclass(frozen=True, slots=True)
class Standing:
    """How spans lie to a day, with the bounds they set and the places that say so."""

    when: When
    begins: date | None
    ends: date | None
    sources: tuple[Source, ...]


ALWAYS = Standing(When.INSIDE, None, None, ())


def standing(spans: Sequence[Span], on: date) -> Standing:
    """Lay spans beside a day. Kinds must all hold; spans of one kind are alternatives."""
    if not spans:
        return ALWAYS
    begins: date | None = None
    ends: date | None = None
    sources: list[Source] = []
    for kind in dict.fromkeys(span.kind for span in spans):
        choices = _paired([span for span in spans if span.kind is kind])
        chosen = next((span for span in choices if _holds(span, on)), None)
        if chosen is None:
            nearest = max(choices, key=lambda span: span.begin or date.min)
            return Standing(
                _miss(choices, on), nearest.begin, nearest.end, tuple(one.source for one in choices)
            )
        if kind is SpanKind.SERVICE:
            continue
        sources.append(chosen.source)
        begins = max((day for day in (begins, chosen.begin) if day), default=None)
        ends = min((day for day in (ends, chosen.end) if day), default=None)
    return Standing(When.INSIDE, begins, ends, tuple(sources))


def _paired(spans: list[Span]) -> list[Span]:
    """Join one lone begin and one lone end, which payers send as two dates, into one span."""
    begins = [span for span in spans if span.begin and not span.end]
    ends = [span for span in spans if span.end and not span.begin]
    if len(begins) != 1 or len(ends) != 1:
        return spans
    begin, end = begins[0], ends[0]
    if begin.begin and end.end and begin.begin > end.end:
        return spans
    joined = Span(begin.kind, begin.begin, end.end, end.source)
    return [joined, *(span for span in spans if span is not begin and span is not end)]


def _holds(span: Span, on: date) -> bool:
    return (span.begin is None or span.begin <= on) and (span.end is None or on <= span.end)


def _miss(choices: list[Span], on: date) -> When:
    if choices[0].kind is SpanKind.SERVICE:
        return When.ANOTHER_DAY
    if all(span.begin is not None and on < span.begin for span in choices):
        return When.NOT_BEGUN
    return When.ENDED
