"""A house for tests: a migrated database of its own, two practices, keys, and a clock to turn.

Only what is outside of the house is made up here; everything inside is the real thing.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import sqlalchemy as sa

from cleargate.engine import durable
from cleargate.nouns.case import Memo
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.insurance import Insurance, Payment
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.store import cases, practices
from cleargate.store.database import Database, Session
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from cleargate.store.migrate import migrate, role_url
from cleargate.store.roles import APP_ROLE, AUDITOR_ROLE, OTHERS, SEALER_ROLE
from cleargate.store.trail import TrailDatabase
from cleargate.trail.keys import SigningKey
from cleargate.trail.sealer import seal
from tests.postgres import connect, fresh_database

APP_PASSWORD = "only-for-tests"
"""One for the whole cluster, because roles belong to the cluster and not to a database."""

OTHER_PASSWORDS = dict.fromkeys(OTHERS.values(), APP_PASSWORD)

TEMPLATE = "house_template"

T = TypeVar("T")


class TurnedClock:
    """A clock that stands still until somebody turns it, or waits."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)
        self.waited = timedelta(0)

    def now(self) -> datetime:
        return self._now

    def scaled(self, wait: timedelta) -> timedelta:
        return wait

    def after(self, wait: timedelta) -> datetime:
        return self._now + wait

    def sleep_until(self, moment: datetime) -> None:
        """Do not wait: turn the clock, and remember how long the wait would have been."""
        wait = max(timedelta(0), moment - self._now)
        self.waited += wait
        self.turn(wait)

    def turn(self, wait: timedelta) -> None:
        self._now += wait


@dataclass(frozen=True, slots=True)
class House:
    """One migrated database with two practices; `database` is the app role's."""

    owner_url: str
    app_url: str
    key_file: Path
    database: Database
    practice: PracticeId
    other: PracticeId

    def session(self, practice: PracticeId | None = None) -> AbstractContextManager[Session]:
        """A transaction of a practice, of the first one unless told otherwise."""
        return self.database.session(practice or self.practice)

    @contextmanager
    def process(self, executor: str = "") -> Iterator[Database]:
        """The database as another process sees it: own connections, own keyring."""
        database = Database(self.app_url, self.keyring(), executor)
        try:
            yield database
        finally:
            database.close()

    def keyring(self) -> Keyring:
        """A keyring that knows no keys yet."""
        return Keyring(LocalKeyFile(self.key_file))

    def owner(self) -> psycopg.Connection:
        """A connection of the owner, who migrates. It is bound by the policies as well."""
        return connect(self.owner_url)

    def as_role(self, role: str) -> str:
        """The database's URL as another of our roles."""
        return role_url(self.owner_url, role, APP_PASSWORD)

    @contextmanager
    def auditing(self) -> Iterator[TrailDatabase]:
        """The trail as its auditor sees it."""
        with closing(TrailDatabase(self.as_role(AUDITOR_ROLE), "auditor")) as database:
            yield database

    @property
    def signing_key(self) -> SigningKey:
        """The key that signs this house's checkpoints, made on first use."""
        path = self.key_file.with_name("trail-key.pem")
        if not path.exists():
            SigningKey.create(path)
        return SigningKey(path)

    def seal(self, practice: PracticeId | None = None) -> int:
        """Seal a practice's trail, as its sealer does."""
        with closing(TrailDatabase(self.as_role(SEALER_ROLE), "sealer")) as database:
            return seal(database, practice or self.practice, self.signing_key)

    def in_session(self, work: Callable[[Session], T], practice: PracticeId | None = None) -> T:
        """What `work` gives, in a transaction of its own."""
        with self.session(practice) as session:
            return work(session)


def make_template(cluster: EmbeddedPostgres) -> str:
    """The name of a migrated database without any data, to copy from."""
    url = fresh_database(cluster, TEMPLATE)
    migrate(url, APP_PASSWORD, OTHER_PASSWORDS)
    durable.migrate(url)
    return TEMPLATE


@contextmanager
def open_house(
    cluster: EmbeddedPostgres, template: str, name: str, key_file: Path
) -> Iterator[House]:
    """A house in a copy of the template."""
    owner_url = fresh_database(cluster, name, template)
    migrate(
        owner_url, APP_PASSWORD, OTHER_PASSWORDS
    )  # Rights to a database are not copied with it.
    app = sa.make_url(owner_url).set(username=APP_ROLE, password=APP_PASSWORD)
    app_url = app.render_as_string(hide_password=False)
    LocalKeyFile.create(key_file)
    database = Database(app_url, Keyring(LocalKeyFile(key_file)))
    with database.public() as connection:
        first = practices.keep(connection, "sample-clinic", "Sample Clinic", "America/Chicago")
        second = practices.keep(connection, "other-clinic", "Other Clinic", "America/New_York")
    try:
        yield House(owner_url, app_url, key_file, database, first, second)
    finally:
        database.close()


def in_own_thread(call: Callable[[], None]) -> None:
    """Call in a thread of its own.

    A browser test leaves an event loop running in the main thread, where an engine does not launch.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(call).result()


def visit_request(**changes: Any) -> VisitRequest:
    """A plain insured patient's request, with the given fields changed."""
    plain = VisitRequest(
        channel=Channel.WEB,
        patient=Patient(
            Name("Testperson", "Toni"),
            date(1990, 2, 28),
            Sex.FEMALE,
            Contact(
                "toni@example.invalid",
                "+12025550123",
                Address("1 Sample Street", "Springfield", "IL", "62701"),
            ),
        ),
        visit_type="evaluation",
        reason="sample reason",
        earliest=date(2030, 1, 7),
        wishes=(),
        payment=Payment.INSURANCE,
        insurances=(Insurance("sample-payer", "Sample Payer", "MEMBER0001"),),
        mail_consent=True,
    )
    return replace(plain, **changes)


def open_case(
    session: Session,
    now: datetime,
    *,
    request: VisitRequest | None = None,
    nonce: str = "",
    phase: str = "sample.first",
    memo: Memo | None = None,
) -> CaseId:
    """A new case of the session's practice, its first phase queued."""
    return cases.open_case(
        session,
        CaseId(uuid4()),
        request or visit_request(),
        nonce=nonce or uuid4().hex,
        phase=phase,
        now=now,
        actor="test",
        memo=memo,
    )
