"""Credentials that change under way: no call is lost to a secret that has just been exchanged.

AUTH means that the vendor has done nothing. So the same call is made again with the secret as it is
now, with the one to come and with the one before, whichever of them is another one.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Receipt
from cleargate.nouns.eligibility import EligibilitySummary, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Patient, PatientQuery, PatientRecord
from cleargate.ports import (
    Capabilities,
    Clearinghouse,
    Line,
    Message,
    Messenger,
    PracticeSystem,
    RecordKind,
    SecretStore,
    Stage,
    StagedSecrets,
    VendorClient,
)

C = TypeVar("C", bound=VendorClient)
T = TypeVar("T")


class AtStage:
    """The SecretStore of one stage; a secret that has none there is the one in use.

    `read` remembers what was asked for.
    """

    def __init__(self, secrets: StagedSecrets, stage: Stage) -> None:
        self._secrets = secrets
        self._stage = stage
        self.read: dict[str, str] = {}

    def get(self, reference: str) -> str:
        """The secret; BadSettings when it is not there."""
        secret = self._secrets.staged(reference, self._stage) or self._secrets.get(reference)
        self.read[reference] = secret
        return secret


@dataclass(slots=True, eq=False)
class _Made(Generic[C]):
    """A client, the secrets that it was made with, and how many calls it has on their way."""

    client: C
    secrets: Mapping[str, str]
    calls: int = 0
    retired: bool = False


class Renewal(Generic[C]):
    """One connection's client, made anew when the vendor refuses its secrets and others are there.

    `told` hears which stage's secret works after another was refused.
    """

    def __init__(
        self,
        build: Callable[[SecretStore], C],
        secrets: StagedSecrets,
        told: Callable[[Stage], None],
    ) -> None:
        self._build = build
        self._secrets = secrets
        self._told = told
        self._lock = threading.Lock()
        self._made = self._make(Stage.CURRENT)

    @property
    def client(self) -> C:
        """The client whose secrets worked last."""
        return self._made.client

    def close(self) -> None:
        """Close the client once its last call has come back."""
        self._retire(self._made)

    def run(self, call: Callable[[C], T]) -> T:
        """Make a call; when its credentials are refused, with the others that there are."""
        made = self._take()
        try:
            return self._call(made, call)
        except PortError as error:
            if error.kind is not ErrorKind.AUTH:
                raise
            refused = error
        tried = [made.secrets]
        for stage in Stage:
            other = self._other(stage, tried)
            if other is None:
                continue
            tried.append(other.secrets)
            try:
                answer = self._call(other, call)
            except PortError as error:
                if error.kind is ErrorKind.AUTH:
                    self._retire(other)
                    continue
                self._keep(other, stage)  # Let in, whatever else is wrong.
                raise
            self._keep(other, stage)
            return answer
        raise refused

    def _take(self) -> _Made[C]:
        """The client in use, which is not closed until this call of it is over."""
        with self._lock:
            self._made.calls += 1
            return self._made

    def _call(self, made: _Made[C], call: Callable[[C], T]) -> T:
        """The one call for which a client was taken or made."""
        try:
            return call(made.client)
        finally:
            with self._lock:
                made.calls -= 1
                over = made.retired and not made.calls
            if over:
                made.client.close()

    def _make(self, stage: Stage, calls: int = 0) -> _Made[C]:
        at_stage = AtStage(self._secrets, stage)
        return _Made(self._build(at_stage), at_stage.read, calls)

    def _other(self, stage: Stage, tried: Sequence[Mapping[str, str]]) -> _Made[C] | None:
        """A client with a stage's secrets; None when they are none, or were refused already."""
        at_stage = AtStage(self._secrets, stage)
        try:
            for reference in tried[0]:
                at_stage.get(reference)
            return None if at_stage.read in tried else self._make(stage, calls=1)
        except BadSettings:
            # A secret that cannot be read now is no other one; the refusal itself is told.
            return None

    def _keep(self, made: _Made[C], stage: Stage) -> None:
        """Use this client from now on; a thread that was quicker with the same secrets stays."""
        with self._lock:
            news = made.secrets != self._made.secrets
            older = self._made if news else made
            self._made = made if news else self._made
        self._retire(older)
        if news:
            self._told(stage)

    def _retire(self, made: _Made[C]) -> None:
        with self._lock:
            made.retired = True
            over = not made.calls
        if over:
            made.client.close()


