"""Our own pages, as a patient's browser reaches them: encrypted, and with nothing outdated."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cleargate.house import House
from cleargate.operations.doctor.connections import encryption
from cleargate.operations.doctor.finding import Finding, ok, wrong
from cleargate.operations.doctor.tls import takes_old_tls
from cleargate.ports import Encryption, Line

_HERE = ("localhost", "127.0.0.1", "::1")


def pages(house: House) -> Iterator[Finding]:
    """The address that mails carry (CLEARGATE_PUBLIC_URL)."""
    url = urlsplit(house.installation.public_url)
    host = url.hostname or ""
    if url.scheme != "https" and host in _HERE:
        yield ok("The pages are for this machine only.")
        return
    if url.scheme != "https":
        yield wrong(
            "The pages are not encrypted on their way to patients.",
            "Put a proxy with a certificate before them, and let CLEARGATE_PUBLIC_URL begin with"
            " https://.",
        )
        return
    line = Line(host, url.port or 443, Encryption.TLS)
    yield from encryption("the pages", line)
    try:
        is_outdated = takes_old_tls(line.host, line.port)
    except OSError:
        return  # Said above: nobody answers.
    if is_outdated:
        yield wrong(
            "The pages can still be reached with TLS 1.1 or 1.0, which are broken.",
            "Let the proxy before them take TLS 1.2 and 1.3 only.",
        )
    else:
        yield ok("The pages refuse TLS 1.1 and 1.0.")
