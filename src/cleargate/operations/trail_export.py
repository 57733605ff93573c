"""Take events of the trail out of the house, with the proof that they are the sealed ones."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from uuid import UUID

from rich.console import Console

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.trail import auditing, chosen, note, public_keys
from cleargate.settings import TrailSettings
from cleargate.store import trail
from cleargate.store.trail import TrailDatabase, TrailSession
from cleargate.trail import bundle
from cleargate.trail.fhir import audit_event
from cleargate.trail.note import signed_by, verifier_key

VERIFIER = "verify_bundle.py"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which events: of one practice, sealed from one moment up to another."""

    practice: str
    since: datetime | None
    until: datetime | None
    fhir: bool = False


def export_trail(
    settings: TrailSettings, options: ExportOptions, out: Path, console: Console
) -> None:
    """Write the events' bundle and the program that checks it, or FHIR AuditEvents."""
    keys = public_keys(settings)
    with auditing(settings) as database:
        practice = _one(database, options.practice)
        with database.session(practice) as session:
            key = _key_of_newest(session, keys)
            first, end = bundle.span(session, options.since, options.until)
            note(database, practice, "audit.export", f"{first}-{end - 1}")
            if options.fhir:
                count = write_lines(out, _resources(session, first, end))
                console.print(f"{out}: {count} AuditEvents")
                return
            header, events = bundle.bundle(session, first, end, key)
            count = write_lines(out, events, header)
    console.print(f"{out}: {count} events, places {first} to {end - 1}")
    _say_how_to_check(out, key, console)


def write_receipt(
    settings: TrailSettings, slug: str, event: str, out: Path, console: Console
) -> None:
    """Write the bundle of one event, and the program that checks it."""
    keys = public_keys(settings)
    try:
        wanted = UUID(event)
    except ValueError:
        raise Refused("EVENT is the id of an event, as exports and `audit who` show it.") from None
    with auditing(settings) as database:
        practice = _one(database, slug)
        with database.session(practice) as session:
            key = _key_of_newest(session, keys)
            header, events = bundle.receipt(session, wanted, key)
            note(database, practice, "audit.receipt", str(wanted))
            write_lines(out, events, header)
    console.print(f"{out}: the proof of event {wanted}")
    _say_how_to_check(out, key, console)


def _one(database: TrailDatabase, slug: str) -> PracticeId:
    practices = chosen(database, slug)
    if len(practices) != 1:
        raise Refused(f"--practice: name one of {', '.join(practices)}.")
    return next(iter(practices.values()))


def _key_of_newest(session: TrailSession, keys: Sequence[bytes]) -> bytes:
    """After an exchange of keys, the old one goes on proving until the new one has signed."""
    newest = trail.newest(session)
    return (signed_by(newest.note, keys) if newest else None) or keys[0]


def _resources(session: TrailSession, first: int, end: int) -> Iterable[bytes]:
    for text in bundle.texts(session, first, end):
        yield json.dumps(audit_event(json.loads(text)), separators=(",", ":")).encode()


def write_lines(out: Path, lines: Iterable[bytes], header: str = "") -> int:
    """Write a new file, whole or not at all; gives how many lines follow the header."""
    draft = out.with_name(f".{out.name}.part")
    count = 0
    try:
        if out.exists():
            raise Refused(f"--out: {out} is there already; take another name.")
        with draft.open("xb") as file:
            if header:
                file.write(header.encode() + b"\n")
            for line in lines:
                file.write(line + b"\n")
                count += 1
        draft.rename(out)
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written ({error.strerror}).") from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def _say_how_to_check(out: Path, key: bytes, console: Console) -> None:
    """Put the program beside the bundle, and say how it is used."""
    source = resources.files("cleargate.trail").joinpath(VERIFIER)
    beside = out.with_name(VERIFIER)
    with resources.as_file(source) as program:
        shutil.copyfile(program, beside)
    console.print(f"Check it with: python3 {beside} {out} {verifier_key(key)}")
    console.print("Take the key from where you trust it, not from here.")
