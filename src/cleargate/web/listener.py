"""Where the pages listen: on this machine, under TLS of our own, or behind a proxy that is named.

Nothing else: a page that goes over a network in plain text shows everybody a patient.
"""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.nouns.hosts import is_loopback
from cleargate.private_files import read_private
from cleargate.settings import Installation
from cleargate.web.headers import headers


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on. `proxies` are the addresses whose X-Forwarded-* are believed."""

    host: str
    port: int
    proxies: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


def listener_of(installation: Installation) -> Listener:
    """The listener that the settings ask for. BadSettings where it would show what it says."""
    certificate, key = installation.tls_cert, installation.tls_key
    if (certificate is None) != (key is None):
        raise BadSettings("CLEARGATE_TLS_CERT and CLEARGATE_TLS_KEY: set both, or neither.")
    proxies = _proxies(installation.proxy)
    protected = certificate is not None or bool(proxies)
    if not is_loopback(installation.host) and not protected:
        raise BadSettings(
            f"CLEARGATE_HOST: {installation.host} is reached from other machines: set"
            " CLEARGATE_TLS_CERT and CLEARGATE_TLS_KEY, or CLEARGATE_PROXY to the address of the"
            " proxy that speaks TLS for us."
        )
    public = urlsplit(installation.public_url)
    if public.scheme == "https" and not protected:
        raise BadSettings(
            "CLEARGATE_PUBLIC_URL is https, but nobody speaks TLS: set CLEARGATE_TLS_CERT and"
            " CLEARGATE_TLS_KEY, or CLEARGATE_PROXY to the address of the proxy that does."
        )
    here = public.scheme == "http" and is_loopback(public.hostname or "")
    if public.scheme != "https" and not here:
        raise BadSettings("CLEARGATE_PUBLIC_URL must be https unless its host is this machine.")
    return Listener(installation.host, installation.port, proxies, certificate, key)


def _proxies(text: str) -> tuple[str, ...]:
    """Addresses and networks, none of which is everybody."""
    named = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in named:
        try:
            network = ipaddress.ip_network(each)
        except ValueError:
            raise BadSettings(
                f"CLEARGATE_PROXY: {each} is no address and no network, such as 10.0.0.5."
            ) from None
        if network.prefixlen == 0:
            raise BadSettings(f"CLEARGATE_PROXY: {each} is everybody; name the proxy.")
    return named


def taken_by(listener: Listener) -> socket.socket:
    """The listener's port, taken. Refused when somebody else has it."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    # Only of a socket that says that it is TCP does asyncio know that nothing is to be held back:
    # otherwise an answer's body waits 40 ms for the client to acknowledge its head.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((listener.host, listener.port))
    except OSError as error:
        taken.close()
        where = f"port {listener.port} on {listener.host}"
        raise Refused(f"{where} cannot be used ({error.strerror}); set CLEARGATE_PORT") from None
    return taken


def tls_of(listener: Listener) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the listener's certificate; None where a proxy speaks it."""
    if listener.certificate is None or listener.key is None:
        return None
    read_private(listener.key, "CLEARGATE_TLS_KEY:")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase would wait for somebody at the keyboard.
        context.load_cert_chain(listener.certificate, listener.key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise BadSettings(
            f"CLEARGATE_TLS_CERT and CLEARGATE_TLS_KEY are no certificate and its key ({reason})."
        ) from None
    return context


def protocol(*, secure: bool) -> type[H11Protocol]:
    """HTTP/1.1 whose refusal of what is no request carries our headers as well."""
    shown = [(name.encode(), value.encode()) for name, value in headers(secure=secure).items()]
    shown += [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
        (b"Connection", b"close"),
    ]

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            """Say that it is no request, in words of our own, and hang up."""
            answer = h11.Response(status_code=400, headers=shown, reason=b"Bad Request")
            for event in (answer, h11.Data(data=msg.encode()), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Protocol
