"""A way in for whoever counts or deletes: sessions that can seal and open nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId
from cleargate.store.crypto import Keyring, Sealer


class NoKeys(Keyring):
    """A keyring without keys, for roles that must not need any."""

    def __init__(self) -> None:
        """Nothing to unwrap with."""

    def sealer(
        self,
        practice: PracticeId,
        transaction: Callable[[], AbstractContextManager[sa.Connection]],  # noqa: ARG002
    ) -> Sealer:
        """A sealer that opens nothing; sealing with it is a mistake of ours."""
        return Sealer(practice, keys={}, index_key=b"")
