"""A mail server with encryption and a password: broken in each way, told, and mended."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cleargate.app import connections
from cleargate.house import House as Opened
from cleargate.operations.doctor.connections import connection_checks
from cleargate.operations.doctor.examine import examine
from cleargate.operations.doctor.finding import Finding
from tests.unit.connectors.certificates import self_signed
from tests.unit.connectors.parts import peer
from tests.unit.connectors.test_smtp import Server, messenger
from tests.unit.operations.doctor.conftest import told

OFFERS = {"EHLO": "250-sample\r\n250-STARTTLS\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}
ENDS_SOON = "the certificate ends in 0 days."


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[ssl.SSLContext, Path]]:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    yield context, certificate


def _looked(
    opened: Opened, replies: Mapping[str, str], tls: ssl.SSLContext, authority: Path | None
) -> tuple[list[Finding], list[str]]:
    """What the doctor says of a mail server, and what that server was told."""
    servers = [Server(dict(replies), tls=tls) for _ in range(2)]
    first = next(each for each in connections(opened) if each.table.name == "mail")
    with peer(*servers) as port:
        given = {"tls": "starttls", "username": "desk", "password": "env:PASSWORD"}
        client = messenger(port, ca_file=authority, **given)
        [report] = examine(opened, connection_checks([replace(first, build=lambda: client)]))
    return list(report.findings), [each for server in servers for each in server.commands]


def test_a_mail_server_is_signed_in_to_and_given_no_mail(
    opened: Opened, secure: tuple[ssl.SSLContext, Path]
) -> None:
    findings, commands = _looked(opened, OFFERS, *secure)
    assert [what for what, _ in told(findings) if not what.endswith(ENDS_SOON)] == []
    assert findings[0].what.endswith("is encrypted with TLSv1.3.")
    assert findings[-1].what == "The vendor lets us in."
    assert {each.split()[0].upper() for each in commands} == {"EHLO", "STARTTLS", "AUTH"}


def test_a_wrong_password_is_told_and_a_right_one_mends_it(
    opened: Opened, secure: tuple[ssl.SSLContext, Path]
) -> None:
    findings, _ = _looked(opened, OFFERS | {"AUTH": "535 no"}, *secure)
    assert told(findings)[-1] == (
        "The vendor does not let us in (535).",
        "Renew the credentials, and put them where practice.toml refers to.",
    )
    findings, _ = _looked(opened, OFFERS, *secure)
    assert findings[-1].what == "The vendor lets us in."


def test_where_nothing_is_encrypted_no_password_is_sent(
    opened: Opened, secure: tuple[ssl.SSLContext, Path]
) -> None:
    findings, commands = _looked(opened, {"EHLO": "250 sample"}, *secure)
    [(what, way_out)] = told(findings)
    assert "no encryption of today" in what
    assert "kind of encryption in practice.toml" in way_out
    assert not any(each.startswith("AUTH") for each in commands)


def test_a_mail_server_that_nobody_vouches_for_is_told(
    opened: Opened, secure: tuple[ssl.SSLContext, Path]
) -> None:
    findings, commands = _looked(opened, OFFERS, secure[0], None)
    [(what, _)] = told(findings)
    assert "the certificate is not good" in what
    assert not any(each.startswith("AUTH") for each in commands)
