"""Whether a host is this machine: what stays on it needs neither encryption nor an agreement."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its literal address or the name localhost."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
