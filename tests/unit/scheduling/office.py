"""An office whose vendors are in memory and whose clock is turned by hand.

The store, the engine's runs and the procedure are the real ones; only the queue's worker is
played: a queued phase is run when the clock has reached its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from cleargate.directory.offices import OfferedVisit, Office, PracticeDirectory, Provider
from cleargate.directory.payers import Connection, Payer, PayerDirectory
from cleargate.directory.practice import Practice
from cleargate.eligibility import check
from cleargate.engine.phases import Engine
from cleargate.gates.decide import decide
from cleargate.gates.failures import gate_for
from cleargate.nouns.appointment import (
    BookingDetails,
    BookingStatus,
    Opening,
    OpeningQuery,
    VisitType,
)
from cleargate.nouns.case import Case, CaseState, Memo, Outcome, Receipt
from cleargate.nouns.eligibility import (
    NO_NEEDS,
    ContentKind,
    EligibilitySummary,
    Inquiry,
    Pending,
    RawAnswer,
    Search,
)
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, Decision
from cleargate.nouns.ids import CaseId, Ref
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Address, Patient, PatientQuery, PatientRecord
from cleargate.nouns.request import VisitRequest
from cleargate.ports import Capabilities, Dedupe, Message, RecordKind, WriteBack
from cleargate.scheduling import requests
from cleargate.scheduling.booking import PROCEDURES, last_moment
from cleargate.store import cases, gates
from tests.house import House, TurnedClock, visit_request
from tests.unit.coverage.answers import ACTIVE_PLAN, document, encoded

ZONE = ZoneInfo("America/Chicago")
MONDAY = datetime(2030, 1, 7, 15, 0, tzinfo=UTC)
"""Nine in the morning at the office."""

ACTIVE = f"{ACTIVE_PLAN}\nEB*1**PT\nEB*B**PT***27*30*****Y"
INACTIVE = "EB*6**30"

PHASES_MAX = 300


@dataclass
class MemoryEhr:
    """Keeps records by Ref, once each; fails with the next of `failures` for an operation."""

    connection: str = "ehr"
    deadline_s: float = 5.0
    patients: list[PatientRecord] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    searched: list[tuple[date, date]] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, BookingStatus] = field(default_factory=dict)
    failures: dict[str, list[PortError]] = field(default_factory=dict)
    write_back: WriteBack = WriteBack.FIELD

    def _fail(self, operation: str) -> None:
        if self.failures.get(operation):
            raise self.failures[operation].pop(0)

    def _once(self, kind: RecordKind, ref: Ref) -> Receipt:
        known = ref.value in self.kept
        self.kept.setdefault(ref.value, f"{kind}-{len(self.kept) + 1}")
        return Receipt(self.kept[ref.value], Outcome.EXISTED if known else Outcome.CREATED)

    def capabilities(self) -> Capabilities:
        key = Dedupe.NATIVE_KEY
        return Capabilities(key, key, key, self.write_back, ZONE)

    def find_patients(self, query: PatientQuery) -> Sequence[PatientRecord]:
        self._fail("find_patients")
        return self.patients

    def create_patient(self, patient: Patient, ref: Ref) -> Receipt:
        self._fail("create_patient")
        return self._once(RecordKind.PATIENT, ref)

    def put_insurance(self, patient_id: str, insurance: Insurance, rank: int, ref: Ref) -> Receipt:
        self._fail("put_insurance")
        return self._once(RecordKind.INSURANCE, ref)

    def find_openings(self, query: OpeningQuery) -> Sequence[Opening]:
        self._fail("find_openings")
        days = (query.earliest, query.latest)
        self.searched.append(days)
        return [
            each
            for each in self.openings
            if each.token not in self.taken and days[0] <= each.start.date() <= days[1]
        ]

    def book(self, opening: Opening, patient_id: str, details: BookingDetails, ref: Ref) -> Receipt:
        self._fail("book")
        if opening.token in self.taken:
            raise PortError(ErrorKind.CONFLICT, self.connection)
        receipt = self._once(RecordKind.BOOKING, ref)
        self.taken.add(opening.token)
        self.statuses[receipt.id] = details.status
        return receipt

    def set_booking_status(self, booking_id: str, status: BookingStatus, ref: Ref) -> Receipt:
        self._fail("set_booking_status")
        self.statuses[booking_id] = status
        return Receipt(booking_id, Outcome.CREATED)

    def record_eligibility(self, patient_id: str, summary: EligibilitySummary, ref: Ref) -> Receipt:
        self._fail("record_eligibility")
        if self.write_back is WriteBack.NONE:
            raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="create")
        return self._once(RecordKind.ELIGIBILITY, ref)

    def find_by_ref(self, kind: RecordKind, ref: Ref) -> Receipt | None:
        known = self.kept.get(ref.value)
        return Receipt(known, Outcome.EXISTED) if known else None


@dataclass
class MemoryClearinghouse:
    """Answers with the next of `answers`, the last one for ever; remembers what it was asked."""

    connection: str = "clearinghouse"
    deadline_s: float = 5.0
    repeatable: bool = True
    needs: Search = NO_NEEDS
    answers: list[bytes | BaseException | Pending] = field(default_factory=lambda: [said(ACTIVE)])
    asked: list[Inquiry] = field(default_factory=list)
    polled: list[str] = field(default_factory=list)

    def _next(self) -> RawAnswer | Pending:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Pending):
            return answer
        return RawAnswer(answer, ContentKind.X12_271)

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        self.asked.append(inquiry)
        return self._next()

    def poll(self, token: str) -> RawAnswer | Pending:
        self.polled.append(token)
        return self._next()


@dataclass
class MemoryMail:
    """Keeps every mail, repeats too."""

    connection: str = "mail"
    deadline_s: float = 5.0
    sent: list[tuple[Message, Ref]] = field(default_factory=list)
    failures: list[PortError] = field(default_factory=list)

    def send(self, message: Message, ref: Ref) -> Receipt:
        self.sent.append((message, ref))
        if self.failures:
            raise self.failures.pop(0)
        return Receipt(ref.value, Outcome.CREATED)


def said(rows: str) -> bytes:
    """A payer's answer about the sample patient that holds these rows."""
    text = document(rows, patient="DTP*346*D8*20290101").replace("19800201*F", "19900228*F")
    return encoded(text.replace("ANN****MI*TST0001", "TONI****MI*MEMBER0001"))


