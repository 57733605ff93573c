"""Whatever a connector calls, it tells: each call by a fixed name, and none with a value."""

from collections import Counter
from collections.abc import Callable

from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import Outcome
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.outside import ASK, MINT, POLL, SEND, Left, OutsideCall
from cleargate.nouns.patient import PatientQuery
from tests.conformance.clearinghouses import ask
from tests.conformance.conftest import new_ref
from tests.conformance.outside import World
from tests.conformance.test_clearinghouse import member
from tests.conformance.test_messenger import new_mail
from tests.conformance.test_practice_system import TENTATIVE, new_patient, openings


def told(world: World, act: Callable[[], object]) -> list[OutsideCall]:
    """The calls that something makes, which are exactly those that arrive."""
    before, came = len(world.calls), len(world.received())
    act()
    calls = world.calls[before:]
    arrived = Counter(line["digest"] for line in world.received()[came:])
    assert arrived == Counter(call.digest_out for call in calls)
    assert all(call.left is Left.YES and call.host == "127.0.0.1" for call in calls)
    return calls


def holds_none_of(calls: list[OutsideCall], *needles: str) -> bool:
    """Whether no value is in any field, whatever its case."""
    text = repr(calls).casefold()
    return not [needle for needle in needles if needle.casefold() in text]


def test_a_clearinghouse_tells_of_its_question_its_looks_and_its_tokens(desk):
    clearinghouse, inquiry = desk.make(), member(desk, "60054")
    calls = told(desk.world, lambda: ask(clearinghouse, inquiry, new_ref("ask")))
    clearinghouse.close()
    names = [call.operation for call in calls]
    assert names.count(ASK) == 1
    assert set(names) <= {MINT, ASK, POLL}
    assert all(call.answered and call.connection == "desk" for call in calls)
    assert all(call.bytes_in and call.digest_in for call in calls)
    born = inquiry.patient.birth_date
    assert holds_none_of(
        calls,
        inquiry.patient.name.family,
        inquiry.insurance.member_id,
        born.isoformat(),
        born.strftime("%Y%m%d"),
    )


def test_a_practice_system_tells_of_every_part_and_page(practice):
    system = practice.make(page_size=20)
    patient = new_patient()
    query = PatientQuery(patient.name, patient.birth_date, patient.contact)
    policy = Insurance("aetna", "Aetna", "MEMBER-0815")
    made = []

    def walk() -> None:
        system.find_patients(query)
        made.append(system.create_patient(patient, new_ref("patient")))
        system.put_insurance(made[0].id, policy, 1, new_ref("insurance"))
        opening = openings(practice, system)[0]
        booked = system.book(opening, made[0].id, TENTATIVE, new_ref("book"))
        assert booked.outcome is Outcome.CREATED
        system.set_booking_status(booked.id, BookingStatus.BOOKED, new_ref("confirm"))
        made.append(booked)

    calls = told(practice.world, walk)
    system.close()
    names = Counter(call.operation for call in calls)
    assert all(names[each] for each in _parts(system)), names
    assert names["search:Slot"] > 1, "each page is a call"
    assert all(call.connection == "ehr" for call in calls)
    assert holds_none_of(
        calls,
        patient.name.family,
        patient.birth_date.isoformat(),
        patient.contact.email,
        policy.member_id,
        *(f"/{record.id}" for record in made),
    )


def _parts(system: FhirPracticeSystem) -> tuple[str, ...]:
    """What a walk calls at least, by the system's own names."""
    return {
        FhirPracticeSystem: (
            "search:Patient",
            "create:Patient",
            "create:Coverage",
            "update:Slot",
            "create:Appointment",
            "update:Appointment",
        )
    }[type(system)]


def test_a_messenger_tells_of_a_mail_and_of_no_address(post):
    mail = new_mail()
    [call] = told(post.world, lambda: post.make().send(mail, new_ref("confirm-by-mail")))
    assert (call.operation, call.outcome, call.recipients) == (SEND, "250", 1)
    assert holds_none_of([call], mail.to, mail.to.partition("@")[0], mail.subject)


def test_a_mail_that_was_not_taken_is_told_as_far_as_it_went(post):
    post.world.fail(post.call, "smtp_451")
    before = len(post.world.calls)
    try:
        post.make().send(new_mail(), new_ref("confirm-by-mail"))
    except Exception as error:
        assert error.vendor_code == "451"
    [call] = post.world.calls[before:]
    assert (call.outcome, call.left, call.answered) == ("451", Left.YES, False)
