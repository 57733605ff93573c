"""The FHIR connector against a server that nobody here wrote, over real HTTP."""

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening, OpeningQuery
from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Contact, Name, Patient, PatientQuery, Sex
from cleargate.ports import Dedupe, PracticeSystem, RecordKind, WriteBack
from tests.conformance import sekmet
from tests.conformance.conftest import new_ref
from tests.conformance.foreign import SCOPE, ZONE, Practice, Scissors, at_once, practice_at
from tests.conformance.test_practice_system import TENTATIVE, Write, new_patient, settle
from tests.unit.connectors.parts import unused_port

pytestmark = pytest.mark.skipif(
    not sekmet.EXECUTABLE, reason="sekmet is not installed: see CONTRIBUTING.md"
)


@pytest.fixture(autouse=True)
def _no_fault_is_left_over() -> None:
    """There is no sandbox here that could have one."""


@pytest.fixture(scope="module", params=[False, True], ids=["relative", "absolute"])
def practice(request, tmp_path_factory) -> Iterator[Practice]:
    """A practice whose server writes references in either form that FHIR allows."""
    folder = tmp_path_factory.mktemp("sekmet")
    form = {"absolute_references": request.param}
    with practice_at(folder, unused_port(), server_behaviour=form) as practice:
        yield practice


@pytest.fixture
def system(practice) -> Iterator[FhirPracticeSystem]:
    system = practice.make()
    yield system
    system.close()


@pytest.fixture
def patient_id(system) -> str:
    return system.create_patient(new_patient(), new_ref("patient")).id


def error_of(act: Callable[[], object]) -> PortError:
    with pytest.raises(PortError) as caught:
        act()
    return caught.value


# One by one


def test_capabilities_are_read(system):
    found = system.capabilities()
    assert found.create_patient is found.book is found.put_insurance is Dedupe.NATIVE_KEY
    assert found.write_back is WriteBack.FIELD


class TestToken:
    def test_every_token_is_asked_for_with_a_new_assertion(self, practice):
        before = len(practice.server.traffic())
        for _ in range(3):
            system = practice.make()
            system.find_patients(PatientQuery(Name("Nobodysample"), date(1901, 1, 1)))
            system.close()
        asked = practice.server.traffic()[before:]
        assert [status for _, url, status in asked if url == "/auth/token"] == [200] * 3

    def test_an_unknown_client_is_a_matter_of_access(self, practice):
        system = practice.make(smart={"client_id": "somebody"})
        error = error_of(lambda: system.create_patient(new_patient(), new_ref("patient")))
        system.close()
        assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "token:401")

    def test_a_scope_that_does_not_cover_a_write_is_a_matter_of_access(self, practice):
        system = practice.make(smart={"scope": "system/Patient.rs"})
        error = error_of(lambda: system.create_patient(new_patient(), new_ref("patient")))
        system.close()
        assert error.kind is ErrorKind.AUTH


