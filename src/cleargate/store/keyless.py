"""A way in for whoever counts or deletes: sessions that can seal and open nothing."""

from typing import Any

import sqlalchemy as sa

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId
from cleargate.ports import FileStore
from cleargate.store.crypto import Keys, Sealer
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring, Transaction


class NoKeysHere(CleargateError):
    """Something was to be sealed or opened by a role that has no keys: a mistake of ours."""


_NONE = Keys({}, None, NoKeysHere("this role has no keys"))


# The practice becomes visible to the policies for this transaction only.
_ENTER = sa.text(
    "select set_config('app.practice_id', :name, true), 0 as newest_key, false as shredded"
)


class KeylessDatabase(Database):
    """Sessions for counting and deleting, on a schema of whatever release."""

    def __init__(self, url: str, files: FileStore | None = None) -> None:
        super().__init__(url, NoKeys(), files=files)

    def _enter(self, connection: sa.Connection, practice: PracticeId) -> sa.Row[Any]:
        return connection.execute(_ENTER, {"name": str(practice)}).one()


class NoKeys(Keyring):
    """A keyring without keys, for roles that must not need any."""

    def __init__(self) -> None:
        """Nothing to unwrap with."""

    def prepare(self, practice: PracticeId, transaction: Transaction) -> None:
        """There is nothing to have at hand."""

    def sealer(
        self,
        practice: PracticeId,
        connection: sa.Connection,  # noqa: ARG002
        newest: int,
        *,
        shredded: bool,  # noqa: ARG002
    ) -> Sealer:
        """A sealer that opens nothing."""
        return Sealer(practice, _NONE, newest, lambda _: _NONE)
