"""TLS to everything outside: real servers, refused unless version, authority, name and date fit."""

import socket
import ssl
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.connectors.wires.addresses import Reach
from cleargate.connectors.wires.deadline import DeadlineTransport
from cleargate.connectors.wires.http import Http, HttpSettings, tls_context
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import Message
from tests.unit.connectors.authority import VENDOR, Authority
from tests.unit.connectors.parts import (
    Calls,
    FixedClock,
    Secrets,
    Unlimited,
    peer,
    read_request,
    ref,
)
from tests.unit.connectors.test_smtp import Server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = b"what nobody else may read"


def here(host: str, port: int) -> list[str]:
    """A resolver by which the vendor's name leads to this machine, which the settings list."""
    return ["127.0.0.1"]


def too_old(authority: Authority) -> ssl.SSLContext:
    """A server that speaks TLS 1.1 at the most, though its certificate is right."""
    context = authority.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


WRONG: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "TLS 1.1 only": too_old,
    "signed by itself": lambda authority: Authority(authority.file.parent / "another").server(),
    "for another name": lambda authority: authority.server("other.example.test"),
    "expired": lambda authority: authority.server(life=timedelta(days=-1)),
}


def serving(context: ssl.SSLContext, heard: list[bytes]):
    def handler(connection):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            heard.append(read_request(encrypted))
            encrypted.sendall(OK)

    return handler


def over_http(context: ssl.SSLContext, ca_file: Path | None, heard: list[bytes]) -> int:
    with peer(serving(context, heard)) as port:
        settings = HttpSettings(
            base_url=f"https://{VENDOR}:{port}", deadline_s=5, allow_private=["127.0.0.1"]
        )
        transport = DeadlineTransport(tls_context(ca_file), 1, Reach(settings.allow_private, here))
        http = Http(
            "desk",
            settings,
            secrets=Secrets(),
            budget=Unlimited(),
            recorder=Calls(),
            transport=transport,
        )
        try:
            return http.call(
                "POST", settings.base_url, operation="sample", write=True, content=SECRET
            ).status
        finally:
            http.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_vendor_whose_tls_is_wrong_gets_nothing(authority: Authority, wrong: str) -> None:
    heard: list[bytes] = []
    with pytest.raises(PortError) as caught:
        over_http(WRONG[wrong](authority), authority.file, heard)
    assert (caught.value.kind, caught.value.vendor_code) == (ErrorKind.RETRYABLE, "tls_failed")
    assert heard == []


def test_a_vendor_whose_authority_is_listed_is_spoken_to(authority: Authority) -> None:
    heard: list[bytes] = []
    assert over_http(authority.server(), authority.file, heard) == 200
    assert SECRET in heard[0]


def test_without_the_authoritys_file_the_right_certificate_is_a_strangers(
    authority: Authority,
) -> None:
    with pytest.raises(PortError, match="tls_failed"):
        over_http(authority.server(), None, [])


def test_the_server_that_is_too_old_does_speak_to_whoever_lets_it(authority: Authority) -> None:
    """So that its refusal is ours."""
    heard: list[bytes] = []
    with peer(serving(too_old(authority), heard)) as port:
        lax = ssl.create_default_context(cafile=authority.file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            lax.minimum_version = ssl.TLSVersion.TLSv1
        lax.set_ciphers("ALL:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", port), 5) as line,
            lax.wrap_socket(line, server_hostname=VENDOR) as encrypted,
        ):
            assert encrypted.version() == "TLSv1.1"
            encrypted.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert encrypted.recv(100).startswith(b"HTTP/1.1 200")


def post(server: Server, port: int, ca_file: Path | None, tls: str) -> None:
    messenger = SmtpMessenger(
        "mail",
        SmtpSettings(
            host=VENDOR,
            port=port,
            tls=tls,
            ca_file=ca_file,
            allow_private=["127.0.0.1"],
            sender="desk@clinic.example.test",
            username="desk",
            password="env:PASSWORD",
        ),
        secrets=Secrets({"env:PASSWORD": "word"}),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        resolve=here,
    )
    messenger.send(Message("amy@mail.example.test", "subject", "text"), ref())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_mail_server_whose_tls_is_wrong_gets_neither_password_nor_mail(
    authority: Authority, wrong: str, tls: str
) -> None:
    server = Server(tls=WRONG[wrong](authority), implicit=tls == "implicit")
    server.replies["EHLO"] = "250-sample\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    with peer(server) as port, pytest.raises(PortError) as caught:
        post(server, port, authority.file, tls)
    assert (caught.value.kind, caught.value.vendor_code) == (ErrorKind.RETRYABLE, "tls_failed")
    assert [line.split()[0] for line in server.commands] in ([], ["ehlo", "STARTTLS"])
    assert server.mail == b""


@pytest.mark.parametrize(
    ("offer", "reply"),
    [("250-sample\r\n250 AUTH PLAIN", "220 go on"), ("250 STARTTLS", "454 not now")],
    ids=["not offered", "refused"],
)
def test_a_mail_server_without_tls_gets_neither_password_nor_mail(
    authority: Authority, offer: str, reply: str
) -> None:
    """A machine in between that takes STARTTLS out of the greeting gains nothing by it."""
    server = Server({"EHLO": offer, "STARTTLS": reply}, tls=authority.server())
    with peer(server) as port, pytest.raises(PortError):
        post(server, port, authority.file, "starttls")
    assert {line.split()[0].upper() for line in server.commands} <= {"EHLO", "STARTTLS", "HELO"}
    assert server.mail == b""


def test_a_mail_server_whose_authority_is_listed_gets_the_mail(authority: Authority) -> None:
    server = Server(tls=authority.server())
    server.replies |= {"EHLO": "250-sample\r\n250-AUTH PLAIN\r\n250 STARTTLS", "AUTH": "235 in"}
    with peer(server) as port:
        post(server, port, authority.file, "starttls")
    assert b"subject" in server.mail


def test_outside_this_machine_no_mail_setting_turns_tls_off() -> None:
    with pytest.raises(ValueError, match="only when the host is this machine"):
        SmtpSettings(host=VENDOR, tls="none", sender="desk@clinic.example.test")


def test_no_file_of_ours_turns_verification_off() -> None:
    sources = Path(__file__).parents[3] / "src"
    for path in sources.rglob("*.py"):
        text = path.read_text()
        for word in ("verify=False", "CERT_NONE", "check_hostname = False", "_create_unverified"):
            assert word not in text, f"{path}: {word}"
