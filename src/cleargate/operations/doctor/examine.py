"""Run every check beside the others: one that breaks or hangs stops none."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import ProgrammingError

from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.operations.doctor.finding import Check, Finding, look, wrong
from cleargate.store.connect import AWAY


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found."""

    check: str
    findings: Sequence[Finding]


def examine(house: House, checks: Iterable[Check]) -> list[Report]:
    """Every check's findings, in the order of the checks."""
    runs = [_Run(check, house) for check in checks]
    for run in runs:
        run.start()
    return [run.report() for run in runs]


@dataclass
class _Run:
    """One check in a thread of its own, which is left alone when its time is over."""

    check: Check
    house: House
    _findings: list[Finding] = field(default_factory=list)

    def start(self) -> None:
        self._ends = time.monotonic() + self.check.limit_s
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def report(self) -> Report:
        self._thread.join(max(0.0, self._ends - time.monotonic()))
        findings = list(self._findings)
        if self._thread.is_alive():
            what = f"This takes longer than {self.check.limit_s:.0f} s and was not waited for."
            findings.append(wrong(what, "Run the doctor again; see what it asks and who is slow."))
        return Report(self.check.name, findings)

    def _work(self) -> None:
        try:
            for finding in self.check.look(self.house):
                self._findings.append(finding)
        except Refused as refused:
            self._findings.append(wrong(str(refused), "Mend the setting, then run this again."))
        except AWAY:
            what = "Not checked: the database does not answer."
            self._findings.append(look(what, "Mend the database first, then run this again."))
        except ProgrammingError:  # A table or a right that is not there.
            what = "Not checked: the database is not as this release needs it."
            self._findings.append(look(what, "Run `cleargate migrate`, then run this again."))
        except Exception as error:  # A check that breaks must not hide what the others say.
            what = f"Not checked: this check itself failed ({type(error).__name__})."
            self._findings.append(wrong(what, "Please report it, with the version of Cleargate."))
