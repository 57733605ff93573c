"""An explained answer as lines for a screen of eighty columns."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from cleargate.coverage.reasons import RULES
from cleargate.coverage.services import NAMES
from cleargate.eligibility.card import VERDICTS, amount_words, limit_words
from cleargate.eligibility.explained import Explained
from cleargate.eligibility.places import printable, shortened
from cleargate.nouns.coverage import Reason, ServiceVerdict, Source

WIDTH = 80
STRICT = "No rules for this payer: strict reading."


def lines(one: Explained) -> Iterator[str]:
    """All that there is to say about one patient, as lines; below the file's none is too wide."""
    coverage = one.coverage
    payer = shortened(coverage.payer) or "payer not named"
    yield f"{one.file}, set {coverage.set_index}, patient {one.number}"
    yield from _line(f"For a visit on {one.on:%m/%d/%Y}", 0)
    yield from _line(payer, 0)
    yield from _rules_of_payer(one)
    for service in coverage.services:
        yield from _service(one, service)
    yield from _values(one)
    if one.aside:
        yield ""
        yield "Put aside"
    for left_out in one.aside:
        yield from _line(f"{left_out.why}:", 2)
        yield from _at(one, (left_out.source,))
    yield ""


def _rules_of_payer(one: Explained) -> Iterator[str]:
    if not one.coverage.payer_rules:
        yield from _line(STRICT, 0)
        return
    yield from _line(f"Rules for this payer: {one.coverage.payer_rules}", 0)
    if not one.coverage.settled:
        yield from _line("None of them was needed: strict reading.", 2)
    for settled in one.coverage.settled:
        yield from _line(f"Settled ({settled.rule}): {settled.text}.", 2)
        yield from _line(f"Source, {settled.dated:%m/%d/%Y}: {settled.origin}", 4)
        yield from _at(one, settled.sources)


def _service(one: Explained, service: ServiceVerdict) -> Iterator[str]:
    """One verdict: the rule that decided it, where, and what lowered it or speaks against it."""
    yield ""
    name = NAMES.get(service.code, "Service")
    yield from _line(f"{name} ({service.code}): {VERDICTS[service.verdict][0]}", 0)
    yield from _line(RULES.get(service.rule, "Nothing was read."), 2)
    yield from _at(one, service.sources)
    for reason in service.reasons:
        yield from _reason(one, reason, service.sources)


def _reason(one: Explained, reason: Reason, shown: tuple[Source, ...] = ()) -> Iterator[str]:
    """A reason and its places, unless these were `shown` just above."""
    yield from _line(f"! {reason.text} [{reason.code}]", 2)
    yield from _line(f"To do: {reason.tip}", 4)
    if reason.sources != shown:
        yield from _at(one, reason.sources)


def _values(one: Explained) -> Iterator[str]:
    """Amounts, limits, and the reasons that touch these and no verdict."""
    coverage = one.coverage
    told = {reason for service in coverage.services for reason in service.reasons}
    rest = [reason for reason in coverage.reasons if reason not in told]
    if coverage.amounts or coverage.visit_limits or rest:
        yield ""
        yield "Amounts and limits"
    for amount in coverage.amounts:
        kind, size, scope = amount_words(amount)
        services = " ".join(amount.service_types) or "any service"
        yield from _line(f"{kind} {size} ({services}; {scope})", 2)
        yield from _joined(one, amount.source, amount.parts)
    for limit in coverage.visit_limits:
        yield from _line(limit_words(limit), 2)
        yield from _joined(one, limit.source, limit.parts)
    for reason in rest:
        yield from _reason(one, reason)


def _joined(one: Explained, source: Source, parts: tuple[Source, ...]) -> Iterator[str]:
    yield from _at(one, (source,))
    if parts:
        yield from _line("joined with", 4)
        yield from _at(one, parts)


def _at(one: Explained, sources: Iterable[Source]) -> Iterator[str]:
    for source in one.places(sources):
        yield from _line(f"{source}  {one.text(source) or ''}", 6)


def _line(text: str, indent: int) -> list[str]:
    """A text in lines; the second and those after it stand further in."""
    first, later = " " * indent, " " * (indent + 2)
    return wrap(
        printable(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
    )
