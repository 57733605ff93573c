"""`cleargate eligibility explain`: why an answer is judged as it is, place by place.

For each patient the rules of the payer, the verdict of every service with the rule and the rows
that decided it, the amounts and limits with theirs, and what was put aside. It shows benefits and
no names or ids. A file is read whole; exit codes are those of `eligibility read`.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console

from cleargate.coverage.reading import DOCUMENT_BYTES_MAX, Reading, read_answers
from cleargate.coverage.reasons import RULES
from cleargate.eligibility.explain_lines import lines
from cleargate.eligibility.explained import Explained, explained
from cleargate.eligibility.places import printable
from cleargate.eligibility.read import (
    Json,
    amount_entry,
    diagnostic_entry,
    limit_entry,
    settled_entry,
)
from cleargate.nouns.coverage import Reason, Source
from cleargate.x12.diagnostics import Severity, error


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
        file = printable(str(path))
        patients = explained(file, content, reading, services, on)
        if as_json:
            findings = [diagnostic_entry(finding) for finding in reading.diagnostics]
            found = [{**_entry(one), "diagnostics": findings} for one in patients]
            entries.extend(found or [{"file": str(path), "set": None, "diagnostics": findings}])
            continue
        for one in patients:
            _print(lines(one), console)
        _print((f"{file}: {finding}" for finding in reading.diagnostics), console)
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


def _print(text: Iterable[str], console: Console) -> None:
    for line in text:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _entry(one: Explained) -> Json:
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


def _reason_entry(one: Explained, reason: Reason) -> Json:
    places = _place_entries(one, reason.sources)
    return {"code": reason.code, "text": reason.text, "tip": reason.tip, "places": places}


def _place_entries(one: Explained, sources: Iterable[Source]) -> list[Json]:
    return [{"place": str(source), "text": one.text(source)} for source in one.places(sources)]
