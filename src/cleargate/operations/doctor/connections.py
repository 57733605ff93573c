"""Each connection: an agreement, an encrypted line, the right time, and credentials that work."""

import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from cleargate.house import House, Wire
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.operations.doctor.clock import compared
from cleargate.operations.doctor.finding import Check, Finding, Level, look, ok, wrong
from cleargate.operations.doctor.tls import agree
from cleargate.ports import Encryption, Line, VendorClient

LIMIT_S = 75.0
"""A mail server may take a minute for its part."""

RENEW_SOON, RENEW_NOW = timedelta(days=30), timedelta(days=7)


def connection_checks(wires: Iterable[Wire]) -> tuple[Check, ...]:
    """One check for each connection, so that a slow vendor keeps none of the others waiting."""
    return tuple(
        Check(f"{wire.practice}/{wire.table.name}", partial(_connection, wire), LIMIT_S)
        for wire in wires
    )


def _connection(wire: Wire, _house: House) -> Iterator[Finding]:
    if wire.table.leaves_machine:
        yield _agreement(wire)
    try:
        client = wire.build()
    except BadSettings as refused:
        if "baa_signed" not in str(refused):  # Told above, with the way out.
            yield wrong(str(refused), "Mend practice.toml, then run this again.")
        return
    is_open = True
    for line in dict.fromkeys(client.lines):
        found = list(encryption(f"the line to {line.host}:{line.port}", line))
        is_open = is_open and any(each.level is Level.OK for each in found)
        yield from found
    if is_open:
        yield _signing_in(client)


def _agreement(wire: Wire) -> Finding:
    """HIPAA wants a business associate agreement with whoever is told of a patient."""
    signed = wire.table.baa_signed
    if signed is None:
        return wrong(
            "There is no date of a business associate agreement: the connection is not used.",
            "Sign one with the vendor, then write baa_signed = YYYY-MM-DD into practice.toml.",
        )
    if signed > datetime.now(UTC).date():
        return wrong(
            f"The business associate agreement is dated {signed}, which is still to come.",
            "Correct baa_signed in practice.toml.",
        )
    return ok(f"The business associate agreement is of {signed}.")


def encryption(what: str, line: Line) -> Iterator[Finding]:
    """What a handshake shows: the version, the certificate's end, and the other end's clock."""
    what = what[0].upper() + what[1:]
    if line.encryption is Encryption.NONE:
        yield ok(f"{what} is not encrypted and does not leave this machine.")
        return
    asked = datetime.now(UTC)
    try:
        agreed = agree(line)
    except ssl.SSLCertVerificationError as error:
        yield wrong(
            f"{what}: the certificate is not good ({error.verify_message}).",
            "Nothing is sent there. Ask the vendor, or name its authority with ca_file.",
        )
        return
    except ssl.SSLError:
        yield wrong(
            f"{what}: no encryption of today was agreed on (TLS 1.2 or later).",
            "Nothing is sent there. See the port and the kind of encryption in practice.toml, or"
            " ask the vendor for TLS 1.2.",
        )
        return
    except OSError as error:
        yield wrong(
            f"{what}: nobody answers on port {line.port} ({type(error).__name__}).",
            "See the address in practice.toml, the firewall, and the vendor's status page.",
        )
        return
    yield ok(f"{what} is encrypted with {agreed.version}.")
    yield from _certificate(what, agreed.expires - asked)
    if agreed.date is not None:
        yield compared(f"that of {line.host}", agreed.date, asked)


def _certificate(what: str, left: timedelta) -> Iterator[Finding]:
    said = f"{what}: the certificate ends in {left.days} days."
    if left < RENEW_NOW:
        yield wrong(said, "Whoever runs that end renews it now; then nothing is sent any more.")
    elif left < RENEW_SOON:
        yield look(said, "See that whoever runs that end renews it in time.")


def _signing_in(client: VendorClient) -> Finding:
    """Whether the credentials work, where it can be found out without a fee."""
    try:
        client.prove()
    except PortError as failure:
        if failure.kind is ErrorKind.UNSUPPORTED:
            return ok(
                "Signing in was not tried: it is not wanted, or only a paid question would show."
            )
        if failure.kind is ErrorKind.AUTH:
            return wrong(
                f"The vendor does not let us in ({failure.vendor_code}).",
                "Renew the credentials, and put them where practice.toml refers to.",
            )
        return wrong(
            f"Signing in cannot be tried ({failure.kind} {failure.vendor_code}).",
            "Run this again; if it stays, see the vendor's status page.",
        )
    return ok("The vendor lets us in.")
