"""What the doctor relies on in every connector: where it calls, and whether it is let in."""

from urllib.parse import urlsplit

import pytest

from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import Encryption

FREE_TO_TRY = {"optum", "availity", "pverify"}
"""Clearinghouses whose tokens cost nothing; of the others only a paid question would show."""


def proves(client) -> bool:
    """Whether a sign-in was tried; a failure is raised."""
    try:
        client.prove()
    except PortError as failure:
        if failure.kind is ErrorKind.UNSUPPORTED:
            return False
        raise
    return True


def _questions(desk) -> int:
    return len(desk.world.ledger("questions"))


def test_a_clearinghouse_is_tried_without_asking_anything(desk):
    before = _questions(desk)
    clearinghouse = desk.make()
    [line] = clearinghouse.lines
    assert (line.host, line.encryption) == ("127.0.0.1", Encryption.NONE)
    vendor = type(clearinghouse).__module__.split(".")[-2]
    assert proves(clearinghouse) is (vendor in FREE_TO_TRY)
    assert proves(clearinghouse) is (vendor in FREE_TO_TRY), "and again with a token in force"
    clearinghouse.close()
    assert _questions(desk) == before


def test_a_clearinghouse_that_does_not_let_us_in_is_found_out_where_it_is_free(desk):
    clearinghouse = desk.make(**desk.stranger)
    if type(clearinghouse).__module__.split(".")[-2] not in FREE_TO_TRY:
        assert proves(clearinghouse) is False
        clearinghouse.close()
        return
    with pytest.raises(PortError) as caught:
        proves(clearinghouse)
    clearinghouse.close()
    assert caught.value.kind is ErrorKind.AUTH
    assert "wrong" not in str(caught.value)


def test_a_practice_system_is_tried_by_what_it_can_and_by_a_token(practice):
    system = practice.make()
    hosts = {line.host for line in system.lines}
    assert hosts == {urlsplit(practice.world.ready["base_url"]).hostname}
    assert proves(system)
    practice.world.fail("ehr:riverside:token", "503")
    with pytest.raises(PortError):
        proves(system)
    assert proves(system)
    system.close()


def test_a_mail_server_is_tried_without_a_mail(post):
    messenger = post.make()
    [line] = messenger.lines
    assert line.port == post.world.ready["smtp"]["port"]
    assert not proves(messenger), "the sandbox wants no sign-in"
    with pytest.raises(PortError) as caught:
        proves(post.make(port=9))
    assert caught.value.vendor_code == "connect_failed"


def test_a_mail_server_that_offers_no_sign_in_is_told(post):
    """The password is not sent where nobody asks for it."""
    with pytest.raises(PortError) as caught:
        proves(post.make(username="desk"))
    assert caught.value.kind is ErrorKind.AUTH
