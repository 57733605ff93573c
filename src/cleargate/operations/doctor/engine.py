"""Whether the work goes on: workers, what is due, what was lost, and who does not answer."""

from collections.abc import Iterator

from cleargate.house import House
from cleargate.nouns.ids import PracticeId
from cleargate.operations.doctor.finding import Finding, look, ok, wrong
from cleargate.store import connections, leases, watch
from cleargate.store import outages as outage

OVERDUE_MAX_S = 300.0
SILENT_S = 30.0
"""A worker shows every few seconds that it lives."""

ORPHAN_AGE_S = 300.0
"""The watchdog of any worker would have mended it long ago."""

_START = "Start one: `cleargate work`, or `cleargate drain` every few minutes."


def engine(house: House) -> Iterator[Finding]:
    """Workers live, nothing waits too long, and every open case has something to come."""
    with house.database.public() as connection:
        alive = leases.any_alive(connection, SILENT_S)
        overdue_s = watch.overdue_s(connection)
    yield from _workers(alive, overdue_s)
    lost = doubled = 0
    for practice in house.profiles:
        with house.database.session(practice) as session:
            lost += len(watch.orphans(session, ORPHAN_AGE_S))
            doubled += watch.doubled(session)
    if lost:
        yield wrong(
            f"Nothing would ever happen to {_many(lost, 'open case')}.",
            "A worker mends that within a minute. " + _START,
        )
    if doubled:
        yield wrong(
            f"For {_many(doubled, 'open case')} a person and a machine would both act.",
            "Decide them at the desk, and please report it: this is a mistake of Cleargate.",
        )
    if not lost and not doubled:
        yield ok("Every open case has something to come.")


def _workers(alive: bool, overdue_s: float) -> Iterator[Finding]:
    late = f"Work has been due for {overdue_s / 60:.0f} minutes"
    if overdue_s > OVERDUE_MAX_S and not alive:
        yield wrong(f"{late}, and no worker runs.", _START)
    elif overdue_s > OVERDUE_MAX_S:
        yield look(f"{late}: the workers are behind.", "Raise CLEARGATE_CONCURRENCY, or add one.")
    elif not alive:
        yield look("No worker runs now; nothing is late.", f"If none comes by itself: {_START}")
    else:
        yield ok("A worker runs, and nothing is late.")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def outages(house: House) -> Iterator[Finding]:
    """Connections that were stopped, and payers for which questions wait."""
    found = [
        finding for practice in house.profiles for finding in _practice_outages(house, practice)
    ]
    yield from found or [ok("Every connection that was used works, and every payer answers.")]


def _practice_outages(house: House, practice: PracticeId) -> Iterator[Finding]:
    slug = house.profiles[practice].slug
    zone = house.profiles[practice].zone
    with house.database.session(practice) as session:
        states, standing = connections.states(session), outage.standing(session)
    for state in states:
        if state.state != "ok":
            since = f"{state.since.astimezone(zone):%m/%d/%Y %I:%M %p}"
            yield wrong(
                f"{slug}: the connection {state.name} is stopped since {since} ({state.code}).",
                "See its credentials; it is tried again every five minutes.",
            )
    for each in standing:
        who = each.payer_name or f"the clearinghouse {each.connection}"
        since = f"{each.since.astimezone(zone):%m/%d/%Y %I:%M %p}"
        yield look(
            f"{slug}: {who} does not answer since {since};"
            f" {_many(each.waiting, 'question')} waiting.",
            "They go on by themselves. If it lasts, call the clearinghouse.",
        )
