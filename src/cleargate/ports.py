"""What the house needs from outside. Vendors fulfil these; only app.py knows both sides.

A method with a parameter `ref: Ref`, but for `find_by_ref`, is a write: it may be sent again with
the same Ref and must then not happen twice, or say AMBIGUOUS. All others are free to repeat.
Everything raises PortError, whose kind says what happens next. Calls block; callers run in
threads with a deadline that is a setting of each connection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Receipt
from cleargate.nouns.eligibility import (
    EligibilitySummary,
    Inquiry,
    Pending,
    RawAnswer,
    Search,
)
from cleargate.nouns.ids import PracticeId, Ref
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.outside import OutsideCall
from cleargate.nouns.patient import Patient, PatientQuery, PatientRecord


class Encryption(StrEnum):
    """How the way to a vendor is encrypted; NONE is for what stays on this machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """A place to which a connection's calls go. `ca_file` adds an authority that is believed."""

    host: str
    port: int
    encryption: Encryption
    ca_file: Path | None = None


class VendorClient(Protocol):
    """What every vendor's client can do beside its port."""

    @property
    def lines(self) -> Sequence[Line]:
        """Every place to which calls go."""
        ...

    def prove(self) -> None:
        """Sign in and do nothing else. UNSUPPORTED where only a paid call would show it."""
        ...

    def close(self) -> None:
        """Close idle connections; the object is not used afterwards."""
        ...


class Dedupe(StrEnum):
    """How a vendor helps us not to do a write twice."""

    NATIVE_KEY = "native_key"
    SEARCHABLE_REF = "searchable_ref"
    DEMOGRAPHIC_SEARCH = "demographic_search"
    NONE = "none"


class WriteBack(StrEnum):
    """Where an eligibility result can be kept in the practice's system."""

    FIELD = "field"
    NOTE = "note"
    NONE = "none"


class RecordKind(StrEnum):
    """The kinds of record that a write makes, for `find_by_ref`."""

    PATIENT = "patient"
    INSURANCE = "insurance"
    BOOKING = "booking"
    ELIGIBILITY = "eligibility"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one practice system can do, per operation; read from it, not assumed."""

    create_patient: Dedupe
    put_insurance: Dedupe
    book: Dedupe
    write_back: WriteBack
    zone: ZoneInfo


class PracticeSystem(VendorClient, Protocol):
    """The practice's own EHR or practice-management system.

    `deadline_s` is the longest that one operation may take, its sub-calls included.
    """

    connection: str
    deadline_s: float

    def capabilities(self) -> Capabilities:
        """What this system can do."""
        ...

    def find_patients(self, query: PatientQuery) -> Sequence[PatientRecord]:
        """Everyone who may be this person; may be a superset, the core filters again."""
        ...

    def create_patient(self, patient: Patient, ref: Ref) -> Receipt:
        """Create the record, once per Ref."""
        ...

    def put_insurance(self, patient_id: str, insurance: Insurance, rank: int, ref: Ref) -> Receipt:
        """Add a policy to the record; rank is 1 for primary. Never overwrites another policy."""
        ...

    def find_openings(self, query: OpeningQuery) -> Sequence[Opening]:
        """Free times, earliest first."""
        ...

    def book(self, opening: Opening, patient_id: str, details: BookingDetails, ref: Ref) -> Receipt:
        """Take the opening. CONFLICT when somebody else was quicker."""
        ...

    def set_booking_status(self, booking_id: str, status: BookingStatus, ref: Ref) -> Receipt:
        """Confirm or cancel a booking; cancelling gives the time back."""
        ...

    def record_eligibility(self, patient_id: str, summary: EligibilitySummary, ref: Ref) -> Receipt:
        """Keep what the payer said beside the patient's record."""
        ...

    def find_by_ref(self, kind: RecordKind, ref: Ref) -> Receipt | None:
        """What an earlier try with this Ref left behind, or None when there is nothing."""
        ...