class TestPatients:
    def test_a_record_comes_back_as_it_was_created(self, system):
        patient = new_patient()
        made = system.create_patient(patient, new_ref("patient"))
        (found,) = system.find_patients(
            PatientQuery(patient.name, patient.birth_date, patient.contact)
        )
        assert (found.id, found.patient, found.version) == (made.id, patient, made.version)

    @pytest.mark.parametrize("by", ["phone", "email"])
    def test_a_person_with_another_name_is_found_by_contact_and_birth_date(self, system, by):
        patient = new_patient()
        made = system.create_patient(patient, new_ref("patient"))
        contact = Contact(**{by: getattr(patient.contact, by)})
        query = PatientQuery(Name("Newname"), patient.birth_date, contact)
        assert [record.id for record in system.find_patients(query)] == [made.id]

    @pytest.mark.parametrize("family", ["Sample, Test", "Sample|Test", "Sample$Test", "Ünsample"])
    def test_a_name_with_separators_is_found(self, practice, system, family):
        born = date(1931, 5, 17)
        made = practice.server.put(
            "Patient", uuid4().hex, name=[{"family": family}], birthDate=born.isoformat()
        )
        found = system.find_patients(PatientQuery(Name(family), born))
        assert made["id"] in [record.id for record in found]

    def test_a_record_of_the_desk_with_ten_digits_and_a_text_name_is_found(self, practice, system):
        practice.server.put(
            "Patient",
            "ten-digits",
            name=[{"text": "Amy Oldsample"}],
            birthDate="1932-03-04",
            telecom=[{"system": "phone", "value": "2145550911"}],
        )
        query = PatientQuery(Name("Oldsample"), date(1932, 3, 4), Contact(phone="+12145550911"))
        (found,) = system.find_patients(query)
        assert (found.id, found.patient.contact.phone) == ("ten-digits", "+12145550911")

    def test_all_of_many_are_found_over_small_pages(self, practice):
        for number in range(23):
            practice.server.put(
                "Patient", f"m{number}", name=[{"family": "Manysample"}], birthDate="1933-01-02"
            )
        small = practice.make(page_size=10)
        found = small.find_patients(PatientQuery(Name("Manysample"), date(1933, 1, 2)))
        small.close()
        assert {record.id for record in found} == {f"m{number}" for number in range(23)}

    def test_a_policy_of_somebody_else_is_kept(self, practice, system, patient_id):
        holder = Subscriber(Name("Testperson", "Pat"), date(1960, 1, 1), Sex.MALE)
        policy = Insurance("aetna", "Aetna", "W1A", "G1", Relationship.CHILD, holder)
        ref = new_ref("insurance")
        made = system.put_insurance(patient_id, policy, 2, ref)
        kept = practice.server.get("Coverage", made.id)
        assert (kept["order"], kept["subscriberId"]) == (2, "W1A")
        assert kept["contained"][0]["resourceType"] == "RelatedPerson"
        assert system.put_insurance(patient_id, policy, 2, ref).outcome is Outcome.EXISTED


class TestOpenings:
    def test_free_slots_of_the_type_and_days_are_found_over_small_pages(self, practice, system):
        made = practice.openings(23)
        day = made[0].start.date()
        practice.add_slot(f"busy-{day}", made[0].start, status="busy")
        other = [{"coding": [{"system": "urn:other", "code": "eval"}]}]
        practice.add_slot(f"other-{day}", made[0].start, serviceType=other)
        query = OpeningQuery("eval", day, day)
        small = practice.make(page_size=10)
        paged = small.find_openings(query)
        small.close()
        assert paged == system.find_openings(query) == made

    def test_a_type_that_nobody_offers_has_none(self, practice, system):
        day = practice.openings(1)[0].start.date()
        assert system.find_openings(OpeningQuery("yoga", day, day)) == []


class TestBooking:
    def test_a_visit_stands_in_its_slot(self, practice, system, patient_id):
        (opening,) = practice.openings(1)
        ref = new_ref("book")
        made = system.book(opening, patient_id, TENTATIVE, ref)
        visit = practice.server.get("Appointment", made.id)
        assert visit["status"] == "pending"
        assert visit["slot"][0]["reference"].endswith(f"Slot/{opening.token}")
        assert practice.slot(opening)["status"] == "busy"
        again = system.book(opening, patient_id, TENTATIVE, ref)
        assert (again.id, again.outcome) == (made.id, Outcome.EXISTED)

    def test_of_eight_who_want_one_opening_one_gets_it(self, practice, system, patient_id):
        (opening,) = practice.openings(1)
        got, lost = at_once(
            8, lambda _: system.book(opening, patient_id, TENTATIVE, new_ref("book"))
        )
        assert len(got) == 1
        assert {failure.kind for failure in lost} == {ErrorKind.CONFLICT}
        visits = practice.server.search("Appointment", slot=f"Slot/{opening.token}")
        assert [visit["id"] for visit in visits] == [got[0].id]

    def test_a_visit_that_the_server_refuses_gives_its_opening_back(
        self, practice, system, patient_id
    ):
        (opening,) = practice.openings(1)
        nothing = BookingDetails("", BookingStatus.TENTATIVE)
        error = error_of(lambda: system.book(opening, patient_id, nothing, new_ref("book")))
        assert error.kind is ErrorKind.REJECTED
        assert error.fields
        assert practice.is_free(opening)

    def test_a_visit_that_our_scope_forbids_gives_its_opening_back(self, practice, patient_id):
        (opening,) = practice.openings(1)
        scope = SCOPE.replace("system/Appointment.crus", "system/Appointment.rs")
        system = practice.make(smart={"scope": scope})
        error = error_of(lambda: system.book(opening, patient_id, TENTATIVE, new_ref("book")))
        system.close()
        assert error.kind is ErrorKind.AUTH
        assert practice.is_free(opening)

    def test_a_slot_that_the_desk_has_moved_or_deleted_is_not_booked(
        self, practice, system, patient_id
    ):
        moved, gone = practice.openings(2)
        practice.add_slot(moved.token, moved.start + timedelta(hours=5))
        practice.server.delete("Slot", gone.token)
        error = error_of(lambda: system.book(moved, patient_id, TENTATIVE, new_ref("book")))
        assert error.kind is ErrorKind.CONFLICT
        error = error_of(lambda: system.book(gone, patient_id, TENTATIVE, new_ref("book")))
        assert error.kind is ErrorKind.CONFLICT


