"""What the house relies on in every clearinghouse, on the wire and under every fault."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import ReasonKind
from cleargate.nouns.eligibility import Asker, ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from cleargate.sandbox.members import State
from tests.conformance.clearinghouses import PAYERS, ClearinghouseCase, ask, settled
from tests.conformance.conftest import new_ref

_numbers = iter(range(1, 100_000))


def member(case: ClearinghouseCase, payer: str, state: str = "active") -> Inquiry:
    """A question about somebody whom the payer has just enrolled."""
    number = next(_numbers)
    born = date(1987, 2, 20)
    inquiry = Inquiry(
        payer_code=payer,
        payer_name="Sample Payer",
        asker=Asker("Riverside Therapy", "1234567893"),
        patient=Patient(Name(f"Testperson{number}", "Amy"), born, Sex.FEMALE, Contact()),
        insurance=Insurance("", "Sample Payer", f"W{number:09d}", "G1"),
        service_types=("PT",),
        service_date=datetime.now(UTC).date(),
        trace=new_ref("ask").case.hex,
    )
    enrol(case, inquiry, state=state)
    return inquiry


def enrol(case: ClearinghouseCase, inquiry: Inquiry, **more) -> None:
    """Make the patient a member of the payer, or the same member with more to say."""
    enrolled = {
        "payer": inquiry.payer_code,
        "member_id": inquiry.insurance.member_id,
        "group": "G1",
        "family": inquiry.patient.name.family,
        "given": inquiry.patient.name.given,
        "birth_date": inquiry.patient.birth_date.isoformat(),
        "sex": "female",
    }
    case.world.admin("people", {"members": [enrolled | more], "patients": []})


def asked(case: ClearinghouseCase, inquiry: Inquiry) -> int:
    """How often the payer was asked."""
    questions = case.world.ledger("questions")
    return len([q for q in questions if q["member_id"] == inquiry.insurance.member_id])


@pytest.fixture
def clearinghouse(desk):
    """A connector with its own connections."""
    made = desk.make()
    yield made
    made.close()


@pytest.mark.parametrize("payer", PAYERS)
def test_every_payer_is_understood_whatever_its_wrapping(desk, clearinghouse, payer):
    inquiry = member(desk, payer)
    first = clearinghouse.check_eligibility(inquiry, new_ref("ask"))
    assert isinstance(first, Pending) == (payer in desk.late)
    answer = settled(clearinghouse, first)
    assert answer.kind is desk.kind
    assert desk.holds(answer.content, inquiry.patient.name.family)
    assert asked(desk, inquiry) == 1


@pytest.mark.parametrize(
    "state", [state for state in State if not state.startswith("aaa_") and state != "truncated"]
)
def test_whatever_a_payer_has_to_say_is_an_answer(desk, clearinghouse, state):
    inquiry = member(desk, "62308", state)
    answer = ask(clearinghouse, inquiry, new_ref("ask"))
    assert answer.kind is desk.kind
    somebody_else = state == "wrong_patient"
    assert desk.holds(answer.content, inquiry.patient.name.family) is not somebody_else


def test_a_dependent_is_asked_about_as_one(desk, clearinghouse):
    inquiry = member(desk, "60054")
    holder = Subscriber(inquiry.patient.name, inquiry.patient.birth_date, inquiry.patient.sex)
    child = Patient(Name("Childperson", "Bo"), date(2015, 5, 6), Sex.MALE, Contact())
    told = {"family": "Childperson", "given": "Bo", "birth_date": "2015-05-06", "sex": "male"}
    enrol(desk, inquiry, dependents=[told | {"relationship": "child"}])
    policy = replace(inquiry.insurance, subscriber=holder, relationship=Relationship.CHILD)
    inquiry = replace(inquiry, patient=child, insurance=policy)
    answer = ask(clearinghouse, inquiry, new_ref("ask"))
    assert answer.kind is desk.kind
    assert desk.holds(answer.content, "Childperson")
    assert desk.holds(answer.content, holder.name.family)


@pytest.mark.parametrize(
    ("payer", "state", "code"),
    [
        ("60054", "aaa_72", "72"),
        ("60054", "aaa_75", "75"),
        ("60054", "aaa_42_always", "42"),
        ("NOBODY", "active", "79"),
    ],
)
def test_a_payers_no_is_an_answer_and_no_error(desk, clearinghouse, payer, state, code):
    answer = ask(clearinghouse, member(desk, payer, state), new_ref("ask"))
    assert answer.kind is (desk.kind if code != "79" else desk.unknown_payer or desk.kind)
    assert desk.refuses(answer.content, code)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("reset_before_commit", "ambiguous"),
        ("reset_after_commit", "ambiguous"),
        ("lost_reply", "ambiguous"),
        ("truncated_body", "ambiguous"),
        ("500", "ambiguous"),
        ("503", "ambiguous"),
        ("429", "rate_limited"),
    ],
)
def test_a_question_that_fails_says_whether_it_may_have_been_asked(
    desk, clearinghouse, fault, kind
):
    inquiry, ref = member(desk, "60054"), new_ref("ask")
    desk.world.fail(desk.call.format("60054"), fault)
    with pytest.raises(PortError) as caught:
        clearinghouse.check_eligibility(inquiry, ref)
    assert caught.value.kind == kind
    assert inquiry.patient.name.family not in repr(vars(caught.value))
    answer = ask(clearinghouse, inquiry, ref)
    assert answer.kind is desk.kind


@pytest.mark.parametrize("fault", ["html_200", "malformed"])
def test_a_success_that_cannot_be_read_is_kept_whole(desk, clearinghouse, fault):
    if desk.answered_at and fault == "html_200":
        pytest.skip("a page is no answer where the answer can be looked for again")
    desk.spoil(fault)
    answer = ask(clearinghouse, member(desk, "60054"), new_ref("ask"))
    assert isinstance(answer, RawAnswer)
    assert answer.kind is (desk.garbled if fault == "malformed" else ContentKind.TEXT)
    assert len(answer.content) > 20


def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came(desk, clearinghouse):
    whole = ask(clearinghouse, member(desk, "60054"), new_ref("ask"))
    by_payer = member(desk, "60054", "truncated")
    answer = ask(clearinghouse, by_payer, new_ref("ask"))
    assert answer.kind is desk.broken
    assert 500 < len(answer.content) < len(whole.content)
    assert by_payer.patient.name.family.upper().encode() in answer.content
    desk.spoil(desk.cut)
    answer = ask(clearinghouse, member(desk, "60054"), new_ref("ask"))
    assert answer.kind is desk.broken
    assert 500 < len(answer.content) < len(whole.content)


def test_silence_ends_at_the_deadline(desk):
    clearinghouse = desk.make(deadline_s=1.0)
    inquiry = member(desk, "60054")
    desk.world.fail(desk.call.format("60054"), "hang")
    with pytest.raises(PortError) as caught:
        clearinghouse.check_eligibility(inquiry, new_ref("ask"))
    clearinghouse.close()
    assert (caught.value.kind, caught.value.vendor_code) == (ErrorKind.AMBIGUOUS, "timeout")


def test_a_question_that_never_left_was_not_asked(desk, clearinghouse):
    inquiry = member(desk, "60054")
    desk.world.fail("connect:http", "refused")
    with pytest.raises(PortError) as caught:
        clearinghouse.check_eligibility(inquiry, new_ref("ask"))
    assert caught.value.kind in (ErrorKind.RETRYABLE, ErrorKind.AMBIGUOUS)
    assert asked(desk, inquiry) == 0
    ask(clearinghouse, inquiry, new_ref("ask"))
    assert asked(desk, inquiry) == 1


def test_wrong_credentials_stop_the_connection(desk):
    clearinghouse = desk.make(**desk.stranger)
    with pytest.raises(PortError) as caught:
        clearinghouse.check_eligibility(member(desk, "60054"), new_ref("ask"))
    clearinghouse.close()
    assert caught.value.kind is ErrorKind.AUTH


def test_what_the_clearinghouse_refuses_is_told_by_name(desk):
    settings, changes, fields = desk.wrong
    clearinghouse = desk.make(**settings)
    inquiry = replace(member(desk, "60054"), **changes)
    if desk.answers_refusals:
        answer = ask(clearinghouse, inquiry, new_ref("ask"))
        (coverage,) = read_answers(answer.content, ("PT",), inquiry.service_date).coverages
        kinds = {reason.kind for reason in coverage.reasons}
        assert kinds in ({ReasonKind.DATA_WRONG}, {ReasonKind.FOR_A_PERSON})
        named = (reason.field for reason in coverage.reasons)
        assert tuple(filter(None, named)) == fields
    else:
        with pytest.raises(PortError) as caught:
            clearinghouse.check_eligibility(inquiry, new_ref("ask"))
        assert (caught.value.kind, caught.value.fields) == (ErrorKind.REJECTED, fields)
    clearinghouse.close()
    assert asked(desk, inquiry) == 0


def test_a_pending_answer_is_nothing_that_real_time_knows(desk, clearinghouse):
    """Where answers may come later, a token that is none is refused before it is sent."""
    with pytest.raises(PortError) as caught:
        clearinghouse.poll("no/token")
    assert caught.value.kind is (ErrorKind.REJECTED if desk.late else ErrorKind.UNSUPPORTED)
