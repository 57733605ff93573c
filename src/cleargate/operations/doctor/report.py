"""The doctor's words on the screen, and as JSON for a watch."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cleargate.eligibility.places import printable
from cleargate.operations.doctor.examine import Report
from cleargate.operations.doctor.finding import Finding, Level

_STYLES = {Level.OK: "green", Level.LOOK: "bold yellow", Level.WRONG: "bold red"}


def tell(reports: Sequence[Report], as_json: bool, console: Console) -> int:
    """Print what was found; the exit code is 1 where anything is wrong."""
    if as_json:
        console.out(json.dumps(_entries(reports), indent=2), highlight=False)
    else:
        console.print(_table(reports))
        console.print(_summary(reports))
    return 1 if _count(reports, Level.WRONG) else 0


def _table(reports: Iterable[Report]) -> Table:
    """A line for each finding; the word says what the colour says."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=24)
    table.add_column(overflow="fold")
    for report in reports:
        name = report.check
        for finding in report.findings:
            level = Text(finding.level.value, _STYLES[finding.level])
            table.add_row(level, Text(printable(name)), _words(finding))
            name = ""
    return table


def _words(finding: Finding) -> Text:
    words = Text(printable(finding.what))
    if finding.way_out:
        words.append(f"\n-> {printable(finding.way_out)}", "bold")
    return words


def _summary(reports: Sequence[Report]) -> Text:
    wrong, look = _count(reports, Level.WRONG), _count(reports, Level.LOOK)
    if not wrong and not look:
        return Text("\nAll is well.", "bold green")
    parts = [f"{wrong} wrong"] if wrong else []
    parts += [f"{look} to look at"] if look else []
    return Text(f"\n{', '.join(parts)}; the arrows say what to do.", "bold")


def _count(reports: Iterable[Report], level: Level) -> int:
    findings = chain.from_iterable(report.findings for report in reports)
    return sum(finding.level is level for finding in findings)


def _entries(reports: Iterable[Report]) -> list[dict[str, str]]:
    return [
        {
            "check": report.check,
            "level": finding.level.value,
            "what": finding.what,
            "way_out": finding.way_out,
        }
        for report in reports
        for finding in report.findings
    ]
