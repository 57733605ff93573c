"""What the house relies on in every messenger, on the wire and under every fault."""

from uuid import uuid4

import httpx2
import pytest

from cleargate.nouns.case import Outcome
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import Message
from tests.conformance.conftest import MessengerCase, new_ref


def new_mail() -> Message:
    return Message(
        to=f"{uuid4().hex}@mail.example.test",
        subject="Your visit is confirmed",
        text="See https://riverside.example.test/r/abc\n.\nGood-bye\n",
        calendar="BEGIN:VCALENDAR\r\nUID:visit-1\r\nEND:VCALENDAR\r\n",
    )


def received(case: MessengerCase, mail: Message) -> list[dict]:
    answer = httpx2.get(f"{case.world.ready['mailbox']}.json", params={"to": mail.to})
    return answer.json()


def test_a_mail_arrives_once_and_as_it_was_written(post):
    mail = new_mail()
    receipt = post.make().send(mail, new_ref("confirm-by-mail"))
    (found,) = received(post, mail)
    assert receipt.outcome is Outcome.CREATED
    assert found["subject"] == mail.subject
    assert found["text"].split() == mail.text.split()
    assert found["calendar"].split() == mail.calendar.split()
    assert found["message_id"].strip("<>") == receipt.id.strip("<>")


def test_a_mail_that_is_sent_again_has_the_same_id(post):
    mail, ref = new_mail(), new_ref("confirm-by-mail")
    messenger = post.make()
    assert messenger.send(mail, ref).id == messenger.send(mail, ref).id
    assert len({found["message_id"] for found in received(post, mail)}) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "arrived"),
    [("smtp_451", "retryable", 0), ("smtp_lost", "ambiguous", 1)],
)
def test_a_mail_that_fails_says_whether_it_may_have_arrived(post, fault, kind, arrived):
    mail, ref = new_mail(), new_ref("confirm-by-mail")
    post.world.fail(post.call, fault)
    with pytest.raises(PortError) as caught:
        post.make().send(mail, ref)
    assert caught.value.kind == kind
    assert mail.to not in repr(vars(caught.value)) + str(caught.value)
    assert len(received(post, mail)) == arrived
    post.make().send(mail, ref)
    assert len({found["message_id"] for found in received(post, mail)}) == 1


def test_a_mail_that_never_left_can_simply_be_sent_again(post):
    mail = new_mail()
    post.world.fail("connect:smtp", "refused")
    with pytest.raises(PortError) as caught:
        post.make().send(mail, new_ref("confirm-by-mail"))
    assert caught.value.kind is ErrorKind.RETRYABLE
    assert received(post, mail) == []


def test_what_is_no_address_is_refused(post):
    with pytest.raises(PortError) as caught:
        post.make().send(Message("no address", "x", "x"), new_ref("confirm-by-mail"))
    assert (caught.value.kind, caught.value.fields) == (ErrorKind.REJECTED, ("to",))
