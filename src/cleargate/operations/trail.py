"""The trail's chores at the command line: seal it, hold it against its seals."""

import json
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from rich.console import Console

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.checks import actor
from cleargate.settings import TrailSettings
from cleargate.store import trail
from cleargate.store.audit import Action, Event
from cleargate.store.trail import TrailDatabase
from cleargate.store.trouble import await_database
from cleargate.trail.anchors import Anchored, read_notes
from cleargate.trail.note import BadNote, public_key_of
from cleargate.trail.places import BUCKET, anchored, anchors, signer
from cleargate.trail.sealer import Sealer
from cleargate.trail.verify import Fault, Given, Report, verify

FAULTS_SHOWN = 20


def seal_until_told(settings: TrailSettings, *, once: bool) -> None:
    """Seal until SIGTERM or Ctrl-C, or what is there now."""
    url = settings.sealer_database_url
    if not url:
        raise BadSettings("set CLEARGATE_SEALER_DATABASE_URL to the database as cleargate_sealer")
    key, places = signer(settings.trail_key), anchors(settings.anchors)
    await_database(url, 0 if once else settings.database_wait_s)
    with closing(TrailDatabase(url, "sealer")) as database:
        sealer = Sealer(database, key, places)
        if once:
            sealer.round(last=True)
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        sealer.run(stop)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What to verify, against what. `against` falls back to the installation's own anchors."""

    practice: str = ""
    against: str = ""
    logs: tuple[Path, ...] = ()
    as_json: bool = False


def verify_trail(settings: TrailSettings, options: VerifyOptions, console: Console) -> int:
    """Print what was found for each practice; 0 when every trail is whole.

    That it was asked, and how it ended, is on the trail as well.
    """
    keys = public_keys(settings)
    place = options.against or settings.anchors
    logged = _logged(options.logs)
    reports = {}
    with auditing(settings) as database:
        for slug, practice in chosen(database, options.practice).items():
            given = Given(
                keys, _anchored(place, practice), logged.get(str(practice), ()), bool(place)
            )
            with database.session(practice) as session:
                reports[slug] = verify(session, given)
            outcome = "ok" if reports[slug].whole else "failed"
            note(database, practice, "audit.verify", str(reports[slug].events), outcome)
    if options.as_json:
        console.print_json(json.dumps({slug: _json(each) for slug, each in reports.items()}))
    else:
        for slug, report in reports.items():
            _print(slug, report, console)
        if not place:
            console.print(
                "Without anchors nobody can see that a trail was cut back, or written anew with"
                " the signing key: give --against."
            )
    return 0 if all(each.whole for each in reports.values()) else 1


def public_keys(settings: TrailSettings) -> tuple[bytes, ...]:
    """The keys that verify checkpoints, the newest first. BadSettings when one is none."""
    try:
        return tuple(public_key_of(line) for line in settings.trail_public_key.split(","))
    except BadNote:
        raise BadSettings(
            "set CLEARGATE_TRAIL_PUBLIC_KEY to the line that `cleargate audit new-key` printed"
        ) from None


def note(
    database: TrailDatabase, practice: PracticeId, kind: str, what: str, outcome: str = "ok"
) -> None:
    """Put on the trail that the trail was read."""
    event = Event(kind, Action.READ, "trail", what, actor=actor(), outcome=outcome)
    with database.session(practice) as session:
        trail.note(session, event)


def restored_trail_faults(owner_url: str, settings: TrailSettings) -> list[str]:
    """What is wrong with the trails of a database that was restored just now, by kind and place.

    Nothing is said where the public key is not set: then only the number of events was compared.
    """
    if not settings.trail_public_key:
        return []
    given = Given(public_keys(settings), lag_max=None)
    found = []
    with closing(TrailDatabase(owner_url, "restored")) as database:
        for slug, practice in database.practices().items():
            with database.session(practice) as session:
                report = verify(session, given)
            found += [f"trail:{slug}:{fault.position}" for fault in report.faults]
    return found


@contextmanager
def auditing(settings: TrailSettings) -> Iterator[TrailDatabase]:
    """The trail, as the role that can read it and nothing else."""
    url = settings.auditor_database_url
    if not url:
        raise BadSettings("set CLEARGATE_AUDITOR_DATABASE_URL to the database as cleargate_auditor")
    with closing(TrailDatabase(url, "auditor")) as database:
        yield database


def chosen(database: TrailDatabase, slug: str) -> Mapping[str, PracticeId]:
    """The practices of a slug, all of them where it is empty. Refused when there is none."""
    known = database.practices()
    if slug and slug not in known:
        raise Refused(f"--practice: there is no {slug}; there are: {', '.join(known)}.")
    return {slug: known[slug]} if slug else known


def _anchored(place: str, practice: PracticeId) -> list[Anchored]:
    if not place:
        return []
    if not place.startswith(BUCKET) and Path(place).is_file():
        return read_notes(Path(place), practice)
    return anchored(place, practice)


def _logged(files: tuple[Path, ...]) -> dict[str, list[UUID]]:
    """The events that log files name, by practice."""
    found: dict[str, list[UUID]] = {}
    for path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    said = _audit_line(line)
                    if said is not None:
                        found.setdefault(said[0], []).append(said[1])
        except OSError as error:
            raise Refused(f"--log: {path} cannot be read ({error.strerror}).") from None
    return found


def _audit_line(line: str) -> tuple[str, UUID] | None:
    if '"audit"' not in line:
        return None
    try:
        said = json.loads(line)
        return str(said["practice_id"]), UUID(said["audit"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _print(slug: str, report: Report, console: Console) -> None:
    held = f"{report.events} events, {report.checkpoints} checkpoints, {report.anchors} anchors"
    waiting = f", {report.unsealed} not sealed yet" if report.unsealed else ""
    console.print(f"{slug}: {'whole' if report.whole else 'NOT WHOLE'} ({held}{waiting})")
    for fault in report.faults[:FAULTS_SHOWN]:
        console.print(f"  {_where(fault)}{fault.sentence}")
    if len(report.faults) > FAULTS_SHOWN:
        console.print(f"  and {len(report.faults) - FAULTS_SHOWN} more")


def _where(fault: Fault) -> str:
    place = f"place {fault.position}" if fault.position >= 0 else ""
    event = f"event {fault.event}" if fault.event else ""
    named = ", ".join(each for each in (place, event) if each)
    return f"{named}: " if named else ""


def _json(report: Report) -> dict[str, object]:
    return {
        "whole": report.whole,
        "events": report.events,
        "checkpoints": report.checkpoints,
        "anchors": report.anchors,
        "unsealed": report.unsealed,
        "faults": [
            {
                "position": each.position,
                "event": str(each.event) if each.event else None,
                "what": each.sentence,
            }
            for each in report.faults
        ],
    }
