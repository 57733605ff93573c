"""What both JSON forms of an answer share: coded words, refusals, details, the whole answer."""

import re
from collections.abc import Iterable

from cleargate.coverage.origins.codes import FOLLOW_UP_WORDS, INFO, PLAIN, words
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.rows import (
    NO_DETAILS,
    BenefitRow,
    Details,
    Entity,
    Frequency,
    Message,
    Refusal,
    Span,
)
from cleargate.x12.diagnostics import error, warning

_AAA03 = re.compile(r"[0-9A-Z]{2}")
"""X12 code list 901. Whatever else stands in `errors` is the clearinghouse's own."""
FAILURES = ("message", "error", "errors", "fault", "detail", "title")
"""Members of a body that says why there is no answer."""


def coded(entry: Members, code: str, name: str, table: dict[str, str]) -> str:
    """The X12 code of a member, or that of the words beside it where it is absent."""
    return entry.text(code) or table.get(words(entry.text(name)), "")


def refusals(holder: Members, name: str) -> list[Refusal]:
    """The AAA segments in a list of errors; an error that is none is a finding."""
    found: list[Refusal] = []
    for entry in holder.members(name):
        code = entry.text("code")
        follow_up = entry.text("followupAction")
        aaa = entry.text("field") == "AAA" and not code
        if aaa:
            where = f"{entry.at('code')} is absent"
            holder.report(warning("aaa_without_reason", holder.segment, f"The member {where}."))
        if aaa or _AAA03.fullmatch(code):
            follow_up = FOLLOW_UP_WORDS.get(words(follow_up), follow_up)
            found.append(Refusal(code, follow_up, holder.segment, entry.at("code")))
        else:
            what = f"The member {entry.path} is an error and no payer's refusal."
            holder.report(error("not_aaa", holder.segment, what))
    return found


def without_repeats(stated: Iterable[Refusal], collected: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """The refusals of the levels, and of those collected at the top whatever is not among them."""
    found = list(stated)
    known = {(one.reason, one.follow_up) for one in found}
    found.extend(one for one in collected if (one.reason, one.follow_up) not in known)
    return tuple(found)


def details(
    messages: Iterable[tuple[str, str]],
    segment: int,
    *,
    spans: tuple[Span, ...],
    frequencies: tuple[Frequency, ...],
    refused: tuple[Refusal, ...],
    places: tuple[str, ...],
    entities: tuple[Entity, ...],
) -> Details:
    """What hangs on an entry. `messages` are texts with their paths."""
    said = tuple([Message(text, segment, at) for text, at in messages])
    if not (said or spans or frequencies or refused or places or entities):
        return NO_DETAILS
    text = " / ".join([message.text for message in said]).upper()
    return Details(said, spans, frequencies, refused, places, entities, text)


def may_matter(row: BenefitRow, wanted: frozenset[str]) -> bool:
    """Plain amounts and limits of services that are not wanted are left out, as in x271.py."""
    return (
        row.info not in _PLAIN_INFO
        or not row.services
        or row.details is not NO_DETAILS
        or not wanted.isdisjoint(row.services)
    )


_PLAIN_INFO = frozenset(INFO[code] for code in PLAIN)


def is_failure(document: Members) -> bool:
    """Whether a document without benefits says why there are none."""
    return any(document.values.get(name) for name in FAILURES)
