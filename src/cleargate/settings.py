"""Settings: the installation from its environment, each practice from its practice.toml.

Secrets are references only (`env:NAME`, `file:PATH`). Every error names file, key and line, and
stops the start.
"""

import hashlib
import os
import re
import tomllib
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cleargate.directory.offices import OfferedVisit, Office, PracticeDirectory, Provider
from cleargate.directory.payers import load_directory
from cleargate.directory.practice import (
    BookingPolicy,
    ConfirmContact,
    EligibilityPolicy,
    IntakePolicy,
    OfficeHours,
    Profile,
)
from cleargate.nouns.appointment import VisitType
from cleargate.nouns.errors import BadSettings, Refused
from cleargate.nouns.ids import npi_is_valid
from cleargate.nouns.patient import Address
from cleargate.store.practices import practice_id


class Installation(BaseSettings):
    """One installation. Every field is an environment variable with the prefix `CLEARGATE_`.

    `prepared_statements` spares the database a third of its work; not behind a pooler in
    transaction mode. `trail_key` is for the sealer's process alone, `trail_public_key` for whoever
    verifies; `anchors` is a directory elsewhere, or `s3://bucket`.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARGATE_", frozen=True)

    database_url: str = Field(min_length=1)
    owner_database_url: str = ""
    prepared_statements: bool = False
    sealer_database_url: str = ""
    auditor_database_url: str = ""
    trail_key: str = ""
    trail_public_key: str = ""
    anchors: str = ""
    key_file: Path
    practices: Path
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    clock_speed: float = Field(default=1.0, gt=0)
    concurrency: int = Field(default=20, ge=1, le=200)
    poll_s: float = Field(default=0.5, gt=0, le=60)


def installation() -> Installation:
    """The installation of this environment. Raises BadSettings naming the variable."""
    try:
        return Installation()  # type: ignore[call-arg]  # fields come from the environment
    except ValidationError as error:
        first = error.errors()[0]
        name = f"CLEARGATE_{str(first['loc'][0]).upper()}"
        raise BadSettings(f"{name}: {first['msg']}.") from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as America/Chicago") from None
    return name


def _npi(npi: str) -> str:
    if not npi_is_valid(npi):
        raise ValueError("must be ten digits with a right check digit")
    return npi


Zone = Annotated[str, AfterValidator(_zone)]
Npi = Annotated[str, AfterValidator(_npi)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _PracticeTable(_Table):
    slug: Slug
    name: Text
    npi: Npi
    phone: Text
    zone: Zone
    service_types: tuple[str, ...] = ("PT", "AE", "AF", "AD", "98", "30")
    payers_csv: str = ""


class _IntakeTable(_Table):
    confirm_contact: ConfirmContact = ConfirmContact.NEW
    confirm_within_h: int = Field(default=48, ge=1, le=720)
    answer_within_h: int = Field(default=48, ge=2, le=168)
    posts_per_hour: int = Field(default=20, ge=1)
    paid_checks_per_day: int = Field(default=300, ge=0)

    def policy(self) -> IntakePolicy:
        return IntakePolicy(
            confirm_contact=self.confirm_contact,
            confirm_within=timedelta(hours=self.confirm_within_h),
            answer_within=timedelta(hours=self.answer_within_h),
            posts_per_hour=self.posts_per_hour,
            paid_checks_per_day=self.paid_checks_per_day,
        )


class _BookingTable(_Table):
    hold_after_min: int = Field(default=10, ge=1)
    hold_within_h: int = Field(default=48, ge=0)
    search_days: int = Field(default=20, ge=1, le=90)

    def policy(self) -> BookingPolicy:
        return BookingPolicy(
            hold_after=timedelta(minutes=self.hold_after_min),
            hold_within=timedelta(hours=self.hold_within_h),
            search_days=self.search_days,
        )


class _EligibilityTable(_Table):
    sweep_at: time | None = None
    sweep_before: str = Field(default="3d", pattern=r"^([1-9]|[12][0-9]|30)d$")
    write_back: bool = True

    def policy(self) -> EligibilityPolicy:
        return EligibilityPolicy(
            sweep_at=self.sweep_at,
            sweep_days=int(self.sweep_before.removesuffix("d")),
            write_back=self.write_back,
        )


class _HoursTable(_Table):
    opens: time = time(8)
    closes: time = time(17)


class _OfficeTable(_Table):
    code: Slug
    name: Text
    phone: Text
    line: Text
    city: Text
    state: Text
    zip: Text


class _ProviderTable(_Table):
    code: Slug
    name: Text
    npi: Npi
    offices: tuple[str, ...]


class _VisitTable(_Table):
    code: Slug
    name: Text
    duration_min: int = Field(ge=5, le=480)
    new_patients: bool = True
    providers: tuple[str, ...]


class BudgetTable(_Table):
    """How often a connection may be called: a bucket of `burst` filled by `per_second`."""

    burst: int = Field(ge=1)
    per_second: float = Field(gt=0)


class ConnectionTable(_Table):
    """One connection: its vendor's folder, its budget, and what the vendor's settings.py reads.

    `baa_signed` is the date of the business associate agreement; without it nothing about a
    patient leaves this machine over the connection. `kind` is the kind of clearinghouse.
    `organisation` is who stands behind it, for the accounting of disclosures; its name if empty.
    """

    name: Slug
    vendor: Text
    organisation: str = Field(default="", max_length=200)
    kind: str = ""
    baa_signed: date | None = None
    budget: BudgetTable | None = None
    settings: dict[str, Any]

    @property
    def leaves_machine(self) -> bool:
        """Whether what goes over this connection goes to another machine."""
        address = str(self.settings.get("base_url") or self.settings.get("host") or "")
        host = urlsplit(address).hostname or address
        return host not in ("localhost", "127.0.0.1", "::1")


class PracticeFile(_Table):
    """A whole practice.toml."""

    practice: _PracticeTable
    intake: _IntakeTable = _IntakeTable()
    booking: _BookingTable = _BookingTable()
    office_hours: _HoursTable = _HoursTable()
    eligibility: _EligibilityTable = _EligibilityTable()
    offices: tuple[_OfficeTable, ...]
    providers: tuple[_ProviderTable, ...]
    visit_types: tuple[_VisitTable, ...]
    ehr: ConnectionTable
    clearinghouses: tuple[ConnectionTable, ...]
    mail: ConnectionTable

    @property
    def organisations(self) -> dict[str, str]:
        """Who stands behind each connection, by the connection's name."""
        tables = (self.ehr, *self.clearinghouses, self.mail)
        return {each.name: each.organisation or each.name for each in tables}


