"""`cleargate eligibility check`: payers asked about a list of patients, or about one, and awaited.

Whoever watches may leave at any time: the checks go on, and the same command shows the rest.
"""

import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cleargate.directory.practice import Profile
from cleargate.eligibility import check
from cleargate.eligibility.answer_list import Columns, check_place, table, write_private
from cleargate.eligibility.ask import budget_day
from cleargate.eligibility.check import OVER_BUDGET, Answer, Submitted, Terms
from cleargate.eligibility.patient_list import PatientList, faults_of, read_list
from cleargate.eligibility.patient_row import Asking, Row
from cleargate.house import House
from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.nouns.request import VisitRequest
from cleargate.store import cases, leases
from cleargate.store.cases import Standing

LIST_BYTES_MAX = 20_000_000
SLICE = 50
"""How many checks are opened, or read, in one transaction."""

LOOK_EVERY_S = 0.25
WORKER_SEEN_S = 8.0

EXIT_UNFINISHED = 1
EXIT_BAD_ROWS = 2

FAULTS_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What staff may say. `wait` bounds the watching; the rest as in eligibility/check.py."""

    practice: str = ""
    on: date | None = None
    services: tuple[str, ...] = ()
    pay_for: int = 0
    anew: bool = False
    wait: timedelta = timedelta(hours=1)
    worker_here: bool = False


def check_list(
    house: House, options: CheckOptions, source: Path, out: Path, console: Console
) -> int:
    """Check every patient of a list, and write the answers in its order.

    Exit code 2 when a row could not be read, 1 when an answer is still to come, otherwise 0.
    """
    profile = practice_of(house, options.practice)
    if out.resolve() == source.resolve():
        raise Refused("--out would overwrite the list: name another file.")
    check_place(out)
    patients = read_list(_content(source), asking(house, profile, options))
    rows = [row for row in patients.rows if row.request is not None]
    _tell_faults(patients, source, console)
    submitted = submit(house, profile, [r.request for r in rows if r.request], options)
    console.print(
        f"{len(set(submitted.cases))} checks: {submitted.asked} are asked now,"
        f" {len(set(submitted.cases)) - submitted.asked} were asked for before."
    )
    watch(house, profile, submitted.cases, options, console)
    answers = read_answers(house, profile, submitted.cases)
    by_row = {row.number: answers[case] for row, case in zip(rows, submitted.cases, strict=True)}
    columns = Columns(options.services or profile.service_types, profile.zone)
    write_private(out, table(patients, by_row, columns), patients.delimiter)
    return _told(profile, patients.rows, list(answers.values()), out, console)


def practice_of(house: House, slug: str) -> Profile:
    """The practice with this slug; without one, the only one there is."""
    found = [each for each in house.profiles.values() if slug in ("", each.slug)]
    if len(found) != 1:
        known = ", ".join(sorted(each.slug for each in house.profiles.values()))
        raise Refused(f"--practice: name one of {known}.")
    return found[0]


def asking(house: House, profile: Profile, options: CheckOptions) -> Asking:
    """What holds for every patient who is asked about now."""
    today = house.clock.now().astimezone(profile.zone).date()
    return Asking(profile.payers, options.on or today, today, options.services)


def _content(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            content = file.read(LIST_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"{source} cannot be read: {error.strerror}.") from None
    if len(content) > LIST_BYTES_MAX:
        raise Refused(f"{source} is larger than {LIST_BYTES_MAX // 1_000_000} MB: split it.")
    return content


def _tell_faults(patients: PatientList, source: Path, console: Console) -> None:
    found = list(faults_of(patients))
    for number, said in found[:FAULTS_SHOWN_MAX]:
        console.print(
            f"{source.name}, row {number}: {said}", markup=False, highlight=False, soft_wrap=True
        )
    if len(found) > FAULTS_SHOWN_MAX:
        console.print(f"... and {len(found) - FAULTS_SHOWN_MAX} more; all are in the answers.")


def submit(
    house: House, profile: Profile, requests: Sequence[VisitRequest], options: CheckOptions
) -> Submitted:
    """Open a check for each patient, a few at a time."""
    now = house.clock.now()
    anew_before = budget_day(now, profile.zone) if options.anew else None
    found: list[CaseId] = []
    asked, extra = 0, 0
    waiting = iter(requests)
    while some := list(islice(waiting, SLICE)):
        terms = Terms(actor(), options.pay_for - extra, anew_before)
        with house.database.session(profile.id) as session:
            done = check.submit(session, some, terms, now)
        found += done.cases
        asked += done.asked
        extra += done.beyond_budget
    return Submitted(tuple(found), asked, extra)


def actor() -> str:
    """How the trail names whoever sits at this command line: by the account of the machine."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:{os.getuid()}"


