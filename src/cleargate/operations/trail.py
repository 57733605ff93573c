"""The trail at the command line: seal it, and what everybody takes who reads it."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.checks import actor
from cleargate.settings import TrailSettings
from cleargate.store import trail
from cleargate.store.audit import Action, Event
from cleargate.store.trail import TrailDatabase
from cleargate.store.trouble import await_database
from cleargate.trail.aside import AnchorAside, Aside, beside
from cleargate.trail.note import BadNote, public_key_of
from cleargate.trail.places import anchors, signer
from cleargate.trail.sealer import Sealer
from cleargate.trail.verify import Given, verify


def seal_until_told(settings: TrailSettings, *, once: bool) -> None:
    """Seal until SIGTERM or Ctrl-C, or what is there now."""
    url = settings.sealer_database_url
    if not url:
        raise BadSettings("set CLEARGATE_SEALER_DATABASE_URL to the database as cleargate_sealer")
    key, outside = signer(settings.trail_key), _outside(settings)
    await_database(url, 0 if once else settings.database_wait_s)
    with closing(TrailDatabase(url, "sealer")) as database, beside(outside):
        sealer = Sealer(database, key, outside)
        if once:
            sealer.round(last=True)
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        sealer.run(stop)


def _outside(settings: TrailSettings) -> list[Aside]:
    """Everywhere that checkpoints go, each with a thread of its own."""
    outside: list[Aside] = [AnchorAside(each) for each in anchors(settings.anchors)]
    if settings.anchor_mail is not None:
        from cleargate.operations.anchor_mail import mail_anchor

        outside.append(mail_anchor(settings.anchor_mail))
    return outside


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
