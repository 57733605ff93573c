"""What ends on a day that is known: credentials, as practice.toml says, and certificates.

Told 30, 7 and 1 days before, and when it is over: once each, as an alert and on the trail. The desk
shows it all the while.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import structlog
from cryptography import x509

from cleargate.connection_table import ConnectionTable
from cleargate.directory.practice import Profile
from cleargate.house import House
from cleargate.nouns.ids import PracticeId
from cleargate.practice_file import PracticeSettings
from cleargate.settings import Installation
from cleargate.store import audit, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database

DAYS_BEFORE = (30, 7, 1)
OVER = -1
"""The day after the last one."""

_CERTIFICATES_MAX = 1_048_576
"""Bytes of a file of certificates; the largest public bundles have a quarter of it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Expiry:
    """What ends with a day. `connection` is empty for a certificate of our own listener."""

    connection: str
    kind: str
    last_day: date

    @property
    def name(self) -> str:
        """A name for logs and the trail."""
        return f"{self.connection or 'listener'}.{self.kind}"

    def days_left(self, today: date) -> int:
        """0 on the last day, negative when it is over."""
        return (self.last_day - today).days

    def is_near(self, today: date) -> bool:
        """Whether somebody should do something about it."""
        return self.days_left(today) <= max(DAYS_BEFORE)


def expiries(installation: Installation, settings: PracticeSettings) -> list[Expiry]:
    """Everything of a practice and of the installation that ends, the next one first."""
    found = [each for _, table in settings.file.connections for each in _of_connection(table)]
    if installation.tls_cert is not None:
        found += [
            Expiry("", "certificate", min(each)) for each in [_ends(installation.tls_cert)] if each
        ]
    return sorted(found, key=lambda each: each.last_day)


def expiries_of(house: House, practice: PracticeId) -> list[Expiry]:
    """The same for a practice of an opened installation."""
    return expiries(house.installation, house.settings[practice])


def alert_expiries(
    database: Database, profile: Profile, found: Sequence[Expiry], now: datetime
) -> int:
    """Tell what has come near since the last time; gives how much that is."""
    today = now.astimezone(profile.zone).date()
    told = 0
    for each in found:
        reached = _reached(each.days_left(today))
        if reached is not None and _note_once(database, profile.id, each, reached):
            if reached == OVER:
                _log.error("alert", code="expired", connection=each.connection)
            else:
                _log.error("alert", code="expires_soon", connection=each.connection, days=reached)
            told += 1
    return told


def _of_connection(table: ConnectionTable) -> Iterator[Expiry]:
    if table.credential_expires is not None:
        yield Expiry(table.name, "credential", table.credential_expires)
    ca_file = table.settings.get("ca_file")
    if isinstance(ca_file, str) and (ends := _ends(Path(ca_file))):
        # Of several authorities the last one is enough.
        yield Expiry(table.name, "authority", max(ends))


def _ends(path: Path) -> list[date]:
    """The last days of the certificates in a file; none where it cannot be read as such.

    Whoever uses the file says what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            certificates = x509.load_pem_x509_certificates(file.read(_CERTIFICATES_MAX))
    except (OSError, ValueError):
        return []
    return [each.not_valid_after_utc.date() for each in certificates]


def _reached(days_left: int) -> int | None:
    """The nearest of the days on which something is told; None while there is time."""
    return min((each for each in (*DAYS_BEFORE, OVER) if days_left <= each), default=None)


def _note_once(database: Database, practice: PracticeId, expiry: Expiry, reached: int) -> bool:
    """Put it on the trail, unless this process or another one has; True when it is news."""
    window = datetime.combine(expiry.last_day, time(), UTC)
    with database.session(practice) as session:
        if not throttle.take(session, f"expiry|{expiry.name}|{reached}", window, 1):
            return False
        event = Event(
            "expiry.near" if reached != OVER else "expiry.over",
            Action.EXECUTE,
            "connection",
            expiry.name,
            connection=expiry.connection,
            code=str(reached),
        )
        audit.record(session, event)
    return True
