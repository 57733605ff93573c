import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cleargate.connectors.fhir.mapping import (
    appointment_resource,
    claimed,
    coverage_resource,
    display_name,
    eligibility_resource,
    escaped,
    national_number,
    opening,
    patient_record,
    patient_resource,
    released,
    unmarked,
    with_status,
)
from cleargate.connectors.fhir.resources import Head, NamedView, PatientView, Reference, SlotView
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.ids import REF_SYSTEM
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Address, Contact, Name, Patient, PatientQuery, Sex
from tests.unit.connectors.parts import ref

BORN = date(1987, 2, 20)
PERSON = Patient(
    Name("Testperson", "Amy Jo"),
    BORN,
    Sex.FEMALE,
    Contact(
        "amy@mail.example.test", "+12145550123", Address("1 Sample St", "Dallas", "TX", "75201")
    ),
)
QUERY = PatientQuery(PERSON.name, BORN, PERSON.contact)
CHICAGO = ZoneInfo("America/Chicago")


def view(**members) -> PatientView:
    return PatientView.model_validate({"resourceType": "Patient", "id": "p1"} | members)


def test_a_patient_comes_back_as_it_was_written():
    written = patient_resource(PERSON, ref())
    record = patient_record(PatientView.model_validate(written), QUERY)
    assert record.patient == PERSON


def test_empty_members_are_left_out_of_a_patient():
    bare = Patient(Name("Testperson"), BORN, Sex.UNKNOWN, Contact(address=Address("", "", "", "1")))
    written = patient_resource(bare, ref())
    assert '""' not in json.dumps(written)
    assert "[]" not in json.dumps(written)
    assert "telecom" not in written


def test_a_record_is_shown_by_the_name_phone_and_mail_that_were_asked_for():
    record = patient_record(
        view(
            birthDate="1987-02-20",
            name=[
                {"family": "Sample", "given": ["Amy"]},
                {"family": "TESTPERSON", "given": ["Amy"]},
            ],
            telecom=[
                {"system": "phone", "value": "(214) 555-0199"},
                {"system": "phone", "value": "(214) 555-0123"},
                {"system": "email", "value": "other@mail.example.test"},
                {"system": "email", "value": "Amy@mail.example.test"},
            ],
        ),
        QUERY,
    )
    assert record.patient.name.family == "TESTPERSON"
    assert record.patient.contact.phone == "+12145550123"
    assert record.patient.contact.email == "Amy@mail.example.test"


@pytest.mark.parametrize("born", ["", "1987", "1987-02", "1987-02-31", "unknown"])
def test_a_record_without_a_whole_birth_date_answers_no_question(born):
    assert patient_record(view(birthDate=born, name=[{"family": "Testperson"}]), QUERY) is None


def test_a_subscriber_who_is_not_the_patient_is_contained():
    holder = Subscriber(Name("Testperson", "Pat"), date(1960, 1, 1), Sex.MALE)
    policy = Insurance("aetna", "Aetna", "W1", "G1", Relationship.CHILD, holder)
    written = coverage_resource("p1", policy, 2, ref())
    assert written["subscriber"] == {"reference": "#subscriber"}
    assert written["contained"][0]["birthDate"] == "1960-01-01"
    assert (written["order"], written["subscriberId"]) == (2, "W1")


def test_the_patient_is_the_subscriber_of_an_own_policy():
    written = coverage_resource("p1", Insurance("", "Small Plan", "W1"), 1, ref())
    assert written["subscriber"] == written["beneficiary"] == {"reference": "Patient/p1"}
    assert written["payor"] == [{"display": "Small Plan"}]


def test_an_appointment_has_both_times_with_their_offset():
    start = datetime(2026, 12, 1, 9, 0, tzinfo=CHICAGO)
    taken = Opening(start, timedelta(minutes=60), "Dr. Sample", "Main", "s1")
    details = BookingDetails("eval", BookingStatus.TENTATIVE, "new patient")
    written = appointment_resource(taken, "p1", details, "urn:x", ref())
    assert written["start"] == "2026-12-01T09:00:00-06:00"
    assert written["end"] == "2026-12-01T10:00:00-06:00"
    assert written["status"] == "pending"
    assert written["slot"] == [{"reference": "Slot/s1"}]


