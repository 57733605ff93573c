"""Which database may be connected to: one on this machine, or one that proves who it is.

libpq encrypts by default where the server offers it, and believes any server; only `verify-full`
refuses a machine in between.
"""

import os
from typing import Annotated

import sqlalchemy as sa
from pydantic import AfterValidator

from cleargate.nouns.hosts import is_loopback

DRIVER = "postgresql+psycopg"

_TOO_OLD = frozenset({"TLSv1", "TLSv1.1"})


def must_be_verified(url: str) -> str:
    """The address, if what goes there is encrypted to the right server. Raises ValueError."""
    if not url:
        return url
    try:
        read = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise ValueError("must be an address such as postgresql+psycopg://user@host/db") from None
    if read.drivername != DRIVER:
        raise ValueError(f"must begin with {DRIVER}://")
    if set(_all(read, "ssl_min_protocol_version")) & _TOO_OLD:
        raise ValueError("ssl_min_protocol_version must be TLSv1.2 or later")
    if _all(read, "sslmode") == ("verify-full",):
        return url
    if "service" in read.query or not all(_is_here(each) for each in _hosts(read)):
        raise ValueError(
            "a database on another machine must prove who it is: add sslmode=verify-full, and"
            " sslrootcert=PATH (or =system) for its authority"
        )
    return url


def _hosts(url: sa.URL) -> tuple[str, ...]:
    """Every host that libpq may go to, the environment's when the address names none."""
    named = (url.host or "", *_all(url, "host"), *_all(url, "hostaddr"))
    hosts = tuple(each for text in named for each in text.split(",") if each)
    if hosts:
        return hosts
    environment = (os.environ.get(name, "") for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE"))
    return tuple(each for each in environment if each)


def _all(url: sa.URL, name: str) -> tuple[str, ...]:
    found = url.query.get(name, ())
    return (found,) if isinstance(found, str) else found


def _is_here(host: str) -> bool:
    """A socket's directory, or this machine; SQLAlchemy takes a port behind a host."""
    return host.startswith(("/", "@")) or is_loopback(host) or is_loopback(host.rpartition(":")[0])


DatabaseUrl = Annotated[str, AfterValidator(must_be_verified)]