class _Renewed(Generic[C]):
    """What every client has beside its port."""

    def __init__(self, renewal: Renewal[C]) -> None:
        self._renewal = renewal

    @property
    def lines(self) -> Sequence[Line]:
        """Every place to which calls go."""
        return self._renewal.client.lines

    def prove(self) -> None:
        """Sign in and do nothing else."""
        self._renewal.client.prove()

    def close(self) -> None:
        """Close idle connections."""
        self._renewal.close()


class RenewedClearinghouse(_Renewed[Clearinghouse]):
    """A Clearinghouse whose credentials may change under way."""

    def __init__(self, renewal: Renewal[Clearinghouse]) -> None:
        super().__init__(renewal)
        first = renewal.client
        self.connection, self.deadline_s = first.connection, first.deadline_s
        self.repeatable, self.needs = first.repeatable, first.needs

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer."""
        return self._renewal.run(lambda vendor: vendor.check_eligibility(inquiry, ref))

    def poll(self, token: str) -> RawAnswer | Pending:
        """Ask for an answer that was pending."""
        return self._renewal.run(lambda vendor: vendor.poll(token))


class RenewedMessenger(_Renewed[Messenger]):
    """A Messenger whose credentials may change under way."""

    def __init__(self, renewal: Renewal[Messenger]) -> None:
        super().__init__(renewal)
        first = renewal.client
        self.connection, self.deadline_s = first.connection, first.deadline_s

    def send(self, message: Message, ref: Ref) -> Receipt:
        """Hand the message over."""
        return self._renewal.run(lambda vendor: vendor.send(message, ref))


class RenewedPracticeSystem(_Renewed[PracticeSystem]):
    """A PracticeSystem whose credentials may change under way."""

    def __init__(self, renewal: Renewal[PracticeSystem]) -> None:
        super().__init__(renewal)
        self._run = renewal.run
        first = renewal.client
        self.connection, self.deadline_s = first.connection, first.deadline_s

    def capabilities(self) -> Capabilities:
        """What this system can do."""
        return self._run(lambda vendor: vendor.capabilities())

    def find_patients(self, query: PatientQuery) -> Sequence[PatientRecord]:
        """Everyone who may be this person."""
        return self._run(lambda vendor: vendor.find_patients(query))

    def create_patient(self, patient: Patient, ref: Ref) -> Receipt:
        """Create the record, once per Ref."""
        return self._run(lambda vendor: vendor.create_patient(patient, ref))

    def put_insurance(self, patient_id: str, insurance: Insurance, rank: int, ref: Ref) -> Receipt:
        """Add a policy to the record."""
        return self._run(lambda vendor: vendor.put_insurance(patient_id, insurance, rank, ref))

    def find_openings(self, query: OpeningQuery) -> Sequence[Opening]:
        """Free times, earliest first."""
        return self._run(lambda vendor: vendor.find_openings(query))

    def book(self, opening: Opening, patient_id: str, details: BookingDetails, ref: Ref) -> Receipt:
        """Take the opening."""
        return self._run(lambda vendor: vendor.book(opening, patient_id, details, ref))

    def set_booking_status(self, booking_id: str, status: BookingStatus, ref: Ref) -> Receipt:
        """Confirm or cancel a booking."""
        return self._run(lambda vendor: vendor.set_booking_status(booking_id, status, ref))

    def record_eligibility(self, patient_id: str, summary: EligibilitySummary, ref: Ref) -> Receipt:
        """Keep what the payer said beside the patient's record."""
        return self._run(lambda vendor: vendor.record_eligibility(patient_id, summary, ref))

    def find_by_ref(self, kind: RecordKind, ref: Ref) -> Receipt | None:
        """What an earlier try with this Ref left behind."""
        return self._run(lambda vendor: vendor.find_by_ref(kind, ref))