def opening(day: int, hour: int = 10) -> Opening:
    """A free hour in January 2030."""
    start = datetime(2030, 1, day, hour, tzinfo=ZONE)
    return Opening(start, timedelta(hours=1), "Dana Sample", "Main Office", f"{day}-{hour}")


def practice(
    house: House, ehr: MemoryEhr, payer: MemoryClearinghouse, mail: MemoryMail
) -> Practice:
    """The first practice of the house, wired to vendors in memory."""
    address = Address("1 Sample Street", "Springfield", "IL", "62701")
    evaluation = VisitType("evaluation", "Evaluation", timedelta(hours=1))
    return Practice(
        id=house.practice,
        slug="sample-clinic",
        name="Sample Clinic",
        npi="1234567893",
        phone="+1 217 555 0100",
        zone=ZONE,
        public_url="http://127.0.0.1:1/sample-clinic",
        service_types=("PT", "30"),
        directory=PracticeDirectory(
            (Office("main", "Main", ZONE, address, ""),),
            (Provider("dana", "Dana Sample", "1234567893", ("main",)),),
            (OfferedVisit(evaluation, ("dana",), ("PT",)),),
        ),
        payers=PayerDirectory([Payer("sample-payer", "Sample Payer", code="EX001")]),
        connections=(Connection("clearinghouse", "sample"),),
        ehr=ehr,
        clearinghouses={"clearinghouse": payer},
        mail=mail,
    )


