"""Where an answer comes after its question: looked for until it is there, and asked for once."""

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Verdict
from cleargate.nouns.eligibility import Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError
from tests.conformance.clearinghouses import LATE, LOOKS_MAX, ClearinghouseCase, settled
from tests.conformance.conftest import new_ref
from tests.conformance.test_clearinghouse import asked, member


@pytest.fixture(scope="module", params=LATE, ids=lambda made: made.__name__.strip("_"))
def desk(request, world) -> ClearinghouseCase:
    """Each clearinghouse that has answers later."""
    return request.param(world)


@pytest.fixture
def clearinghouse(desk):
    made = desk.make()
    yield made
    made.close()


@pytest.fixture
def inquiry(desk):
    """A question to a payer that does not answer at once."""
    return member(desk, desk.late[0])


@pytest.fixture
def pending(clearinghouse, inquiry) -> Pending:
    found = clearinghouse.check_eligibility(inquiry, new_ref("ask"))
    assert isinstance(found, Pending)
    return found


def test_a_question_is_asked_once_however_often_its_answer_is_looked_for(
    desk, clearinghouse, inquiry, pending
):
    looks = [clearinghouse.poll(pending.token) for _ in range(LOOKS_MAX)]
    assert isinstance(looks[0], Pending)
    assert isinstance(looks[-1], RawAnswer)
    assert looks[-1] == looks[-2]
    assert asked(desk, inquiry) == 1
    assert inquiry.insurance.member_id not in pending.token


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("reset_before_commit", "retryable"),
        ("reset_after_commit", "retryable"),
        ("lost_reply", "retryable"),
        ("truncated_body", "retryable"),
        ("500", "retryable"),
        ("503", "retryable"),
        ("html_200", "retryable"),
        ("429", "rate_limited"),
    ],
)
def test_a_look_that_fails_is_repeated(desk, clearinghouse, inquiry, pending, fault, kind):
    """Looking asks nobody, so that nothing about it is in doubt."""
    desk.world.fail(desk.look, fault)
    with pytest.raises(PortError) as caught:
        clearinghouse.poll(pending.token)
    assert caught.value.kind == kind
    if fault == "html_200":
        assert caught.value.vendor_code == "unreadable_answer"
    answer = settled(clearinghouse, clearinghouse.poll(pending.token))
    assert answer.kind is desk.kind
    assert desk.holds(answer.content, inquiry.patient.name.family)
    assert asked(desk, inquiry) == 1


def test_a_token_that_ended_meanwhile_is_renewed_behind_a_look(
    desk, clearinghouse, inquiry, pending
):
    desk.world.fail(desk.look, "401")
    answer = settled(clearinghouse, clearinghouse.poll(pending.token))
    assert desk.holds(answer.content, inquiry.patient.name.family)


def test_a_look_whose_answer_is_spoilt_says_nothing_and_asks_nobody(
    desk, clearinghouse, inquiry, pending
):
    """Availity's status says enough that it is pending; pVerify's body alone would."""
    desk.world.fail(desk.look, "malformed")
    try:
        again = clearinghouse.poll(pending.token)
    except PortError as failure:
        assert failure.kind is ErrorKind.RETRYABLE
        again = clearinghouse.poll(pending.token)
    answer = settled(clearinghouse, again)
    assert desk.holds(answer.content, inquiry.patient.name.family)
    assert asked(desk, inquiry) == 1


def test_an_answer_that_is_gone_may_have_been_paid_for(desk, clearinghouse, inquiry, pending):
    """Where answers are forgotten, a person decides; where they are not, the vendor says its no."""
    stranger = "0" + pending.token[1:][::-1]
    if desk.forgets:
        with pytest.raises(PortError) as caught:
            clearinghouse.poll(stranger)
        assert caught.value.kind is ErrorKind.AMBIGUOUS
    else:
        answer = clearinghouse.poll(stranger)
        (coverage,) = read_answers(answer.content, ("PT",), inquiry.service_date).coverages
        assert coverage.verdict is Verdict.UNDETERMINED
