"""`cleargate eligibility explain`: why an answer is judged as it is, place by place.

For each patient the rules of the payer, the verdict of every service with the rule and the rows
that decided it, the amounts and limits with theirs, and what was put aside. It shows benefits and
no names or ids. A file is read whole; exit codes are those of `eligibility read`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import wrap

from rich.console import Console

from cleargate.coverage.reading import DOCUMENT_BYTES_MAX, Reading, read_answers
from cleargate.coverage.reasons import RULES
from cleargate.coverage.rows import PayerAnswer
from cleargate.coverage.services import NAMES, asked_for
from cleargate.eligibility.card import VERDICTS, amount_words, limit_words
from cleargate.eligibility.places import printable, segment_texts, shortened
from cleargate.eligibility.put_aside import PutAside, put_aside, sources_of
from cleargate.eligibility.read import (
    Json,
    amount_entry,
    diagnostic_entry,
    limit_entry,
    settled_entry,
)
from cleargate.nouns.coverage import Coverage, Reason, ServiceVerdict, Source
from cleargate.x12.diagnostics import Severity, error

WIDTH = 80
WORDS_MAX = 4
"""Messages shown beside a row; some payers send a dozen."""
STRICT = "No rules for this payer: strict reading."


@dataclass(frozen=True, slots=True)
class _Explained:
    """One patient of a file, the `number`th: the coverage and what was left out of account.

    `words` are the payer's words beside each row, by its segment and place. `texts` are the
    segments of an X12 file; other formats have none.
    """

    file: str
    number: int
    coverage: Coverage
    aside: list[PutAside]
    words: dict[int, dict[Source, str]]
    texts: dict[int, str]

    def places(self, sources: Iterable[Source]) -> list[Source]:
        """Places, each followed by the payer's words beside it, none twice."""
        found: dict[Source, None] = {}
        for source in sources:
            found[source] = None
            found.update(dict.fromkeys(self.words.get(source.segment, {})))
        return list(found)

    def text(self, source: Source) -> str | None:
        """What stands at a place: its segment, or the payer's words; else nothing is shown."""
        if self.texts:
            return self.texts.get(source.segment)
        words = self.words.get(source.segment, {}).get(source)
        return shortened(words) if words else None


def explain(
    files: Sequence[Path],
    services: tuple[str, ...],
    on: date,
    payer: str,
    as_json: bool,
    console: Console,
) -> int:
    """Explain payers' answers, for people or as one JSON list. `payer` is whom the caller asked.

    The exit code: 0, or 2 when anything could not be read; the rest is explained all the same.
    """
    entries: list[Json] = []
    failed = False
    for path in files:
        content, reading = _read(path, services, on, payer)
        failed = failed or any(one.severity is Severity.ERROR for one in reading.diagnostics)
        patients = _explained(str(path), content, reading, services, on)
        if as_json:
            findings = [diagnostic_entry(finding) for finding in reading.diagnostics]
            found = [{**_entry(one), "diagnostics": findings} for one in patients]
            entries.extend(found or [{"file": str(path), "set": None, "diagnostics": findings}])
            continue
        for one in patients:
            _print(_lines(one), console)
        _print((f"{path}: {finding}" for finding in reading.diagnostics), console)
    if as_json:
        console.out(json.dumps(entries, indent=2), highlight=False)
    return 2 if failed else 0


def _read(path: Path, services: tuple[str, ...], on: date, payer: str) -> tuple[bytes, Reading]:
    """A file and its answers; one that cannot be opened, or is too large, is one finding."""
    try:
        with path.open("rb") as file:
            content = file.read(DOCUMENT_BYTES_MAX + 1)
    except OSError:
        what = "The file cannot be read: check its name and your permission."
        return b"", Reading((), (error("file_unreadable", 0, what),))
    if len(content) > DOCUMENT_BYTES_MAX:
        what = "Too large to explain; `eligibility read` reads it."
        return b"", Reading((), (error("too_large", 0, what),))
    return content, read_answers(content, services, on, (payer,) if payer else ())