class TestStatus:
    @pytest.fixture
    def visit(self, practice, system, patient_id) -> tuple[str, Opening]:
        (opening,) = practice.openings(1)
        return system.book(opening, patient_id, TENTATIVE, new_ref("book")).id, opening

    def test_a_tentative_visit_becomes_firm(self, practice, system, visit):
        ref = new_ref("confirm")
        made = system.set_booking_status(visit[0], BookingStatus.BOOKED, ref)
        found = practice.server.get("Appointment", visit[0])
        assert (found["status"], found["meta"]["versionId"]) == ("booked", made.version)
        assert system.find_by_ref(RecordKind.BOOKING, ref).id == visit[0]
        again = system.set_booking_status(visit[0], BookingStatus.BOOKED, ref)
        assert again.outcome is Outcome.EXISTED

    def test_a_cancelled_visit_gives_its_opening_back_once(
        self, practice, system, visit, patient_id
    ):
        booking_id, opening = visit
        ref = new_ref("cancel")
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, ref)
        assert practice.is_free(opening)
        assert practice.server.get("Appointment", booking_id)["status"] == "cancelled"
        system.book(opening, patient_id, TENTATIVE, new_ref("book"))
        again = system.set_booking_status(booking_id, BookingStatus.CANCELLED, ref)
        assert again.outcome is Outcome.EXISTED
        assert practice.slot(opening)["status"] == "busy"

    def test_a_visit_that_the_desk_cancelled_gives_its_opening_back(self, practice, system, visit):
        booking_id, opening = visit
        found = practice.server.get("Appointment", booking_id)
        practice.server.replace(found | {"status": "cancelled"})
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, new_ref("cancel"))
        assert practice.is_free(opening)

    def test_a_visit_whose_slot_the_desk_has_deleted_can_be_cancelled(
        self, practice, system, visit
    ):
        booking_id, opening = visit
        practice.server.delete("Slot", opening.token)
        ref = new_ref("cancel")
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, ref)
        assert practice.server.get("Appointment", booking_id)["status"] == "cancelled"
        assert system.find_by_ref(RecordKind.BOOKING, ref).id == booking_id

    def test_what_the_desk_has_written_beside_survives(self, practice, system, visit):
        booking_id, opening = visit
        found = practice.server.get("Appointment", booking_id)
        practice.server.replace(found | {"comment": "Bring the X-rays."})
        practice.server.replace(practice.slot(opening) | {"comment": "Room 2"})
        system.set_booking_status(booking_id, BookingStatus.CANCELLED, new_ref("cancel"))
        found = practice.server.get("Appointment", booking_id)
        assert (found["status"], found["comment"]) == ("cancelled", "Bring the X-rays.")
        assert (practice.slot(opening)["status"], practice.slot(opening)["comment"]) == (
            "free",
            "Room 2",
        )

    @pytest.mark.parametrize("status", ["cancelled", "noshow"])
    def test_a_visit_that_is_over_is_not_confirmed(self, practice, system, visit, status):
        found = practice.server.get("Appointment", visit[0])
        practice.server.replace(found | {"status": status})
        error = error_of(
            lambda: system.set_booking_status(visit[0], BookingStatus.BOOKED, new_ref("confirm"))
        )
        assert error.kind is ErrorKind.CONFLICT

    def test_a_visit_that_is_not_there_is_refused(self, system):
        error = error_of(
            lambda: system.set_booking_status("nothing", BookingStatus.BOOKED, new_ref("confirm"))
        )
        assert error.kind is ErrorKind.REJECTED


