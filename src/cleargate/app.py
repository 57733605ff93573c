"""The wiring: the only file that knows ports and vendors both.

A worker wires vendors and imports the engine; a page process never does, and does not pay for
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from cleargate import logs
from cleargate.directory.payers import Connection
from cleargate.directory.practice import Practice, Profile
from cleargate.house import House, note_settings
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.settings import (
    ConnectionTable,
    PracticeSettings,
    ReferencedSecrets,
)
from cleargate.store.calls import StoredCalls
from cleargate.store.connect import HEARTBEATS
from cleargate.store.connections import Budget, StoredBudgets, StoredTokens
from cleargate.store.crypto import Keyring
from cleargate.store.database import Database

if TYPE_CHECKING:
    from cleargate.engine.worker import Worker
    from cleargate.ports import Clearinghouse, Messenger, PracticeSystem, Recorder

P = TypeVar("P")
C = TypeVar("C")


def wire_practices(house: House) -> dict[PracticeId, Practice]:
    """Every practice with its vendors; for workers. Raises BadSettings with file, line and key."""
    return {practice: _wire(house, practice) for practice in house.profiles}


def _wire(house: House, practice: PracticeId) -> Practice:
    profile, settings = house.profiles[practice], house.settings[practice]
    wiring = _Wiring(house, practice, settings)
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


def make_worker(house: House, ends: float | None = None) -> Worker:
    """A worker of this process, ready to start. Imports the engine, which a page never does.

    `ends` is when the process must be done, by time.monotonic(): nobody can turn that.
    """
    from cleargate.eligibility import check
    from cleargate.engine.durable import Durable
    from cleargate.engine.phases import Engine
    from cleargate.engine.worker import Worker
    from cleargate.gates.failures import gate_for
    from cleargate.scheduling.booking import PROCEDURES, last_moment
    from cleargate.scheduling.sweep import sweep_if_due
    from cleargate.store.engine_keys import engine_key

    note_settings(house)
    procedures = {**PROCEDURES, **check.PROCEDURES}
    logs.know("phase", procedures)
    engine = Engine(
        database=house.database,
        clock=house.clock,
        practices=wire_practices(house).__getitem__,
        procedures=procedures,
        last_moment=last_moment,
        gate_for=gate_for,
        longest_call=lambda practice: practice.longest_call,
    )
    with house.database.public() as connection:
        key = engine_key(connection, house.keys)
    durable = Durable(
        house.installation.database_url,
        house.executor,
        key,
        concurrency=house.installation.concurrency,
        poll_s=house.installation.poll_s,
        prepared=house.installation.prepared_statements,
    )

    def run(phase: str, practice: PracticeId, case: CaseId, seq: int) -> None:
        left = None if ends is None else timedelta(seconds=ends - time.monotonic())
        stop_at = None if left is None else house.clock.now() + left
        engine.run_phase(phase, practice, case, seq, stop_at)

    def chores() -> None:
        for profile in house.profiles.values():
            sweep_if_due(house.database, profile, house.clock.now())

    pulse = Database(
        house.installation.database_url, Keyring(house.keys), house.executor, limits=HEARTBEATS
    )
    return Worker(house.database, durable, house.executor, tuple(procedures), run, chores, pulse)


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
    def recorder(self) -> Recorder:
        from cleargate.engine.calls import GatheringRecorder

        return GatheringRecorder(StoredCalls(self.house.database, self.practice))

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


def _client(
    wiring: _Wiring,
    client: Callable[..., C],
    settings: type[BaseModel],
    table: ConnectionTable,
    **more: object,
) -> C:
    """A vendor's client for one connection, with what all of them are given and `more`."""
    return client(
        table.name,
        settings.model_validate(table.settings),
        secrets=wiring.secrets,
        budget=wiring.budget(table),
        recorder=wiring.recorder,
        clock=wiring.house.clock,
        **more,
    )


def _fhir(wiring: _Wiring, table: ConnectionTable) -> PracticeSystem:
    from cleargate.connectors.fhir.settings import FhirSettings
    from cleargate.connectors.fhir.system import FhirPracticeSystem

    return _client(wiring, FhirPracticeSystem, FhirSettings, table, tokens=wiring.tokens)


def _core_soap(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.core_soap.client import CoreClearinghouse
    from cleargate.connectors.core_soap.settings import CoreSettings

    return _client(wiring, CoreClearinghouse, CoreSettings, table)


def _availity(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.availity.client import AvailityClearinghouse
    from cleargate.connectors.availity.settings import AvailitySettings

    return _client(wiring, AvailityClearinghouse, AvailitySettings, table, tokens=wiring.tokens)


def _optum(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.optum.client import OptumClearinghouse
    from cleargate.connectors.optum.settings import OptumSettings

    return _client(wiring, OptumClearinghouse, OptumSettings, table, tokens=wiring.tokens)


def _core_mime(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.core_mime.client import CoreMimeClearinghouse
    from cleargate.connectors.core_mime.settings import CoreMimeSettings

    return _client(wiring, CoreMimeClearinghouse, CoreMimeSettings, table)


def _pverify(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.pverify.client import PverifyClearinghouse
    from cleargate.connectors.pverify.settings import PverifySettings

    return _client(wiring, PverifyClearinghouse, PverifySettings, table, tokens=wiring.tokens)


def _stedi_json(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.stedi_json.client import StediClearinghouse
    from cleargate.connectors.stedi_json.settings import StediSettings

    return _client(wiring, StediClearinghouse, StediSettings, table)


def _trizetto(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.trizetto.client import TrizettoClearinghouse
    from cleargate.connectors.trizetto.settings import TrizettoSettings

    return _client(wiring, TrizettoClearinghouse, TrizettoSettings, table)


def _waystar(wiring: _Wiring, table: ConnectionTable) -> Clearinghouse:
    from cleargate.connectors.waystar.client import WaystarClearinghouse
    from cleargate.connectors.waystar.settings import WaystarSettings

    return _client(wiring, WaystarClearinghouse, WaystarSettings, table)


def _smtp(wiring: _Wiring, table: ConnectionTable) -> Messenger:
    from cleargate.connectors.smtp.client import SmtpMessenger
    from cleargate.connectors.smtp.settings import SmtpSettings

    return _client(wiring, SmtpMessenger, SmtpSettings, table)


EHRS: dict[str, Vendor[PracticeSystem]] = {"fhir": _fhir}
CLEARINGHOUSES: dict[str, Vendor[Clearinghouse]] = {
    "availity": _availity,
    "core_mime": _core_mime,
    "core_soap": _core_soap,
    "optum": _optum,
    "pverify": _pverify,
    "stedi_json": _stedi_json,
    "trizetto": _trizetto,
    "waystar": _waystar,
}
MESSENGERS: dict[str, Vendor[Messenger]] = {"smtp": _smtp}
