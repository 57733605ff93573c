"""The one key that seals what the engine stores, wrapped like every data key."""

import os

import sqlalchemy as sa

from cleargate.ports import KeyService

CONTEXT = "engine"

# The installation's engine key.
_GET = sa.text("select wrapped from engine_keys where id = 1")

# Keep the first engine key; the quicker of two processes wins.
_KEEP = sa.text(
    "insert into engine_keys (id, wrapped, wrapped_by) values (1, :wrapped, :by)"
    " on conflict do nothing"
)


def engine_key(connection: sa.Connection, service: KeyService) -> bytes:
    """The key, made on first use."""
    wrapped = connection.execute(_GET).scalar()
    if wrapped is None:
        first = service.wrap(os.urandom(32), CONTEXT)
        connection.execute(_KEEP, {"wrapped": first, "by": service.name})
        wrapped = connection.execute(_GET).scalar_one()
    return service.unwrap(wrapped, CONTEXT)
