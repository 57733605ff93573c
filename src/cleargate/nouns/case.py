"""A case: one piece of work for one patient, and the tries it took."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cleargate.nouns.appointment import BookingStatus, Opening
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.outside import OutsideCall
from cleargate.nouns.request import VisitRequest

BOOKING = "booking"
CHECK = "check"
"""The kinds of case; a kind is the first word of the names of its phases."""


class CaseState(StrEnum):
    """Where a case stands. An OPEN case has a running phase, a due phase or a gate."""

    OPEN = "open"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Recheck:
    """The payers are asked again before a visit that begins at `visit`.

    `earlier` are the generations of the last questions before, primary policy first: only newer
    ones count, whatever any machine's clock says. `over`: it is settled what became of it.
    """

    visit: datetime
    earlier: tuple[int, ...]
    over: bool = False

    def is_newer(self, rank: int, generation: int) -> bool:
        """Whether a question belongs to this recheck, or came after it."""
        return rank > len(self.earlier) or generation > self.earlier[rank - 1]


@dataclass(frozen=True, slots=True)
class Memo:
    """What the case has established so far; each phase reads it and adds to it.

    `patient_id` and `booking_id` are the vendor's. `patient_known` means that the record was there
    before this request, `email_on_file` is its address. `accepted` are the reasons that a person
    let pass. `ask_on` is the date to verify, once it is not the earliest wished one any more.
    `given_back` are starts that were booked and given back: no other booking takes them again;
    `taken_back` says that there is no other booking yet.
    `doubtful` are the form's fields that the patient was asked to check at `asked_at`.
    `recheck` is the last time that a booked visit's payers were asked again. `written` are the
    generations of the questions whose answers the practice's system has, primary policy first.
    """

    patient_id: str = ""
    patient_known: bool = False
    create_new: bool = False
    email_on_file: str = ""
    contact_confirmed: bool = False
    accepted: tuple[GateReason, ...] = ()
    self_pay: bool = False
    ask_on: date | None = None
    openings: tuple[Opening, ...] = ()
    opening: Opening | None = None
    booking_id: str = ""
    booking_status: BookingStatus | None = None
    given_back: tuple[datetime, ...] = ()
    taken_back: bool = False
    doubtful: tuple[str, ...] = ()
    asked_at: datetime | None = None
    recheck: Recheck | None = None
    written: tuple[int, ...] = ()

    def written_of(self, rank: int) -> int:
        """Which question's answer about a policy is in the practice's system; 0 for none."""
        return self.written[rank - 1] if rank <= len(self.written) else 0

    def with_written(self, rank: int, generation: int) -> tuple[int, ...]:
        """`written` once the answer about a policy is there too."""
        ranks = range(1, max(rank, len(self.written)) + 1)
        return tuple(generation if each == rank else self.written_of(each) for each in ranks)


@dataclass(frozen=True, slots=True)
class Case:
    """One case as stored. `generation` is raised by a person's "do it again"."""

    id: CaseId
    state: CaseState
    request: VisitRequest
    memo: Memo
    generation: int
    phase: str
    phase_seq: int
    due: datetime | None
    note: str
    created: datetime
    kind: str = BOOKING

    @property
    def mail_address(self) -> str:
        """Where mail to the patient goes; empty when there is no address or no consent.

        It is the one on file where there is a file: a public form said the other.
        """
        if not self.request.mail_consent:
            return ""
        if self.memo.patient_known:
            return self.memo.email_on_file
        return self.request.patient.contact.email


TAKEN = "taken"
"""The outcome of a try that found that somebody else was quicker: an answer, and no failure."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one step. Times are UTC.

    `outcome` is `ok`, `taken` where somebody else was quicker, the kind of the error, or
    `program_error` where our own code failed.
    `calls` are what left this house in it; they are told to the trail, and not read from it.
    """

    step: str
    connection: str
    started: datetime
    duration_ms: int
    outcome: str
    vendor_code: str = ""
    request_id: str = ""
    ref: str = ""
    next_try: datetime | None = None
    calls: tuple[OutsideCall, ...] = ()


class Outcome(StrEnum):
    """Whether a write made something, or found that it had been made before."""

    CREATED = "created"
    EXISTED = "existed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The vendor's proof of a write. `id` and `version` are the vendor's own."""

    id: str
    outcome: Outcome
    version: str = ""
