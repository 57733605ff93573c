"""The doctor's words on the screen, and as JSON for a watch."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from itertools import chain

from rich.console import Console
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
        for report in reports:
            _print(report, console)
        console.print(_summary(reports))
    return 1 if _count(reports, Level.WRONG) else 0


def _print(report: Report, console: Console) -> None:
    """The check's name, and a line for each finding: the word says what the colour says."""
    console.print(Text(printable(report.check), "bold"))
    for finding in report.findings:
        margin = Text(f"  {finding.level.value:5}  ", _STYLES[finding.level])
        for line in _lines(finding, console.width - len(margin)):
            # Not wrapped by the console: a path that it breaks cannot be copied.
            console.print(Text.assemble(margin, line), soft_wrap=True)
            margin = Text(" " * len(margin))


def _lines(finding: Finding, width: int) -> list[str]:
    """What it is, and behind an arrow what to do."""
    lines = _wrapped(printable(finding.what), width, "")
    if finding.way_out:
        lines += _wrapped(f"-> {printable(finding.way_out)}", width, "   ")
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


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