def test_an_eligibility_answer_names_its_question_by_our_ref():
    summary = EligibilitySummary("active", "Aetna", "Copay $20", date(2026, 12, 1))
    written = eligibility_resource("p1", summary, ref())
    assert written["request"]["identifier"] == {"system": REF_SYSTEM, "value": ref().value}
    assert written["disposition"] == "active: Copay $20"


def test_an_opening_starts_in_the_office_zone():
    slot = SlotView.model_validate(
        {"id": "s1", "start": "2026-12-01T15:00:00Z", "end": "2026-12-01T15:30:00Z"}
    )
    found = opening(slot, "Dr. Sample", "Main", CHICAGO)
    assert (found.start.hour, found.duration) == (9, timedelta(minutes=30))
    assert found.start == datetime(2026, 12, 1, 15, tzinfo=UTC)


SLOT = {
    "resourceType": "Slot",
    "id": "s1",
    "status": "free",
    "identifier": [{"system": "theirs", "value": "7"}],
    "extension": [{"url": "kept"}],
}


def test_a_claim_and_a_release_leave_the_rest_of_a_slot_alone():
    held = claimed(SLOT, ref())
    assert held["status"] == "busy"
    assert {"system": REF_SYSTEM, "value": ref().value} in held["identifier"]
    assert released(held) == SLOT


def test_a_claim_drops_the_mark_of_a_visit_that_was_there_before():
    again = claimed(claimed(SLOT, ref("book", 1)) | {"status": "free"}, ref("book", 2))
    assert Head.model_validate(again).our_refs() == {ref("book", 2).value}
    assert released(again) == SLOT


def test_a_mark_can_be_taken_from_a_slot_that_stays_busy():
    held = claimed(SLOT, ref())
    assert unmarked(held, frozenset({ref().value})) == SLOT | {"status": "busy"}
    assert unmarked(held, frozenset({ref("book", 2).value})) == held


def test_a_release_leaves_no_empty_list_behind():
    bare = {name: value for name, value in SLOT.items() if name != "identifier"}
    assert released(claimed(bare, ref())) == bare


def test_a_status_change_is_marked_once_and_changes_nothing_in_its_source():
    before = {"resourceType": "Appointment", "status": "pending", "comment": "kept"}
    once = with_status(before, BookingStatus.BOOKED, ref("confirm"))
    twice = with_status(once, BookingStatus.BOOKED, ref("confirm"))
    assert once == twice
    assert (once["status"], once["comment"], len(once["identifier"])) == ("booked", "kept", 1)
    assert before["status"] == "pending"


@pytest.mark.parametrize(
    ("raw", "sent"), [("O'Sample", "O'Sample"), ("a,b", r"a\,b"), ("$x|y\\z", r"\$x\|y\\z")]
)
def test_separators_in_a_search_value_are_no_separators(raw, sent):
    assert escaped(raw) == sent


def test_a_phone_is_searched_in_both_of_its_usual_forms():
    assert national_number("+12145550123") == "+12145550123,2145550123"


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"name": "Main Office"}, "Main Office"),
        ({"name": [{"given": ["Pat"], "family": "Sample"}]}, "Pat Sample"),
        ({"name": [{"text": "Dr. Sample"}]}, "Dr. Sample"),
        ({"practitioner": {"display": "Dr. Sample"}}, "Dr. Sample"),
        ({"name": []}, ""),
    ],
)
def test_a_provider_or_place_is_called_as_the_server_calls_it(members, name):
    assert display_name(NamedView.model_validate(members)) == name


@pytest.mark.parametrize(
    ("reference", "kind", "record_id"),
    [
        ("Slot/1", "Slot", "1"),
        ("http://ehr.example.test/fhir/Slot/1/_history/4", "Slot", "1"),
        ("#contained", "", ""),
        ("", "", ""),
    ],
)
def test_a_reference_is_read_in_each_of_its_forms(reference, kind, record_id):
    found = Reference(reference=reference)
    assert (found.type, found.id) == (kind, record_id)