class Clearinghouse(VendorClient, Protocol):
    """Somebody who carries questions to payers.

    `repeatable`: whether a question that may have arrived can be asked again without a second fee.
    `deadline_s` is the longest that one question may take.
    `needs`: the details without which it takes no question; a search that leaves one out is
    REJECTED before it leaves.
    """

    connection: str
    deadline_s: float
    repeatable: bool
    needs: Search

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer; the answer's bytes are untouched."""
        ...

    def poll(self, token: str) -> RawAnswer | Pending:
        """Ask for an answer that was pending. AMBIGUOUS: it is gone, and may have been paid for."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to a patient. `calendar` is an .ics document or empty. Never PHI in `subject`."""

    to: str
    subject: str
    text: str
    calendar: str = ""


class Messenger(VendorClient, Protocol):
    """Whoever carries mail. `deadline_s` is the longest that handing over may take."""

    connection: str
    deadline_s: float

    def send(self, message: Message, ref: Ref) -> Receipt:
        """Hand the message over; the same Ref gives the same Message-ID."""
        ...


class SecretStore(Protocol):
    """Where secrets are; settings only hold references such as `env:NAME` or `file:PATH`."""

    def get(self, reference: str) -> str:
        """The secret; BadSettings when it is not there."""
        ...


class Stage(StrEnum):
    """Which of a credential's secrets: the one in use, the one to come, the one before."""

    CURRENT = "current"
    NEXT = "next"
    PREVIOUS = "previous"


class StagedSecrets(SecretStore, Protocol):
    """Secrets beside which the one to come and the one before may stand."""

    def staged(self, reference: str, stage: Stage) -> str | None:
        """The secret of a stage; None where there is none."""
        ...


class KeyService(Protocol):
    """Whoever holds the key that wraps the data keys: a KMS, or a local key file.

    Raises KeyServiceDown when it does not answer, KeyServiceRefuses or BadSettings when it says no.
    """

    @property
    def name(self) -> str:
        """Which key this is: an address or a fingerprint, never the key."""
        ...

    def wrap(self, data_key: bytes, context: str) -> bytes:
        """Encrypt a data key; `context` is bound to it."""
        ...

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt a data key that was wrapped with the same context."""
        ...


class Anchor(Protocol):
    """A place outside of the database that keeps signed checkpoints and never gives one up.

    `every` is how long a newer checkpoint may wait.
    """

    name: str
    every: timedelta

    def keep(self, practice: PracticeId, note: str) -> None:
        """Add a checkpoint to those of the practice."""
        ...


class FileStore(Protocol):
    """Where sealed files are kept outside of the database. Raises FilesDown."""

    def put(self, name: str, sealed: bytes) -> None:
        """Keep a file under a name that is used once; it is there when this returns."""
        ...

    def get(self, name: str) -> bytes | None:
        """A file, or None when there is none of that name."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; one that is not there is well. They are gone when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment at which it ends."""

    value: str
    expires: datetime


class TokenStore(Protocol):
    """Access tokens, shared by all processes of a practice."""

    def current(self, connection: str) -> Token | None:
        """The token in force, or None."""
        ...

    def refresh(self, connection: str, stale: Token | None, mint: Callable[[], Token]) -> Token:
        """Replace the stale token, in one process at a time; persisted before it is used.

        When another process was quicker, its token is returned and `mint` is not called.
        """
        ...


class RateBudget(Protocol):
    """A connection's budget of calls, shared by all processes of a practice."""

    def take(self, connection: str) -> None:
        """Take one call; PortError RATE_LIMITED with `retry_after_s` when there is none left."""
        ...


class Recorder(Protocol):
    """Whoever keeps what left this house."""

    def record(self, call: OutsideCall) -> None:
        """Keep one call, which has been made and cannot be taken back.

        Called in the thread that made it. Raises only where nobody has kept it.
        """
        ...