def _explained(
    file: str, content: bytes, reading: Reading, services: tuple[str, ...], on: date
) -> list[_Explained]:
    """The patients of a file, with the texts of all places of which anything is said."""
    asked = asked_for(services, on)
    texts: dict[int, str] = {}
    patients = [
        _Explained(file, number, one, put_aside(one, answer, asked), _words(answer), texts)
        for number, (one, answer) in enumerate(
            zip(reading.coverages, reading.answers, strict=True), 1
        )
    ]
    spoken = (source for one in patients for source in one.places(_sources(one)))
    texts.update(segment_texts(content, spoken))
    return patients


def _sources(one: _Explained) -> Iterator[Source]:
    yield from sources_of(one.coverage)
    yield from (left_out.source for left_out in one.aside)


def _words(answer: PayerAnswer) -> dict[int, dict[Source, str]]:
    """The first messages beside each row; those of one place, which XML has, are joined."""
    found: dict[int, dict[Source, str]] = {}
    for row in answer.rows:
        for message in row.messages[:WORDS_MAX]:
            beside = found.setdefault(row.segment, {})
            before = beside.get(message.source)
            beside[message.source] = f"{before} / {message.text}" if before else message.text
    return found


def _lines(one: _Explained) -> Iterator[str]:
    """All that there is to say about one patient, as lines; below the file's none is too wide."""
    coverage = one.coverage
    payer = shortened(coverage.payer) or "payer not named"
    yield f"{one.file}, set {coverage.set_index}, patient {one.number}"
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


def _rules_of_payer(one: _Explained) -> Iterator[str]:
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


def _service(one: _Explained, service: ServiceVerdict) -> Iterator[str]:
    """One verdict: the rule that decided it, where, and what lowered it or speaks against it."""
    yield ""
    name = NAMES.get(service.code, "Service")
    yield from _line(f"{name} ({service.code}): {VERDICTS[service.verdict][0]}", 0)
    yield from _line(RULES.get(service.rule, "Nothing was read."), 2)
    yield from _at(one, service.sources)
    for reason in service.reasons:
        yield from _reason(one, reason, service.sources)


def _reason(one: _Explained, reason: Reason, shown: tuple[Source, ...] = ()) -> Iterator[str]:
    """A reason and its places, unless these were `shown` just above."""
    yield from _line(f"! {reason.text} [{reason.code}]", 2)
    yield from _line(f"To do: {reason.tip}", 4)
    if reason.sources != shown:
        yield from _at(one, reason.sources)


def _values(one: _Explained) -> Iterator[str]:
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


def _joined(one: _Explained, source: Source, parts: tuple[Source, ...]) -> Iterator[str]:
    yield from _at(one, (source,))
    if parts:
        yield from _line("joined with", 4)
        yield from _at(one, parts)


def _at(one: _Explained, sources: Iterable[Source]) -> Iterator[str]:
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


def _print(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _entry(one: _Explained) -> Json:
    """One patient for programs."""
    coverage = one.coverage
    return {
        "file": one.file,
        "set": coverage.set_index,
        "patient": one.number,
        "payer": coverage.payer,
        "payer_rules": coverage.payer_rules,
        "settled": [
            {**settled_entry(each), "places": _place_entries(one, each.sources)}
            for each in coverage.settled
        ],
        "services": [
            {
                "code": service.code,
                "verdict": service.verdict.value,
                "rule": service.rule,
                "rule_text": RULES.get(service.rule, ""),
                "places": _place_entries(one, service.sources),
                "reasons": [_reason_entry(one, reason) for reason in service.reasons],
            }
            for service in coverage.services
        ],
        "amounts": [
            {**amount_entry(each), "places": _place_entries(one, (each.source, *each.parts))}
            for each in coverage.amounts
        ],
        "visit_limits": [
            {**limit_entry(each), "places": _place_entries(one, (each.source, *each.parts))}
            for each in coverage.visit_limits
        ],
        "reasons": [_reason_entry(one, reason) for reason in coverage.reasons],
        "put_aside": [
            {"why": left_out.why, "places": _place_entries(one, (left_out.source,))}
            for left_out in one.aside
        ],
    }


def _reason_entry(one: _Explained, reason: Reason) -> Json:
    places = _place_entries(one, reason.sources)
    return {"code": reason.code, "text": reason.text, "tip": reason.tip, "places": places}


def _place_entries(one: _Explained, sources: Iterable[Source]) -> list[Json]:
    return [{"place": str(source), "text": one.text(source)} for source in one.places(sources)]