class Stage:
    """One office at work: `play` runs phases until the case is closed, at a gate, or waits."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.clock = TurnedClock(MONDAY)
        self.ehr = MemoryEhr(openings=[opening(9), opening(10), opening(10, 14)])
        self.payer = MemoryClearinghouse()
        self.mail = MemoryMail()
        self.practice = practice(house, self.ehr, self.payer, self.mail)
        with house.session() as session:  # The house is another test's, too; its outages are not.
            session.run(sa.text("delete from outages where practice_id = :practice"))

    def rule(self, **changes: object) -> None:
        """Change a policy of the office."""
        self.practice = replace(self.practice, **changes)  # type: ignore[arg-type]

    def submit(self, request: VisitRequest, *, confirmed: bool = True) -> CaseId:
        """A request, from a patient whose address is known to be theirs unless told otherwise."""
        with self.house.session() as session:
            case = requests.submit(
                session, self.practice, request, nonce=uuid4().hex, now=self.clock.now()
            ).case
            if confirmed:
                locked = cases.lock(session, case)
                cases.remember(session, locked, contact_confirmed=True)
        return case

    def play(self, case: CaseId, until: datetime | None = None) -> Case:
        """Run what is due; turn the clock to what is due later, up to `until` (else never)."""
        for _ in range(PHASES_MAX):
            now = self.see(case)
            if now.state is not CaseState.OPEN or not now.phase:
                return now
            if now.due is not None and now.due > self.clock.now():
                if until is None or now.due > until:
                    return now
                self.clock.turn(now.due - self.clock.now())
            self.step(case)
        raise AssertionError("the case never comes to rest")

    def step(self, case: CaseId) -> None:
        """Run the phase that is queued."""
        now = self.see(case)
        self._engine().run_phase(now.phase, self.house.practice, case, now.phase_seq)

    @staticmethod
    def openings(count: int) -> list[Opening]:
        """So many free hours, from the twenty-first on."""
        return [opening(21 + n // 8, 9 + n % 8) for n in range(count)]

    def _engine(self) -> Engine[Practice]:
        return Engine(
            database=self.house.database,
            clock=self.clock,
            practices=lambda _: self.practice,
            procedures={**PROCEDURES, **check.PROCEDURES},
            last_moment=last_moment,
            gate_for=gate_for,
            longest_call=lambda practice: practice.longest_call,
        )

    def see(self, case: CaseId) -> Case:
        """The case as stored."""
        with self.house.session() as session:
            found = cases.get(session, case)
        assert found is not None
        return found

    def gate(self, case: CaseId) -> gates.StoredGate:
        """The open gate of a case that has one."""
        with self.house.session() as session:
            [found] = [each for each in gates.of_case(session, case) if each.open]
        return found

    def decide(
        self, case: CaseId, choice: Choice, detail: str = "", request: VisitRequest | None = None
    ) -> None:
        """A person decides."""
        gate = self.gate(case)
        with self.house.session() as session:
            decision = Decision(choice, gate.version, detail)
            now = self.clock.now()
            decide(session, gate.id, decision, actor="staff:test", now=now, request=request)

    def later(self, **wait: float) -> datetime:
        """A moment from now."""
        return self.clock.now() + timedelta(**wait)


def earliest(day: int) -> date:
    """A day in January 2030."""
    return date(2030, 1, day)


__all__ = ["INACTIVE", "MONDAY", "Memo", "Stage", "earliest", "opening", "said", "time"]


def insured(**changes: object) -> object:
    """A request whose visit lies well ahead."""
    return visit_request(**{"earliest": earliest(10), **changes})


def failure(kind: ErrorKind, **more: float) -> PortError:
    """What a vendor fails with."""
    return PortError(kind, "vendor", vendor_code="test", **more)  # type: ignore[arg-type]