class TestItsOwnSoftware:
    """What the people of the practice do, done by sekmet's software and not by ours."""

    def test_a_clinic_that_it_has_laid_out_is_offered_and_booked(self, practice, patient_id):
        laid = practice.server.workflow("scheduling.create_schedule", days="1")
        system = practice.make(
            service_type_system="http://terminology.hl7.org/CodeSystem/service-type"
        )
        day = datetime.now(ZONE).date()
        query = OpeningQuery("124", day, day + timedelta(days=2))
        found = system.find_openings(query)
        assert {opening.token for opening in found} == {slot["id"] for slot in laid["slots"]}
        assert all(opening.provider and opening.place for opening in found)
        details = BookingDetails("124", BookingStatus.TENTATIVE)
        system.book(found[0], patient_id, details, new_ref("book"))
        assert system.find_openings(query) == found[1:]
        system.close()

    def test_a_slot_that_it_has_given_to_somebody_else_is_not_freed(
        self, practice, system, patient_id
    ):
        (opening,) = practice.openings(1)
        ours = system.book(opening, patient_id, TENTATIVE, new_ref("book")).id
        practice.server.workflow("scheduling.cancel", appointment=ours)
        practice.server.workflow("scheduling.book", patient=patient_id, slot=opening.token)
        ref = new_ref("cancel")
        system.set_booking_status(ours, BookingStatus.CANCELLED, ref)
        assert practice.slot(opening)["status"] == "busy"

    def test_a_slot_that_it_has_freed_and_that_we_gave_to_somebody_else_is_not_freed(
        self, practice, system, patient_id
    ):
        (opening,) = practice.openings(1)
        first = system.book(opening, patient_id, TENTATIVE, new_ref("book")).id
        practice.server.workflow("scheduling.cancel", appointment=first)
        system.book(opening, patient_id, TENTATIVE, new_ref("book"))
        system.set_booking_status(first, BookingStatus.CANCELLED, new_ref("cancel"))
        assert practice.slot(opening)["status"] == "busy"

    def test_a_slot_that_it_has_freed_is_claimed_again_by_the_same_ref(
        self, practice, system, patient_id
    ):
        (opening,) = practice.openings(1)
        ref = new_ref("book")
        with Scissors(6, is_sent=False) as scissors:
            cut_off = practice.make(transport=scissors)
            error = error_of(lambda: cut_off.book(opening, patient_id, TENTATIVE, ref))
            cut_off.close()
        assert error.kind is ErrorKind.AMBIGUOUS
        held = practice.slot(opening)
        assert held["status"] == "busy"
        practice.server.replace(held | {"status": "free"})
        made = system.book(opening, patient_id, TENTATIVE, ref)
        assert made.outcome is Outcome.CREATED
        assert practice.slot(opening)["status"] == "busy"


# All writes


def prepare(name: str, practice: Practice) -> Write:
    """Everything that must be there before the write, and the write itself."""
    system = practice.make()
    patient = new_patient()
    patient_id = system.create_patient(patient, new_ref("patient")).id
    policy = Insurance("aetna", "Aetna", "W1", "G1")
    summary = EligibilitySummary("active", "Aetna", "Copay $20", date(2026, 12, 1))
    (opening,) = practice.openings(1)
    booked = "" if name == "book" else system.book(opening, patient_id, TENTATIVE, new_ref("book"))
    system.close()
    kinds = {
        "create_patient": RecordKind.PATIENT,
        "put_insurance": RecordKind.INSURANCE,
        "record_eligibility": RecordKind.ELIGIBILITY,
    }
    acts: dict[str, Callable[[PracticeSystem, Ref], Receipt]] = {
        "create_patient": lambda system, ref: system.create_patient(patient, ref),
        "put_insurance": lambda system, ref: system.put_insurance(patient_id, policy, 1, ref),
        "book": lambda system, ref: system.book(opening, patient_id, TENTATIVE, ref),
        "confirm": lambda system, ref: system.set_booking_status(
            booked.id, BookingStatus.BOOKED, ref
        ),
        "cancel": lambda system, ref: system.set_booking_status(
            booked.id, BookingStatus.CANCELLED, ref
        ),
        "record_eligibility": lambda system, ref: system.record_eligibility(
            patient_id, summary, ref
        ),
    }
    kind = kinds.get(name, RecordKind.BOOKING)

    def counted(ref: Ref) -> int:
        if name == "cancel":
            assert practice.is_free(opening)
        return practice.count(kind, ref)

    return Write(acts[name], kind, counted)


