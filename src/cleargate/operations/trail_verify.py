"""`cleargate audit verify`: hold every trail against its seals, its anchors and the log."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cleargate.operations.trail import auditing, chosen, note, public_keys
from cleargate.settings import TrailSettings
from cleargate.trail.logged import read_logs
from cleargate.trail.places import kept
from cleargate.trail.verify import Fault, Given, Report, gone, verify

FAULTS_SHOWN = 20


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
    place = options.against or settings.anchors
    reports = _reports(settings, options, place)
    if options.as_json:
        console.print_json(json.dumps({name: _json(each) for name, each in reports.items()}))
    else:
        for name, report in reports.items():
            _print(name, report, console)
        if not place:
            console.print(
                "Without anchors nobody can see that a trail was cut back, or written anew with"
                " the signing key: give --against."
            )
    return 0 if all(each.whole for each in reports.values()) else 1


def _reports(settings: TrailSettings, options: VerifyOptions, place: str) -> dict[str, Report]:
    """What is wrong, by the practice's slug; by its id where only the anchors know it."""
    keys, logged = public_keys(settings), read_logs(options.logs)
    anchors = kept(place)  # First, so that a practice that is made meanwhile is not missed.
    reports = {}
    with auditing(settings) as database:
        practices = chosen(database, options.practice)
        for slug, practice in practices.items():
            given = Given(
                keys,
                anchors.of(practice),
                logged.events.get(practice, ()),
                bool(place),
                logged_checkpoints=logged.checkpoints.get(practice, ()),
            )
            with database.session(practice) as session:
                reports[slug] = verify(session, given)
            outcome = "ok" if reports[slug].whole else "failed"
            note(database, practice, "audit.verify", str(reports[slug].events), outcome)
    if not options.practice:
        elsewhere = anchors.practices | logged.checkpoints.keys()
        for practice in sorted(elsewhere - set(practices.values())):
            told = [*anchors.of(practice), *logged.checkpoints.get(practice, ())]
            reports[str(practice)] = gone(practice, Given(keys, told))
    return reports


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
