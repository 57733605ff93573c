import email
import email.policy
import ssl
import time
from dataclasses import replace

import pytest
from cryptography import x509
from pydantic import ValidationError

from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.mapping import dot_stuffed
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.nouns.case import Outcome
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import Message
from tests.unit.connectors.certificates import self_signed
from tests.unit.connectors.mail_server import Server
from tests.unit.connectors.parts import (
    Calls,
    FixedClock,
    Secrets,
    Unlimited,
    peer,
    ref,
    reset,
    unused_port,
)

MAIL = Message(
    to="amy@mail.example.test",
    subject="Your visit is confirmed",
    text="Hello,\n.\n..two dots\n" + "ü" * 300 + "\n",
    calendar="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
)
REF = ref("confirm-by-mail")


def send(server: Server, message: Message = MAIL, **settings):
    with peer(server) as port:
        return messenger(port, **settings).send(message, REF)


def messenger(port: int, **settings) -> SmtpMessenger:
    chosen = {"host": "127.0.0.1", "tls": "none", "sender": "desk@clinic.example.test"} | settings
    return SmtpMessenger(
        "mail",
        SmtpSettings(port=port, **chosen),
        secrets=Secrets({"env:PASSWORD": "word"}),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
    )


def refused(server: Server, message: Message = MAIL, **settings) -> PortError:
    with pytest.raises(PortError) as caught:
        send(server, message, **settings)
    assert "example.test" not in repr(vars(caught.value)) + str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def received(server: Server) -> email.message.EmailMessage:
    content = server.mail.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    return email.message_from_bytes(content, policy=email.policy.default)


def test_a_mail_arrives_as_it_was_written():
    server = Server()
    receipt = send(server)
    mail = received(server)
    assert mail["To"] == MAIL.to
    assert mail["From"] == "desk@clinic.example.test"
    assert mail["Subject"] == MAIL.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body().get_content().replace("\r\n", "\n") == MAIL.text
    (calendar,) = mail.iter_attachments()
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_filename() == "visit.ics"
    assert calendar.get_content().splitlines() == MAIL.calendar.splitlines()
    assert receipt.outcome is Outcome.CREATED


def test_the_message_id_follows_from_the_ref_and_stays_on_one_line():
    server = Server()
    receipt = send(server)
    assert receipt.id == f"<{REF.value}@clinic.example.test>"
    assert f"\r\nMessage-ID: {receipt.id}\r\n".encode() in server.mail


def test_a_mail_without_a_calendar_has_no_attachment():
    server = Server()
    send(server, replace(MAIL, calendar=""))
    assert list(received(server).iter_attachments()) == []


@pytest.mark.parametrize(
    ("plain", "stuffed"),
    [
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b".x", b"..x\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
    ],
)
def test_a_dot_at_the_start_of_a_line_does_not_end_the_mail(plain, stuffed):
    assert dot_stuffed(plain) == stuffed


class TestBeforeTheFinalDot:
    @pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
    def test_a_lost_connection_can_be_tried_again(self, word):
        assert refused(Server({word: reset})).kind is ErrorKind.RETRYABLE

    @pytest.mark.parametrize("word", ["greeting", "MAIL", "RCPT", "DATA"])
    def test_a_4xx_can_be_tried_again(self, word):
        error = refused(Server({word: "451 later"}))
        assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "451")

    @pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
    def test_a_5xx_is_a_no(self, word):
        error = refused(Server({word: "550 amy@mail.example.test unknown"}))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "550")
        assert error.fields == (("to",) if word == "RCPT" else ())

    def test_nobody_listens(self):
        with pytest.raises(PortError) as caught:
            messenger(unused_port()).send(MAIL, REF)
        assert caught.value.kind is ErrorKind.RETRYABLE

    @pytest.mark.parametrize("word", ["greeting", "EHLO", "DATA"])
    def test_a_server_that_trickles_does_not_outlive_the_deadline(self, word):
        def trickle(connection):
            for _ in range(400):
                connection.sendall(b"2")
                time.sleep(0.05)

        began = time.monotonic()
        assert refused(Server({word: trickle}), deadline_s=0.5).kind is ErrorKind.RETRYABLE
        assert time.monotonic() - began < 10


