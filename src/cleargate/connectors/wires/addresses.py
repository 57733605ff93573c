"""Which addresses a connection may reach: the open Internet, or what its settings list.

A name may lead to anything, and a moment later to something else. So the address itself is looked
at when a connection is made, and exactly that address is connected to; TLS and the vendor still
hear the name.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, IPvAnyNetwork

from cleargate.nouns.hosts import is_loopback

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""From a host and a port to the addresses of the host, the best first. Raises OSError."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 as a network that speaks IPv6 only reaches it (RFC 6052)."""

_CREDENTIALS = (
    IPv4Network("169.254.169.254/32"),
    IPv4Network("169.254.170.0/24"),
    IPv6Network("fd00:ec2::/32"),
)
"""Where a cloud hands its machines their own credentials: no vendor is there, listed or not."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is on the open Internet: not private, shared, local, or a tunnel."""
    if isinstance(address, IPv6Address) and (
        address.is_site_local or address.sixtofour is not None or address.teredo is not None
    ):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def may_reach(address: str, host: str, listed: Sequence[Network]) -> bool:
    """Whether a connection to `host` may go to this address of it.

    A host that is this machine by its name stays on this machine.
    """
    try:
        meant = _meant(ipaddress.ip_address(address))
    except ValueError:
        return False
    if is_loopback(host):
        return meant.is_loopback
    if any(meant in network for network in _CREDENTIALS):
        return False
    return is_public(meant) or any(meant in network for network in listed)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is written as an IPv6 one, else the address itself."""
    if not isinstance(address, IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


def resolve(host: str, port: int) -> list[str]:
    """A host's addresses as this machine knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """What one connection may reach: the open Internet, and the `listed` private networks."""

    listed: tuple[Network, ...] = ()
    resolve: Resolve = resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be reached; none when all of them are refused."""
        found = self.resolve(host, port)
        return [each for each in found if may_reach(each, host, self.listed)]


def _is_private(networks: tuple[Network, ...]) -> tuple[Network, ...]:
    for each in networks:
        if is_public(each.network_address) or is_public(each.broadcast_address):
            raise ValueError(f"{each} is not private; list private addresses only")
        if any(each.overlaps(other) for other in _CREDENTIALS if other.version == each.version):
            raise ValueError(f"{each} holds the address of a cloud's credentials")
    return networks


PrivateNetworks = Annotated[tuple[IPvAnyNetwork, ...], AfterValidator(_is_private)]
"""`allow_private` of a connection: addresses or networks in our own house, such as 10.0.0.5."""
