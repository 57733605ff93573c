"""How a line is encrypted: what was agreed on with its other end, and what that end still takes."""

import http.client
import smtplib
import socket
import ssl
import struct
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cleargate.ports import Encryption, Line

ANSWER_S = 10.0
"""How long the other end may take for one step."""

_TLS_1_1 = 0x0302
_HELLO, _HANDSHAKE = 1, 22


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a handshake came to. `date` is what the other end takes the time for, if it says."""

    version: str
    expires: datetime
    date: datetime | None


def agree(line: Line) -> Agreed:
    """Shake hands as every call does. Raises OSError, of which ssl.SSLError is one kind."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if line.ca_file is not None:
        context.load_verify_locations(cafile=line.ca_file)
    if line.encryption is Encryption.STARTTLS:
        return _by_mail(line, context)
    with (
        socket.create_connection((line.host, line.port), ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname=line.host) as secure,
    ):
        version, expires = _seen(secure)
        return Agreed(version, expires, _date(line.host, secure))


def _by_mail(line: Line, context: ssl.SSLContext) -> Agreed:
    try:
        with closing(smtplib.SMTP(line.host, line.port, "localhost", ANSWER_S)) as server:
            server.starttls(context=context)
            if not isinstance(server.sock, ssl.SSLSocket):
                raise ssl.SSLError("not encrypted")
            return Agreed(*_seen(server.sock), None)
    except smtplib.SMTPException as error:
        raise ssl.SSLError(type(error).__name__) from None


def _seen(secure: ssl.SSLSocket) -> tuple[str, datetime]:
    until = str((secure.getpeercert() or {}).get("notAfter", ""))
    return secure.version() or "", datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)


def _date(host: str, secure: ssl.SSLSocket) -> datetime | None:
    """The other end's clock, from the answer to a request for nothing; None where it tells none."""
    call = http.client.HTTPConnection(host, timeout=ANSWER_S)
    call.sock = secure
    try:
        call.request("HEAD", "/", headers={"Connection": "close"})
        told = call.getresponse().getheader("Date", "")
        moment = parsedate_to_datetime(told)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def takes_old_tls(host: str, port: int) -> bool:
    """Whether a listener still agrees on TLS 1.1, or on 1.0 instead. Raises OSError.

    The greeting is written by hand: the library of this machine may refuse to say it.
    """
    with socket.create_connection((host, port), ANSWER_S) as line:
        line.sendall(_old_greeting())
        answer = line.recv(5)
    return len(answer) > 0 and answer[0] == _HANDSHAKE


def _old_greeting() -> bytes:
    """A ClientHello of TLS 1.1 with the ciphers of its time. Source: RFC 4346, 7.4.1.2."""
    ciphers = (0xC014, 0xC013, 0xC00A, 0xC009, 0x0035, 0x002F, 0x000A)
    curves = struct.pack("!HHHHHH", 10, 8, 6, 23, 24, 25) + struct.pack("!HHBB", 11, 2, 1, 0)
    body = struct.pack("!H32xB", _TLS_1_1, 0)
    body += struct.pack(f"!H{len(ciphers)}H", 2 * len(ciphers), *ciphers)
    body += struct.pack("!BB", 1, 0) + struct.pack("!H", len(curves)) + curves
    hello = struct.pack("!B", _HELLO) + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", _HANDSHAKE, 0x0301, len(hello)) + hello
