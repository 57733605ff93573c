"""What the house relies on in every practice system, on the wire and under every fault."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Address, Contact, Name, Patient, PatientQuery, Sex
from cleargate.ports import Dedupe, PracticeSystem, RecordKind, WriteBack
from tests.conformance.conftest import SystemCase, new_ref

TRIES_MAX = 6
TENTATIVE = BookingDetails("eval", BookingStatus.TENTATIVE)
_numbers = iter(range(1, 100_000))


def new_patient() -> Patient:
    """Somebody whom no other test knows."""
    number = next(_numbers)
    return Patient(
        Name(f"Testperson{number}", "Amy"),
        date(1950, 1, 1) + timedelta(days=number),
        Sex.FEMALE,
        Contact(
            f"amy{number}@mail.example.test",
            f"+1214555{number:04d}",
            Address("1 Sample St", "Dallas", "TX", "75201"),
        ),
    )


def openings(case: SystemCase, system: PracticeSystem) -> list[Opening]:
    today = datetime.now(case.zone).date()
    return list(system.find_openings(OpeningQuery("eval", today, today + timedelta(days=14))))


@dataclass
class Write:
    """One write of the port: what it does, where it leaves its record, what the ledger counts."""

    act: Callable[[PracticeSystem, Ref], Receipt]
    kind: RecordKind
    count: Callable[[Ref], int]


def prepare(name: str, case: SystemCase) -> Write:
    """Everything that must be there before the write, and the write itself."""
    system = case.make()
    try:
        return _PREPARE[name](case, system)
    finally:
        system.close()


def _create_patient(case, system):
    patient = new_patient()
    return Write(
        lambda system, ref: system.create_patient(patient, ref),
        RecordKind.PATIENT,
        _with_ref(case, "patients"),
    )


def _put_insurance(case, system):
    patient_id = system.create_patient(new_patient(), new_ref("patient")).id
    policy = Insurance("aetna", "Aetna", f"W{next(_numbers)}", "G1")
    return Write(
        lambda system, ref: system.put_insurance(patient_id, policy, 1, ref),
        RecordKind.INSURANCE,
        _with_ref(case, "insurances"),
    )


def _book(case, system):
    patient_id = system.create_patient(new_patient(), new_ref("patient")).id
    opening = openings(case, system)[0]
    return Write(
        lambda system, ref: system.book(opening, patient_id, TENTATIVE, ref),
        RecordKind.BOOKING,
        _with_ref(case, "bookings"),
    )


def _set_status(status: BookingStatus):
    def prepared(case, system):
        booked = _book(case, system).act(system, new_ref("book"))

        def count(ref: Ref) -> int:
            (booking,) = [b for b in case.world.ledger("bookings") if b["id"] == booked.id]
            return booking["history"].count(status.value)

        return Write(
            lambda system, ref: system.set_booking_status(booked.id, status, ref),
            RecordKind.BOOKING,
            count,
        )

    return prepared


def _record_eligibility(case, system):
    patient_id = system.create_patient(new_patient(), new_ref("patient")).id
    summary = EligibilitySummary("active", "Aetna", "Copay $20", date(2026, 12, 1))
    return Write(
        lambda system, ref: system.record_eligibility(patient_id, summary, ref),
        RecordKind.ELIGIBILITY,
        _with_ref(case, "eligibility"),
    )


def _with_ref(case, name):
    return lambda ref: len([e for e in case.world.ledger(name) if e["ref"] == ref.value])


_PREPARE = {
    "create_patient": _create_patient,
    "put_insurance": _put_insurance,
    "book": _book,
    "confirm": _set_status(BookingStatus.BOOKED),
    "cancel": _set_status(BookingStatus.CANCELLED),
    "record_eligibility": _record_eligibility,
}

WRITES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, calls in {"book": 2, "cancel": 2}.items()
    for number in range(calls)
] + [
    pytest.param(name, 0, id=name)
    for name in ("create_patient", "put_insurance", "confirm", "record_eligibility")
]


def settle(system: PracticeSystem, write: Write, ref: Ref, first: PortError | None) -> Receipt:
    """What the engine does after a failure: look what an earlier try left behind, then again."""
    error = first
    for _ in range(TRIES_MAX):
        in_doubt = error is not None and error.kind in (ErrorKind.AMBIGUOUS, ErrorKind.CONFLICT)
        if in_doubt and (found := system.find_by_ref(write.kind, ref)):
            return found
        try:
            return write.act(system, ref)
        except PortError as failure:
            assert failure.kind is not ErrorKind.REJECTED
            error = failure
    raise AssertionError("the write did not settle")


def no_slot_is_held_for_nothing(case: SystemCase) -> None:
    assert case.world.ledger("duplicates") == []


@pytest.mark.parametrize(("name", "number"), WRITES)
@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("reset_before_commit", {"ambiguous"}),
        ("reset_after_commit", {"ambiguous"}),
        ("lost_reply", {"ambiguous"}),
        ("truncated_body", {"ambiguous"}),
        ("500", {"ambiguous"}),
        ("503", {"ambiguous"}),
        ("html_200", {"ambiguous"}),
        ("malformed", {"ambiguous", "done"}),
        ("429", {"rate_limited"}),
        ("401", {"done"}),
        ("409", {"conflict", "done"}),
        ("412", {"conflict", "done"}),
    ],
)
def test_a_write_that_fails_says_what_is_next_and_then_happens_once(
    practice, name, number, fault, kinds
):
    write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
    system = practice.make()
    call = practice.calls[name][number]
    if not practice.meets(fault, call):
        pytest.skip(f"{call} never gets {fault}")
    practice.world.fail(call, fault)
    error = None
    try:
        receipt = write.act(system, ref)
    except PortError as failure:
        error = failure
        if fault == "429":
            assert failure.retry_after_s == 1.0
    assert ("done" if error is None else error.kind.value) in kinds
    assert practice.world.admin("faults")["planned"] == [], "the fault has not been met"
    if error is not None:
        receipt = settle(system, write, ref, error)
    again = write.act(system, ref)
    system.close()
    assert (again.id, again.outcome) == (receipt.id, Outcome.EXISTED)
    assert write.count(ref) == 1
    no_slot_is_held_for_nothing(practice)


@pytest.mark.parametrize(("name", "number"), WRITES)
def test_a_write_without_a_reply_ends_at_the_deadline_and_then_happens_once(practice, name, number):
    write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
    system = practice.make(deadline_s=2.0)
    practice.world.fail(practice.calls[name][number], "hang")
    with pytest.raises(PortError) as caught:
        write.act(system, ref)
    assert caught.value.kind is ErrorKind.AMBIGUOUS
    settle(system, write, ref, caught.value)
    system.close()
    assert write.count(ref) == 1
    no_slot_is_held_for_nothing(practice)


@pytest.mark.parametrize("name", _PREPARE)
def test_a_write_that_never_left_can_simply_be_sent_again(practice, name):
    write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
    system = practice.make()
    practice.world.fail("connect:http", "refused")
    with pytest.raises(PortError) as caught:
        write.act(system, ref)
    assert caught.value.kind is ErrorKind.RETRYABLE
    assert write.act(system, ref).outcome is Outcome.CREATED
    system.close()
    assert write.count(ref) == 1


@pytest.mark.parametrize("name", _PREPARE)
def test_a_write_is_found_by_its_ref_and_an_absent_one_is_not(practice, name):
    write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
    system = practice.make()
    assert system.find_by_ref(write.kind, ref) is None
    receipt = write.act(system, ref)
    found = system.find_by_ref(write.kind, ref)
    system.close()
    assert receipt.outcome is Outcome.CREATED
    assert (found.id, found.outcome) == (receipt.id, Outcome.EXISTED)


@pytest.mark.parametrize("name", _PREPARE)
def test_one_write_sent_by_four_threads_at_once_happens_once(practice, name):
    write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
    system, ids = practice.make(), set()

    def send() -> None:
        ids.add(settle(system, write, ref, None).id)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    system.close()
    assert len(ids) == 1
    assert write.count(ref) == 1
    no_slot_is_held_for_nothing(practice)


@pytest.fixture
def system(practice):
    """A connector with its own connections."""
    system = practice.make()
    yield system
    system.close()


def test_capabilities_are_read_from_the_system(practice, system):
    found = system.capabilities()
    assert found.create_patient is found.book is found.put_insurance is Dedupe.NATIVE_KEY
    assert found.write_back is WriteBack.FIELD
    assert found.zone == practice.zone


def test_a_policy_of_somebody_else_and_a_second_policy_are_kept_beside_the_first(practice, system):
    patient_id = system.create_patient(new_patient(), new_ref("patient")).id
    holder = Subscriber(Name("Testperson", "Pat"), date(1960, 1, 1), Sex.MALE)
    number = f"W{next(_numbers)}"
    first = Insurance("aetna", "Aetna", f"{number}A", "G1", Relationship.CHILD, holder)
    second = Insurance("cigna", "Cigna", f"{number}B")
    ids = {
        system.put_insurance(patient_id, policy, rank, new_ref("insurance")).id
        for rank, policy in ((1, first), (2, second))
    }
    kept = [i for i in practice.world.ledger("insurances") if i["patient"] == patient_id]
    assert {policy["id"] for policy in kept} == ids
    assert [(p["member_id"], p["order"]) for p in kept] == [(f"{number}A", 1), (f"{number}B", 2)]


class TestFindingPatients:
    def test_a_record_comes_back_as_it_was_created(self, system):
        patient = new_patient()
        made = system.create_patient(patient, new_ref("patient"))
        query = PatientQuery(patient.name, patient.birth_date, patient.contact)
        (found,) = system.find_patients(query)
        assert (found.id, found.patient) == (made.id, patient)

    @pytest.mark.parametrize("by", ["phone", "email"])
    def test_a_person_with_another_name_is_found_by_contact_and_birth_date(self, system, by):
        patient = new_patient()
        made = system.create_patient(patient, new_ref("patient"))
        contact = Contact(**{by: getattr(patient.contact, by)})
        query = PatientQuery(Name("Newname"), patient.birth_date, contact)
        assert made.id in [record.id for record in system.find_patients(query)]

    def test_nobody_is_found_where_nobody_is(self, system):
        nobody = PatientQuery(Name("Nobodysample"), date(1901, 1, 1))
        assert system.find_patients(nobody) == []


class TestOpenings:
    def test_they_are_of_the_type_in_the_future_in_order_and_in_the_office_zone(
        self, practice, system
    ):
        found = openings(practice, system)
        assert len(found) > 20
        assert [o.start for o in found] == sorted(o.start for o in found)
        assert all(o.start > datetime.now(practice.zone) for o in found)
        assert {o.duration for o in found} == {timedelta(minutes=60)}
        assert {o.start.tzinfo for o in found} == {practice.zone}
        assert all(o.provider and o.place for o in found)

    def test_small_pages_bring_the_same(self, practice, system):
        small = practice.make(page_size=10, pages_max=100)
        assert openings(practice, small) == openings(practice, system)
        small.close()

    def test_both_days_of_the_question_are_included(self, practice, system):
        day = openings(practice, system)[-1].start.date()
        found = system.find_openings(OpeningQuery("eval", day, day))
        assert {o.start.date() for o in found} == {day}

    def test_a_taken_opening_is_offered_no_more(self, practice, system):
        write = prepare("book", practice)
        before = openings(practice, system)
        write.act(system, new_ref("book"))
        after = openings(practice, system)
        assert len(before) - len(after) == 1

    def test_a_type_that_nobody_offers_has_none(self, practice, system):
        today = datetime.now(practice.zone).date()
        assert system.find_openings(OpeningQuery("yoga", today, today + timedelta(days=14))) == []


class TestBooking:
    @pytest.fixture
    def patient_id(self, system):
        return system.create_patient(new_patient(), new_ref("patient")).id

    def test_of_many_who_want_one_opening_one_gets_it(self, practice, system, patient_id):
        opening, got, lost = openings(practice, system)[0], [], []

        def take() -> None:
            try:
                got.append(system.book(opening, patient_id, TENTATIVE, new_ref("book")))
            except PortError as failure:
                lost.append(failure.kind)

        threads = [threading.Thread(target=take) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(got) == 1
        assert lost == [ErrorKind.CONFLICT] * 4

    def test_a_refused_visit_gives_its_opening_back(self, practice, system):
        before = openings(practice, system)
        with pytest.raises(PortError) as caught:
            system.book(before[0], "nobody", TENTATIVE, new_ref("book"))
        assert caught.value.kind is ErrorKind.REJECTED
        assert caught.value.fields
        assert openings(practice, system) == before

    def test_an_opening_that_an_unfinished_try_held_is_given_back_by_the_next(
        self, practice, system, patient_id
    ):
        first, second = openings(practice, system)[:2]
        ref = new_ref("book")
        practice.world.fail(practice.calls["book"][-1], "reset_before_commit")
        with pytest.raises(PortError):
            system.book(first, patient_id, TENTATIVE, ref)
        assert first not in openings(practice, system)
        system.book(second, patient_id, TENTATIVE, ref)
        assert first in openings(practice, system)

    def test_an_unfinished_try_is_given_back_when_the_next_opening_is_gone(
        self, practice, system, patient_id
    ):
        first, second = openings(practice, system)[:2]
        ref = new_ref("book")
        practice.world.fail(practice.calls["book"][-1], "reset_before_commit")
        with pytest.raises(PortError):
            system.book(first, patient_id, TENTATIVE, ref)
        system.book(second, patient_id, TENTATIVE, new_ref("book"))
        with pytest.raises(PortError) as caught:
            system.book(second, patient_id, TENTATIVE, ref)
        assert caught.value.kind is ErrorKind.CONFLICT
        assert first in openings(practice, system)

    @pytest.mark.parametrize("fault", ["429", "409", "401", "503"])
    def test_a_visit_that_an_earlier_try_made_keeps_its_opening_when_a_later_try_fails(
        self, practice, system, patient_id, fault
    ):
        first = openings(practice, system)[0]
        ref = new_ref("book")
        practice.world.fail(practice.calls["book"][-1], "lost_reply")
        with pytest.raises(PortError):
            system.book(first, patient_id, TENTATIVE, ref)
        practice.world.fail(practice.calls["book"][-1], fault)
        write = Write(
            lambda system, ref: system.book(first, patient_id, TENTATIVE, ref),
            RecordKind.BOOKING,
            _with_ref(practice, "bookings"),
        )
        settle(system, write, ref, None)
        assert first not in openings(practice, system)
        assert write.count(ref) == 1

    def test_a_repeated_booking_of_another_opening_finds_the_first(
        self, practice, system, patient_id
    ):
        first, second = openings(practice, system)[:2]
        ref = new_ref("book")
        made = system.book(first, patient_id, TENTATIVE, ref)
        again = system.book(second, patient_id, TENTATIVE, ref)
        assert (again.id, again.outcome) == (made.id, Outcome.EXISTED)
        free = openings(practice, system)
        assert first not in free
        assert second in free


class TestStatus:
    @pytest.fixture
    def visit(self, practice, system):
        """A booking and its opening."""
        patient_id = system.create_patient(new_patient(), new_ref("patient")).id
        opening = openings(practice, system)[0]
        booked = system.book(opening, patient_id, TENTATIVE, new_ref("book"))
        return booked.id, opening, patient_id

    def test_a_cancelled_visit_gives_its_opening_back(self, practice, system, visit):
        booking_id, opening, _ = visit
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, new_ref("cancel"))
        assert opening in openings(practice, system)

    def test_a_second_cancellation_takes_nothing_from_the_next_visit(self, practice, system, visit):
        booking_id, opening, patient_id = visit
        ref = new_ref("cancel")
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, ref)
        system.book(opening, patient_id, TENTATIVE, new_ref("book"))
        again = system.set_booking_status(booking_id, BookingStatus.CANCELLED, ref)
        assert again.outcome is Outcome.EXISTED
        assert opening not in openings(practice, system)

    def test_a_cancelled_visit_is_not_confirmed(self, system, visit):
        booking_id, _, _ = visit
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, new_ref("cancel"))
        with pytest.raises(PortError) as caught:
            system.set_booking_status(booking_id, BookingStatus.BOOKED, new_ref("confirm"))
        assert caught.value.kind is ErrorKind.CONFLICT

    def test_a_visit_that_is_not_there_is_refused(self, system):
        with pytest.raises(PortError) as caught:
            system.set_booking_status("nothing", BookingStatus.BOOKED, new_ref("confirm"))
        assert caught.value.kind is ErrorKind.REJECTED


@pytest.mark.parametrize("fault", ["html_200", "malformed", "503", "500", "lost_reply", "429"])
def test_a_search_that_fails_is_never_an_empty_result(practice, system, fault):
    patient = new_patient()
    system.create_patient(patient, new_ref("patient"))
    practice.world.fail("ehr:*:search:Patient", fault)
    query = PatientQuery(patient.name, patient.birth_date)
    with pytest.raises(PortError) as caught:
        system.find_patients(query)
    expected = ErrorKind.RATE_LIMITED if fault == "429" else ErrorKind.RETRYABLE
    assert caught.value.kind is expected
    assert len(system.find_patients(query)) == 1


def test_no_error_names_a_patient(practice, system):
    patient = new_patient()
    practice.world.fail(practice.calls["create_patient"][0], "500")
    with pytest.raises(PortError) as caught:
        system.create_patient(patient, new_ref("patient"))
    shown = repr(vars(caught.value)) + str(caught.value) + repr(caught.value.__cause__)
    assert patient.name.family not in shown
    assert patient.contact.email not in shown
