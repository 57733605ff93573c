"""The wiring: the only file that knows ports and vendors both.

Page processes and worker processes share a House; only a worker wires vendors and imports the
engine, so that a page does not pay for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from cleargate.directory.payers import Connection
from cleargate.directory.practice import Practice, Profile
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.time import Clock, SystemClock
from cleargate.settings import (
    ConnectionTable,
    Installation,
    PracticeSettings,
    ReferencedSecrets,
    read_practices,
)
from cleargate.store import practices
from cleargate.store.connections import Budget, StoredBudgets, StoredTokens
from cleargate.store.crypto import Keyring
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile

if TYPE_CHECKING:
    from cleargate.engine.worker import Worker
    from cleargate.ports import Clearinghouse, Messenger, PracticeSystem

P = TypeVar("P")


@dataclass(frozen=True)
class House:
    """One process's view of the installation. `executor` names a worker, empty for pages."""

    installation: Installation
    clock: Clock
    keys: LocalKeyFile
    database: Database
    settings: Mapping[PracticeId, PracticeSettings]
    profiles: Mapping[PracticeId, Profile]
    executor: str = ""

    @cached_property
    def practices(self) -> Mapping[PracticeId, Practice]:
        """Every practice with its vendors; for workers."""
        return {practice: self._wire(practice) for practice in self.profiles}

    def profile_of(self, slug: str) -> Profile | None:
        """The practice whose pages are under `/<slug>`."""
        return next((each for each in self.profiles.values() if each.slug == slug), None)

    def _wire(self, practice: PracticeId) -> Practice:
        profile, settings = self.profiles[practice], self.settings[practice]
        wiring = _Wiring(self, practice, settings)
        clearinghouses = settings.file.clearinghouses
        return Practice(
            **{each.name: getattr(profile, each.name) for each in fields(Profile)},
            connections=tuple(Connection(each.name, each.kind) for each in clearinghouses),
            ehr=wiring.build("ehr", settings.file.ehr, EHRS),
            clearinghouses={
                each.name: wiring.build("clearinghouses", each, CLEARINGHOUSES)
                for each in clearinghouses
            },
            mail=wiring.build("mail", settings.file.mail, MESSENGERS),
        )


def open_house(installation: Installation, executor: str = "") -> House:
    """Read the settings and connect. Raises BadSettings with one plain sentence."""
    keys = LocalKeyFile(installation.key_file)
    read = read_practices(installation.practices)
    profiles = [each.profile(installation.public_url) for each in read]
    return House(
        installation=installation,
        clock=SystemClock(installation.clock_speed),
        keys=keys,
        database=Database(installation.database_url, Keyring(keys), executor),
        settings={each.id: settings for each, settings in zip(profiles, read, strict=True)},
        profiles={each.id: each for each in profiles},
        executor=executor,
    )


def keep_practices(house: House) -> None:
    """Let the database know the practices of the settings."""
    with house.database.public() as connection:
        for each in house.profiles.values():
            practices.keep(connection, each.slug, each.name, each.zone.key)


def make_worker(house: House, stop_at: datetime | None = None) -> Worker:
    """A worker of this process, ready to start. Imports the engine, which a page never does."""
    from cleargate.engine.durable import Durable
    from cleargate.engine.phases import Engine
    from cleargate.engine.worker import Worker
    from cleargate.gates.failures import gate_for
    from cleargate.scheduling.booking import PROCEDURES, last_moment
    from cleargate.store.engine_keys import engine_key

    engine = Engine(
        database=house.database,
        clock=house.clock,
        practices=house.practices.__getitem__,
        procedures=PROCEDURES,
        last_moment=last_moment,
        gate_for=gate_for,
    )
    with house.database.public() as connection:
        key = engine_key(connection, house.keys)
    durable = Durable(
        house.installation.database_url,
        house.executor,
        key,
        concurrency=house.installation.concurrency,
        poll_s=house.installation.poll_s,
    )

    def run(phase: str, practice: PracticeId, case: CaseId, seq: int) -> None:
        engine.run_phase(phase, practice, case, seq, stop_at)

    return Worker(house.database, durable, house.executor, tuple(PROCEDURES), run)


@dataclass(frozen=True, slots=True)
class _Wiring:
    """What a vendor's client is given."""

    house: House
    practice: PracticeId
    settings: PracticeSettings

    def build(self, key: str, table: ConnectionTable, vendors: Mapping[str, Vendor[P]]) -> P:
        """The vendor's client for one connection of the settings."""
        vendor = vendors.get(table.vendor)
        if vendor is None:
            known = ", ".join(sorted(vendors))
            raise self.settings.wrong((key, "vendor"), f"there is no such connector; use {known}.")
        if table.leaves_machine and table.baa_signed is None:
            message = "baa_signed is missing: no agreement, no patient data over this connection."
            raise self.settings.wrong((key, "baa_signed"), message)
        try:
            return vendor(self, table)
        except ValidationError as error:
            first = error.errors()[0]
            where = (key, "settings", *first["loc"])
            raise self.settings.wrong(where, f"{first['msg']}.") from None
        except BadSettings as error:
            raise self.settings.wrong((key, "settings"), str(error)) from None

    @property
    def secrets(self) -> ReferencedSecrets:
        return ReferencedSecrets(self.settings.path.parent)

    @property
    def tokens(self) -> StoredTokens:
        return StoredTokens(self.house.database, self.practice, self.house.clock)

    def budget(self, table: ConnectionTable) -> StoredBudgets:
        budgets = {}
        if table.budget is not None:
            budgets[table.name] = Budget(table.budget.burst, table.budget.per_second)
        return StoredBudgets(self.house.database, self.practice, self.house.clock, budgets)


Vendor = Callable[[_Wiring, ConnectionTable], P]
"""Builds a vendor's client; imports its folder only when it is used."""


def _fhir(wiring: _Wiring, table: ConnectionTable) -> PracticeSystem:
    from cleargate.connectors.fhir.settings import FhirSettings
    from cleargate.connectors.fhir.system import FhirPracticeSystem

    return FhirPracticeSystem(
        table.name,
        FhirSettings.model_validate(table.settings),
        secrets=wiring.secrets,
        tokens=wiring.tokens,
        budget=wiring.budget(table),
        clock=wiring.house.clock,
    )


def _core_soap(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.core_soap.client import CoreClearinghouse
    from cleargate.connectors.core_soap.settings import CoreSettings

    return CoreClearinghouse(
        table.name,
        CoreSettings.model_validate(table.settings),
        secrets=wiring.secrets,
        budget=wiring.budget(table),
        clock=wiring.house.clock,
    )


def _smtp(wiring: _Wiring, table: ConnectionTable) -> Messenger:
    from cleargate.connectors.smtp.client import SmtpMessenger
    from cleargate.connectors.smtp.settings import SmtpSettings

    return SmtpMessenger(
        table.name,
        SmtpSettings.model_validate(table.settings),
        secrets=wiring.secrets,
        budget=wiring.budget(table),
        clock=wiring.house.clock,
    )


EHRS: dict[str, Vendor[PracticeSystem]] = {"fhir": _fhir}
CLEARINGHOUSES: dict[str, Vendor[Clearinghouse]] = {"core_soap": _core_soap}
MESSENGERS: dict[str, Vendor[Messenger]] = {"smtp": _smtp}