class PracticeSettings:
    """One practice's file, read and checked. `path` is for errors that come later."""

    def __init__(self, path: Path, file: PracticeFile, text: str) -> None:
        self.path = path
        self.file = file
        self._text = text

    @property
    def digest(self) -> str:
        """What tells one version of the file from another, on the trail."""
        return hashlib.sha256(self._text.encode()).hexdigest()[:32]

    def wrong(self, key: tuple[str | int, ...], message: str) -> BadSettings:
        """An error of this file, at a key."""
        dotted = ".".join(str(part) for part in key)
        return BadSettings(f"{self.path}:{_line(self._text, key)}: {dotted}: {message}")

    def profile(self, public_url: str) -> Profile:
        """The practice as its pages need it."""
        file = self.file
        zone = ZoneInfo(file.practice.zone)
        csv = self.path.parent / file.practice.payers_csv if file.practice.payers_csv else None
        try:
            directory = _directory(file, zone)
        except Refused as error:
            raise BadSettings(f"{self.path}: {error}") from None
        return Profile(
            id=practice_id(file.practice.slug),
            slug=file.practice.slug,
            name=file.practice.name,
            npi=file.practice.npi,
            phone=file.practice.phone,
            zone=zone,
            public_url=f"{public_url.rstrip('/')}/{file.practice.slug}",
            service_types=file.practice.service_types,
            directory=directory,
            payers=load_directory(practice_csv=csv),
            intake=file.intake.policy(),
            booking=file.booking.policy(),
            office_hours=OfficeHours(file.office_hours.opens, file.office_hours.closes),
            eligibility=file.eligibility.policy(),
        )


def read_practices(folder: Path) -> list[PracticeSettings]:
    """Every `<folder>/<name>/practice.toml`, by name. BadSettings when there is none."""
    paths = sorted(folder.glob("*/practice.toml"))
    if not paths:
        raise BadSettings(f"there is no <name>/practice.toml in {folder} (CLEARGATE_PRACTICES)")
    return [read_practice(path) for path in paths]


def read_practice(path: Path) -> PracticeSettings:
    """Read one practice.toml. Raises BadSettings with file, line and key."""
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: is not TOML: {error}.") from None
    try:
        file = PracticeFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(part) for part in first["loc"])
        line = _line(text, first["loc"])
        raise BadSettings(f"{path}:{line}: {dotted}: {first['msg']}.") from None
    return PracticeSettings(path, file, text)


def _line(text: str, key: tuple[str | int, ...]) -> int:
    """The line of a key, or of the table that lacks it; 1 where even that is missing.

    `[[tables]]` are counted, so that the second office's error is not shown at the first.
    """
    names = [part for part in key if isinstance(part, str)]
    index = next((part for part in key if isinstance(part, int)), 0)
    lines = text.splitlines()
    heads = [
        number
        for number, line in enumerate(lines)
        if re.match(rf"\s*\[+\s*{re.escape(names[0])}\s*[.\]]", line)
    ]
    start = heads[min(index, len(heads) - 1)] if heads else 0
    for number in range(start, len(lines)):
        if number > start and re.match(rf"\s*\[+\s*(?!{re.escape(names[0])}[.\]])", lines[number]):
            break
        if re.match(rf"\s*{re.escape(names[-1])}\s*=", lines[number]):
            return number + 1
    return start + 1


def _directory(file: PracticeFile, zone: ZoneInfo) -> PracticeDirectory:
    return PracticeDirectory(
        offices=tuple(
            Office(
                each.code,
                each.name,
                zone,
                Address(each.line, each.city, each.state, each.zip),
                each.phone,
            )
            for each in file.offices
        ),
        providers=tuple(
            Provider(each.code, each.name, each.npi, each.offices) for each in file.providers
        ),
        visits=tuple(
            OfferedVisit(
                VisitType(
                    each.code, each.name, timedelta(minutes=each.duration_min), each.new_patients
                ),
                each.providers,
                file.practice.service_types,
            )
            for each in file.visit_types
        ),
    )


class ReferencedSecrets:
    """The SecretStore of one machine: `env:NAME` and `file:PATH`, relative to practice.toml."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, reference: str) -> str:
        """The secret. BadSettings when the reference leads nowhere; the secret is never shown."""
        kind, _, place = reference.partition(":")
        if kind == "env" and os.environ.get(place):
            return os.environ[place]
        if kind == "file":
            try:
                return (self._folder / place).read_text("utf-8").strip()
            except OSError as error:
                msg = f"the secret {kind}:{place} cannot be read ({error.strerror})"
                raise BadSettings(msg) from None
        raise BadSettings(
            f"the secret {kind}:{place} is not there; write env:NAME or file:PATH"
            if kind in ("env", "file")
            else "a secret must be a reference: env:NAME or file:PATH"
        )