class TestAfterTheFinalDot:
    def test_a_lost_connection_leaves_the_mail_in_doubt(self):
        assert refused(Server({"dot": reset})).kind is ErrorKind.AMBIGUOUS

    def test_silence_leaves_the_mail_in_doubt(self):
        def silent(connection):
            connection.recv(1)

        assert refused(Server({"dot": silent}), deadline_s=0.3).kind is ErrorKind.AMBIGUOUS

    @pytest.mark.parametrize(
        ("reply", "kind"), [("451 later", "retryable"), ("554 no", "rejected")]
    )
    def test_a_reply_settles_it(self, reply, kind):
        assert refused(Server({"dot": reply})).kind == kind

    def test_a_rude_goodbye_changes_nothing(self):
        assert send(Server({"QUIT": reset})).outcome is Outcome.CREATED


@pytest.mark.parametrize(
    "to",
    [
        "",
        "amy",
        "amy@",
        "amy@mail.example.test\r\nBcc: x@mail.example.test",
        "Amy <amy@mail.example.test>",
        "a,b@mail.example.test",
        "amü@mail.example.test",
    ],
)
def test_what_is_no_plain_address_is_refused_before_anything_is_sent(to):
    with pytest.raises(PortError) as caught:
        messenger(unused_port()).send(replace(MAIL, to=to), REF)
    assert (caught.value.kind, caught.value.fields) == (ErrorKind.REJECTED, ("to",))


@pytest.fixture
def encrypted(tmp_path):
    """A server's TLS context and the file of the authority that vouches for it."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


class TestEncryption:
    @pytest.mark.parametrize("way", ["starttls", "implicit"])
    def test_a_mail_goes_over_tls(self, encrypted, way):
        context, authority = encrypted
        starttls = {"EHLO": "250-sample\r\n250 STARTTLS"}
        server = Server(starttls, tls=context, implicit=way == "implicit")
        assert send(server, tls=way, ca_file=authority).outcome is Outcome.CREATED
        assert server.mail

    @pytest.mark.parametrize("way", ["starttls", "implicit"])
    def test_an_unknown_authority_gets_no_mail(self, encrypted, way):
        context, _ = encrypted
        starttls = {"EHLO": "250-sample\r\n250 STARTTLS"}
        server = Server(starttls, tls=context, implicit=way == "implicit")
        error = refused(server, tls=way)
        assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "tls_failed")
        assert not server.mail

    def test_a_certificate_for_another_name_gets_no_mail(self, tmp_path):
        certificate, key = self_signed(tmp_path, x509.DNSName("other.example.test"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = Server(tls=context, implicit=True)
        assert refused(server, tls="implicit", ca_file=certificate).vendor_code == "tls_failed"

    def test_a_server_that_does_not_offer_tls_gets_neither_mail_nor_password(self):
        server = Server()
        error = refused(server, tls="starttls", username="desk", password="env:PASSWORD")
        assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "tls_or_login_not_offered")
        assert [command.split()[0].upper() for command in server.commands] == ["EHLO"]

    def test_plain_text_is_for_this_machine(self):
        with pytest.raises(ValidationError, match="this machine"):
            SmtpSettings(host="mail.example.test", tls="none", sender="desk@clinic.example.test")


LOGIN = {"EHLO": "250-sample\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}


class TestSignIn:
    def test_the_password_comes_by_reference(self):
        server = Server(LOGIN)
        send(server, username="desk", password="env:PASSWORD")
        assert any(command.startswith("AUTH PLAIN") for command in server.commands)

    @pytest.mark.parametrize(("reply", "kind"), [("535 no", "auth"), ("454 later", "retryable")])
    def test_a_refused_password_stops_the_connection(self, reply, kind):
        server = Server(LOGIN | {"AUTH": reply})
        assert refused(server, username="desk", password="env:PASSWORD").kind == kind

    def test_a_server_that_wants_a_sign_in_stops_the_connection(self):
        assert refused(Server({"MAIL": "530 sign in first"})).kind is ErrorKind.AUTH


SIGN_IN = {"username": "desk", "password": "env:PASSWORD"}


def prove(server: Server, **settings) -> str:
    with peer(server) as port:
        try:
            messenger(port, **settings).prove()
        except PortError as error:
            return str(error.kind)
    return "ok"


@pytest.mark.parametrize(("answer", "shown"), [("235 in", "ok"), ("535 no", "auth")])
def test_a_password_is_proven_by_signing_in_and_sending_nothing(answer, shown):
    server = Server({"EHLO": "250-sample\r\n250 AUTH PLAIN", "AUTH": answer})
    assert prove(server, **SIGN_IN) == shown
    assert {line.split()[0].upper() for line in server.commands} <= {"EHLO", "AUTH", "QUIT"}


def test_a_server_that_wants_no_sign_in_proves_nothing():
    assert prove(Server()) == ErrorKind.UNSUPPORTED
