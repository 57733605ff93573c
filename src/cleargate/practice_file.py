"""A practice's practice.toml: read, checked, and made into what the pages and workers need.

Every error names file, line and key, and stops the start.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError

from cleargate.connection_table import ConnectionTable, Slug, Table, Text
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
from cleargate.store.retention import CASES_DAYS_MIN, Periods


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


Key = tuple[str | int, ...]
Zone = Annotated[str, AfterValidator(_zone)]
Npi = Annotated[str, AfterValidator(_npi)]


class _PracticeTable(Table):
    slug: Slug
    name: Text
    npi: Npi
    phone: Text
    zone: Zone
    service_types: tuple[str, ...] = ("PT", "AE", "AF", "AD", "98", "30")
    payers_csv: str = ""


class _IntakeTable(Table):
    confirm_contact: ConfirmContact = ConfirmContact.NEW
    confirm_within_h: int = Field(default=48, ge=1, le=720)
    answer_within_h: int = Field(default=48, ge=2, le=168)
    posts_per_hour: int = Field(default=20, ge=1)
    paid_checks_per_day: int = Field(default=300, ge=0)
    api_calls_per_minute: int = Field(default=300, ge=1)

    def policy(self) -> IntakePolicy:
        return IntakePolicy(
            confirm_contact=self.confirm_contact,
            confirm_within=timedelta(hours=self.confirm_within_h),
            answer_within=timedelta(hours=self.answer_within_h),
            posts_per_hour=self.posts_per_hour,
            paid_checks_per_day=self.paid_checks_per_day,
            api_calls_per_minute=self.api_calls_per_minute,
        )


class _BookingTable(Table):
    hold_after_min: int = Field(default=10, ge=1)
    hold_within_h: int = Field(default=48, ge=0)
    search_days: int = Field(default=20, ge=1, le=90)

    def policy(self) -> BookingPolicy:
        return BookingPolicy(
            hold_after=timedelta(minutes=self.hold_after_min),
            hold_within=timedelta(hours=self.hold_within_h),
            search_days=self.search_days,
        )


class _EligibilityTable(Table):
    sweep_at: time | None = None
    sweep_before: str = Field(default="3d", pattern=r"^([1-9]|[12][0-9]|30)d$")
    write_back: bool = True

    def policy(self) -> EligibilityPolicy:
        return EligibilityPolicy(
            sweep_at=self.sweep_at,
            sweep_days=int(self.sweep_before.removesuffix("d")),
            write_back=self.write_back,
        )


class _RetentionTable(Table):
    cases_days: int = Field(default=730, ge=CASES_DAYS_MIN, le=36_500)
    unconfirmed_days: int = Field(default=28, ge=7, le=36_500)
    answers_days: int = Field(default=365, ge=CASES_DAYS_MIN, le=36_500)
    photos_days: int = Field(default=180, ge=30, le=36_500)

    def periods(self) -> Periods:
        return Periods(
            cases=timedelta(days=self.cases_days),
            unconfirmed=timedelta(days=self.unconfirmed_days),
            answers=timedelta(days=self.answers_days),
            photos=timedelta(days=self.photos_days),
        )


class _HoursTable(Table):
    opens: time = time(8)
    closes: time = time(17)


class _OfficeTable(Table):
    code: Slug
    name: Text
    phone: Text
    line: Text
    city: Text
    state: Text
    zip: Text


class _ProviderTable(Table):
    code: Slug
    name: Text
    npi: Npi
    offices: tuple[str, ...]


class _VisitTable(Table):
    code: Slug
    name: Text
    duration_min: int = Field(ge=5, le=480)
    new_patients: bool = True
    providers: tuple[str, ...]


class PracticeFile(Table):
    """A whole practice.toml."""

    practice: _PracticeTable
    intake: _IntakeTable = _IntakeTable()
    booking: _BookingTable = _BookingTable()
    office_hours: _HoursTable = _HoursTable()
    eligibility: _EligibilityTable = _EligibilityTable()
    retention: _RetentionTable = _RetentionTable()
    offices: tuple[_OfficeTable, ...]
    providers: tuple[_ProviderTable, ...]
    visit_types: tuple[_VisitTable, ...]
    ehr: ConnectionTable
    clearinghouses: tuple[ConnectionTable, ...]
    mail: ConnectionTable

    @property
    def organisations(self) -> dict[str, str]:
        """Who stands behind each connection, by the connection's name."""
        return {each.name: each.organisation or each.name for _, each in self.connections}

    @property
    def connections(self) -> tuple[tuple[Key, ConnectionTable], ...]:
        """Every connection with its key in this file."""
        several = enumerate(self.clearinghouses)
        return (
            (("ehr",), self.ehr),
            *((("clearinghouses", number), table) for number, table in several),
            (("mail",), self.mail),
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed about one connection. `fault` says why nothing about a patient may go over
    it; empty where it may, or where nothing leaves this machine.
    """

    connection: str
    vendor: str
    leaves_machine: bool
    signed: date | None
    fault: str


def agreements(file: PracticeFile, today: date) -> list[Agreement]:
    """Every connection of a practice, with and without its business associate agreement."""
    return [
        Agreement(
            each.name,
            each.vendor,
            each.leaves_machine,
            each.baa_signed,
            each.agreement_fault(today),
        )
        for _, each in file.connections
    ]


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

    def wrong(self, key: Key, message: str) -> BadSettings:
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
    settings = PracticeSettings(path, file, text)
    for key, table in file.connections:
        if literal := table.literal_secret():
            message = "is a secret itself; write where it is: env:NAME, file:PATH or aws:NAME."
            raise settings.wrong((*key, "settings", *literal), message)
    return settings


def _line(text: str, key: Key) -> int:
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
