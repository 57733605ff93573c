"""The wiring: the only file that knows ports and vendors both.

A worker wires vendors and imports the engine; a page process never does, and does not pay for
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cleargate import logs
from cleargate.connection_table import ConnectionTable
from cleargate.directory.payers import Connection
from cleargate.directory.practice import Practice, Profile
from cleargate.house import House, Wire, note_settings
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.ports import Stage
from cleargate.practice_file import PracticeSettings
from cleargate.secrets import ReferencedSecrets
from cleargate.store import credentials
from cleargate.store.calls import StoredCalls
from cleargate.store.connect import HEARTBEATS
from cleargate.store.connections import Budget, StoredBudgets, StoredTokens
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring

if TYPE_CHECKING:
    from cleargate.connectors.wires.renewal import Renewal
    from cleargate.engine.worker import Worker
    from cleargate.ports import (
        Clearinghouse,
        Messenger,
        PracticeSystem,
        Recorder,
        SecretStore,
        TokenStore,
        VendorClient,
    )

_log = structlog.get_logger()

P = TypeVar("P")
V = TypeVar("V", bound="VendorClient")
C = TypeVar("C")


def wire_practices(house: House) -> dict[PracticeId, Practice]:
    """Every practice with its vendors; for workers. Raises BadSettings with file, line and key."""
    return {practice: _wire(house, practice) for practice in house.profiles}


def _wire(house: House, practice: PracticeId) -> Practice:
    from cleargate.connectors.wires.renewal import (
        RenewedClearinghouse,
        RenewedMessenger,
        RenewedPracticeSystem,
    )

    profile, settings = house.profiles[practice], house.settings[practice]
    wiring = _wiring(house, practice)
    clearinghouses = settings.file.clearinghouses
    return Practice(
        **{each.name: getattr(profile, each.name) for each in fields(Profile)},
        connections=tuple(Connection(each.name, each.kind) for each in clearinghouses),
        ehr=wiring.build("ehr", settings.file.ehr, EHRS, RenewedPracticeSystem),
        clearinghouses={
            each.name: wiring.build("clearinghouses", each, CLEARINGHOUSES, RenewedClearinghouse)
            for each in clearinghouses
        },
        mail=wiring.build("mail", settings.file.mail, MESSENGERS, RenewedMessenger),
    )


def connections(house: House) -> Iterator[Wire]:
    """Every connection of every practice, to be wired by itself: a wrong one stops no other."""
    for practice, profile in house.profiles.items():
        wiring = _wiring(house, practice)
        file = house.settings[practice].file
        yield Wire(profile.slug, file.ehr, partial(wiring.bare, "ehr", file.ehr, EHRS))
        for each in file.clearinghouses:
            build = partial(wiring.bare, "clearinghouses", each, CLEARINGHOUSES)
            yield Wire(profile.slug, each, build)
        yield Wire(profile.slug, file.mail, partial(wiring.bare, "mail", file.mail, MESSENGERS))


def _wiring(house: House, practice: PracticeId) -> _Wiring:
    settings = house.settings[practice]
    secrets = ReferencedSecrets(settings.path.parent)
    tokens = StoredTokens(house.database, practice, house.clock)
    return _Wiring(house, practice, settings, secrets, tokens)


def make_client(
    house: House, practice: PracticeId, table: ConnectionTable, secrets: SecretStore
) -> VendorClient:
    """A client of a connection that signs in with these secrets."""
    file = house.settings[practice].file
    wiring = replace(_wiring(house, practice), secrets=secrets)
    if table == file.ehr:
        return wiring.bare("ehr", table, EHRS)
    if table == file.mail:
        return wiring.bare("mail", table, MESSENGERS)
    return wiring.bare("clearinghouses", table, CLEARINGHOUSES)


def make_worker(house: House, ends: float | None = None) -> Worker:
    """A worker of this process, ready to start. Imports the engine, which a page never does.

    `ends` is when the process must be done, by time.monotonic(): nobody can turn that.
    """
    from cleargate.eligibility import check
    from cleargate.engine.durable import Durable
    from cleargate.engine.phases import Engine
    from cleargate.engine.worker import Worker
    from cleargate.gates.failures import gate_for
    from cleargate.operations.expiries import alert_expiries, expiries_of
    from cleargate.scheduling.booking import PROCEDURES, last_moment
    from cleargate.scheduling.sweep import sweep_if_due
    from cleargate.store.engine_keys import engine_key

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
        note_settings(house)
        for profile in house.profiles.values():
            now = house.clock.now()
            alert_expiries(house.database, profile, expiries_of(house, profile.id), now)
            sweep_if_due(house.database, profile, now)

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
    secrets: SecretStore
    tokens: TokenStore

    def build(
        self,
        key: str,
        table: ConnectionTable,
        vendors: Mapping[str, Vendor[V]],
        renewed: Callable[[Renewal[V]], V],
    ) -> V:
        """The vendor's client for one connection, made anew when its credentials change."""
        from cleargate.connectors.wires.renewal import Renewal

        def make(secrets: SecretStore) -> V:
            return replace(self, secrets=secrets).bare(key, table, vendors)

        staged = ReferencedSecrets(self.settings.path.parent)
        return renewed(Renewal(make, staged, partial(self.note_renewal, table.name)))

    def bare(self, key: str, table: ConnectionTable, vendors: Mapping[str, Vendor[P]]) -> P:
        """The vendor's client with these secrets, and no others."""
        vendor = vendors.get(table.vendor)
        if vendor is None:
            known = ", ".join(sorted(vendors))
            raise self.settings.wrong((key, "vendor"), f"there is no such connector; use {known}.")
        if fault := table.agreement_fault(self.today):
            raise self.settings.wrong((key, "baa_signed"), fault)
        try:
            return vendor(self, table)
        except ValidationError as error:
            first = error.errors()[0]
            where = (key, "settings", *first["loc"])
            raise self.settings.wrong(where, f"{first['msg']}.") from None
        except BadSettings as error:
            raise self.settings.wrong((key, "settings"), str(error)) from None

    @property
    def today(self) -> date:
        """The day at the office."""
        return self.house.clock.now().astimezone(self.house.profiles[self.practice].zone).date()

    @property
    def recorder(self) -> Recorder:
        from cleargate.engine.calls import GatheringRecorder

        return GatheringRecorder(StoredCalls(self.house.database, self.practice))

    def note_renewal(self, connection: str, stage: Stage) -> None:
        """Another of a connection's secrets works now; told, whatever else is broken.

        The call went through: a trail that cannot be written must not undo that.
        """
        if stage is Stage.CURRENT:
            _log.info("credential_read_again", connection=connection)
        elif stage is Stage.NEXT:
            _log.error("alert", code="credential_next_used", connection=connection)
        else:
            _log.error("alert", code="credential_previous_used", connection=connection)
        try:
            with self.house.database.session(self.practice) as session:
                credentials.note(session, connection, "used", stage)
        except SQLAlchemyError as error:
            _log.error("credential_not_noted", error=error)

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