def watch(
    house: House,
    profile: Profile,
    checks: Sequence[CaseId],
    options: CheckOptions,
    console: Console,
) -> None:
    """Show how the checks get on until none moves any more, the time is over, or Ctrl-C."""
    if checks and not options.worker_here and not _some_worker_lives(house):
        console.print("No worker runs: start `cleargate work`, or give --here.")
        return
    distinct = under_way = list(dict.fromkeys(checks))
    give_up = time.monotonic() + options.wait.total_seconds()
    columns = (TextColumn("Checked"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("checks", total=len(distinct))
        try:
            while time.monotonic() < give_up:
                with house.database.session(profile.id) as session:
                    standing = cases.standing(session, under_way)
                under_way = [case for case, at in standing.items() if at.state is CaseState.OPEN]
                progress.update(bar, completed=len(distinct) - len(under_way))
                if not any(_moves(standing[case]) for case in under_way):
                    return
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            console.print("You may leave: the checks go on. Run the same again for the rest.")


def _some_worker_lives(house: House) -> bool:
    with house.database.public() as connection:
        return leases.any_alive(connection, WORKER_SEEN_S)


def _moves(standing: Standing) -> bool:
    """Whether an answer may come soon; tomorrow's budget and a person's decision do not."""
    return standing.state is CaseState.OPEN and standing.note not in (OVER_BUDGET, "gate")


def read_answers(house: House, profile: Profile, checks: Sequence[CaseId]) -> dict[CaseId, Answer]:
    """The answer of each check as it stands."""
    found: dict[CaseId, Answer] = {}
    waiting = iter(dict.fromkeys(checks))
    while some := list(islice(waiting, SLICE)):
        with house.database.session(profile.id) as session:
            found |= {case: check.answer(session, profile, case, actor()) for case in some}
    return found


def _told(
    profile: Profile,
    rows: Sequence[Row],
    answers: Sequence[Answer],
    out: Path,
    console: Console,
) -> int:
    """Say how it ended; gives the exit code."""
    bad = sum(row.request is None for row in rows)
    waiting = sum(each.coverage is None for each in answers)
    console.print(
        f"{len(rows)} rows: {len(rows) - bad} good, {bad} not asked."
        f" {len(answers) - waiting} answers, {waiting} to come. Written to {out}.",
        highlight=False,
        soft_wrap=True,
    )
    tell_budget(profile, answers, console)
    if bad:
        return EXIT_BAD_ROWS
    return EXIT_UNFINISHED if waiting else 0


def tell_budget(profile: Profile, answers: Sequence[Answer], console: Console) -> None:
    """Say where the limit is set that some checks wait for, and how to go beyond it."""
    over = sum(each.waits_for == OVER_BUDGET for each in answers)
    if over:
        console.print(
            f"{over} wait until tomorrow: today's {profile.intake.paid_checks_per_day} paid checks"
            " are used up (paid_checks_per_day under [intake] in practice.toml; patients' requests"
            f" use them too). To pay for them today, run the same with --pay-for {over}.",
            highlight=False,
            soft_wrap=True,
        )