WRITES = ["create_patient", "put_insurance", "book", "confirm", "cancel", "record_eligibility"]


@pytest.mark.parametrize("name", WRITES)
class TestWrites:
    def test_a_write_is_found_by_its_ref_and_is_not_done_twice(self, practice, system, name):
        write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
        assert system.find_by_ref(write.kind, ref) is None
        made = write.act(system, ref)
        found = system.find_by_ref(write.kind, ref)
        again = write.act(system, ref)
        assert made.outcome is Outcome.CREATED
        assert (found.id, found.outcome) == (again.id, again.outcome) == (made.id, Outcome.EXISTED)
        assert write.count(ref) == 1

    def test_a_write_that_is_cut_anywhere_happens_once(self, practice, system, name):
        for cut in range(1, 20):
            for is_sent in (False, True):
                write, ref = prepare(name, practice), new_ref(name.replace("_", "-"))
                with Scissors(cut, is_sent=is_sent) as scissors:
                    cut_off = practice.make(transport=scissors)
                    try:
                        receipt = write.act(cut_off, ref)
                    except PortError as failure:
                        assert failure.kind in (ErrorKind.AMBIGUOUS, ErrorKind.RETRYABLE)
                        receipt = settle(system, write, ref, failure)
                    cut_off.close()
                again = write.act(system, ref)
                assert (again.id, again.outcome) == (receipt.id, Outcome.EXISTED)
                assert write.count(ref) == 1
            if not scissors.has_cut:
                return
        raise AssertionError("the write has no end")


# At once


def test_one_ref_sent_by_eight_at_once_makes_one_record_or_a_look_tells(practice, system):
    """Its conditional create looks and creates in two steps: now and then there are two records.

    The engine looks after every send that had an earlier one in doubt.
    """
    for _ in range(20):
        patient, ref = new_patient(), new_ref("patient")
        got, lost = at_once(8, partial(send_patient, system, patient, ref))
        assert {failure.kind for failure in lost} <= {ErrorKind.REJECTED}
        if practice.count(RecordKind.PATIENT, ref) == 1:
            found = system.find_by_ref(RecordKind.PATIENT, ref)
            assert {receipt.id for receipt in got} == {found.id}
        else:
            error = error_of(lambda ref=ref: system.find_by_ref(RecordKind.PATIENT, ref))
            assert error.vendor_code == "duplicate_ref"


def send_patient(system: PracticeSystem, patient: Patient, ref: Ref, _place: int) -> Receipt:
    return system.create_patient(patient, ref)


# The server's own life


def test_a_visit_that_the_practice_has_confirmed_itself_is_confirmed(tmp_path):
    simulator = {"enabled": True, "delay_seconds": 0.1, "auto": ["Appointment"]}
    with practice_at(tmp_path, unused_port(), simulator=simulator) as practice:
        system = practice.make()
        patient_id = system.create_patient(new_patient(), new_ref("patient")).id
        (opening,) = practice.openings(1)
        booked = system.book(opening, patient_id, TENTATIVE, new_ref("book")).id
        wait_for(lambda: practice.server.get("Appointment", booked)["status"] == "booked")
        confirmed = system.set_booking_status(booked, BookingStatus.BOOKED, new_ref("confirm"))
        system.set_booking_status(booked, BookingStatus.CANCELLED, new_ref("cancel"))
        system.close()
        assert (confirmed.id, confirmed.outcome) == (booked, Outcome.EXISTED)
        assert practice.is_free(opening)


def test_a_server_that_comes_back_is_used_as_if_nothing_had_been(tmp_path):
    port, patient, ref = unused_port(), new_patient(), new_ref("patient")
    with practice_at(tmp_path, port) as practice:
        system = practice.make()
        made = system.create_patient(patient, ref)
    error = error_of(lambda: system.create_patient(patient, ref))
    assert error.kind in (ErrorKind.RETRYABLE, ErrorKind.AMBIGUOUS)
    with practice_at(tmp_path, port) as practice:
        again = system.create_patient(patient, ref)
        system.close()
        assert (again.id, again.outcome) == (made.id, Outcome.EXISTED)
        assert practice.count(RecordKind.PATIENT, ref) == 1


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
