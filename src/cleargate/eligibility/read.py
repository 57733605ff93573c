"""`cleargate eligibility read`: payers' answers from files, as cards for people or as JSON.

Reads on after whatever cannot be read, and says so in the end: exit code 2.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rich.console import Console

from cleargate.coverage.reading import Reading, read_parts
from cleargate.eligibility.card import card
from cleargate.eligibility.places import printable
from cleargate.nouns.coverage import Amount, Coverage, Settled, Source, VisitLimit
from cleargate.x12.diagnostics import Diagnostic, Severity, error
from cleargate.x12.tokenizer import CHUNK_BYTES

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction set of one file, or what a file holds besides."""

    file: str
    reading: Reading


def read(
    files: Sequence[Path], services: tuple[str, ...], on: date, as_json: bool, console: Console
) -> int:
    """Read payers' answers from files and print one card a patient, or one JSON list of them all.

    The exit code: 0, or 2 when anything could not be read; the rest is read all the same.
    """
    found: list[Json] = []
    failed = False
    for path in files:
        for part in _parts(path, services, on):
            failed = failed or _has_errors(part.reading)
            if as_json:
                found.extend(entries(part, services))
            else:
                _print(part, on, console)
    if as_json:
        console.out(json.dumps(found, indent=2), highlight=False)
    return 2 if failed else 0


def _parts(path: Path, services: tuple[str, ...], on: date) -> Iterator[Part]:
    """A file's transaction sets, one at a time; a file that cannot be opened is one finding."""
    try:
        with path.open("rb") as file:
            for reading in read_parts(iter(partial(file.read, CHUNK_BYTES), b""), services, on):
                yield Part(printable(str(path)), reading)
    except OSError as failure:
        reasons = {FileNotFoundError: "no such file", IsADirectoryError: "it is a directory"}
        why = reasons.get(type(failure), "no permission, or a fault of the disk")
        finding = error("file_unreadable", 0, f"The file cannot be read: {why}.")
        yield Part(printable(str(path)), Reading((), (finding,)))


def _has_errors(reading: Reading) -> bool:
    return any(finding.severity is Severity.ERROR for finding in reading.diagnostics)


def _print(part: Part, on: date, console: Console) -> None:
    for coverage in part.reading.coverages:
        place = f"{part.file}, set {coverage.set_index}, for a visit on {on:%m/%d/%Y}"
        console.print(card(coverage, place))
    for finding in part.reading.diagnostics:
        console.print(f"{part.file}: {finding}", style="yellow", markup=False, highlight=False)


def entries(part: Part, services: tuple[str, ...]) -> list[Json]:
    """One object a patient; what a file holds besides is an object without a set."""
    findings = [diagnostic_entry(finding) for finding in part.reading.diagnostics]
    found = [
        {**_coverage(coverage), "file": part.file, "diagnostics": findings}
        for coverage in part.reading.coverages
    ]
    if not found:
        nothing = {"code": "", "verdict": "undetermined", "sources": []}
        found = [
            {
                "file": part.file,
                "set": None,
                "payer": "",
                "verdict": "undetermined",
                "services": [{**nothing, "code": service} for service in services],
                "plan": "",
                "amounts": [],
                "visit_limits": [],
                "authorisation": "unstated",
                "referral": "unstated",
                "other_payers": [],
                "reasons": [],
                "payer_rules": "",
                "settled": [],
                "diagnostics": findings,
            }
        ]
    return found


def _coverage(coverage: Coverage) -> Json:
    return {
        "file": "",
        "set": coverage.set_index,
        "payer": coverage.payer,
        "verdict": coverage.verdict.value,
        "services": [
            {
                "code": service.code,
                "verdict": service.verdict.value,
                "sources": _sources(service.sources),
                "rule": service.rule,
            }
            for service in coverage.services
        ],
        "plan": coverage.plan,
        "begins": coverage.begins.isoformat() if coverage.begins else None,
        "ends": coverage.ends.isoformat() if coverage.ends else None,
        "amounts": [amount_entry(amount) for amount in coverage.amounts],
        "visit_limits": [limit_entry(limit) for limit in coverage.visit_limits],
        "authorisation": coverage.authorisation.value,
        "referral": coverage.referral.value,
        "other_payers": [
            {"name": other.name, "order": other.order, "source": str(other.source)}
            for other in coverage.other_payers
        ],
        "reasons": [
            {
                "code": reason.code,
                "text": reason.text,
                "tip": reason.tip,
                "field": reason.field,
                "kind": reason.kind.value,
                "sources": _sources(reason.sources),
            }
            for reason in coverage.reasons
        ],
        "payer_rules": coverage.payer_rules,
        "settled": [settled_entry(one) for one in coverage.settled],
    }


def amount_entry(amount: Amount) -> Json:
    """One amount with `cents` or `percent`, whichever it has; neither when only a part is known."""
    size: Json = {}
    if amount.cents is not None:
        size["cents"] = amount.cents
    if amount.percent is not None:
        size["percent"] = float(amount.percent)
    return {
        "kind": amount.kind.value,
        **size,
        "person": amount.person.value,
        "network": amount.network.value,
        "period": amount.period,
        "remaining": amount.remaining,
        "used": amount.used,
        "service_types": list(amount.service_types),
        "source": str(amount.source),
        "parts": _sources(amount.parts),
        "note": amount.note,
    }


def limit_entry(limit: VisitLimit) -> Json:
    """One visit limit with the place it came from."""
    return {
        "allowed": limit.allowed,
        "remaining": limit.remaining,
        "unit": limit.unit,
        "period": limit.period,
        "network": limit.network.value,
        "service_types": list(limit.service_types),
        "shared": limit.shared,
        "source": str(limit.source),
        "parts": _sources(limit.parts),
    }


def settled_entry(one: Settled) -> Json:
    """What a rule for this payer settled, and who says so."""
    return {
        "rule": one.rule,
        "text": one.text,
        "sources": _sources(one.sources),
        "file": one.file,
        "origin": one.origin,
        "dated": one.dated.isoformat(),
    }


def diagnostic_entry(finding: Diagnostic) -> Json:
    """One finding about the file."""
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "segment": finding.segment,
        "message": finding.message,
    }


def _sources(sources: Sequence[Source]) -> list[str]:
    return [str(source) for source in sources]
