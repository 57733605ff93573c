"""A way in for whoever counts or deletes: sessions that can seal and open nothing."""

import sqlalchemy as sa

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId
from cleargate.store.crypto import Keys, Sealer
from cleargate.store.keyring import Keyring, Transaction


class NoKeysHere(CleargateError):
    """Something was to be sealed or opened by a role that has no keys: a mistake of ours."""


_NONE = Keys({}, None, NoKeysHere("this role has no keys"))


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
