"""After a restore, whatever a case may have sent in the lost hours is looked for first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cleargate.nouns.ids import Ref
from cleargate.store import effects, leases, people, restores, staff
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from cleargate.store.people import SignIn
from tests.house import House, open_case
from tests.security.test_two_practices import RECEIPT


@pytest.fixture
def note_restore(house: House) -> Callable[[], None]:
    """The owner has restored this practice."""

    def note() -> None:
        database = Database(house.owner_url, Keyring(LocalKeyFile(house.key_file)))
        with database.session(house.practice) as session:
            restores.note(session, "sample.backup", "test")
        database.close()

    return note


def test_a_case_out_of_a_backup_is_in_doubt_and_a_later_one_is_not(
    house: House, note_restore: Callable[[], None]
) -> None:
    """Also one that was stamped by a clock an hour ahead."""
    now = datetime.now(UTC)
    with house.session() as session:
        older = [open_case(session, now + ahead) for ahead in (-_HOUR, _HOUR)]
        undisturbed = open_case(session, now)
        assert effects.begin(session, Ref(undisturbed, "book"), "ehr", now) == 0
        effects.finish(session, Ref(undisturbed, "book"), RECEIPT, now)
    note_restore()
    note_restore()
    with house.session() as session:
        for case in older:
            assert effects.begin(session, Ref(case, "book"), "ehr", now) == 1
            assert effects.begin(session, Ref(case, "book", 2), "ehr", now) == 1
        assert effects.done(session, undisturbed, "book") == RECEIPT
        newer = open_case(session, now + 2 * _HOUR)
        assert effects.begin(session, Ref(newer, "book"), "ehr", now) == 0
    with house.session(house.other) as session:
        theirs = open_case(session, now - _HOUR)
        assert effects.begin(session, Ref(theirs, "book"), "ehr", now) == 0


_HOUR = timedelta(hours=1)


def test_no_worker_and_nobody_signed_in_outlives_a_restore(house: House) -> None:
    now = datetime.now(UTC)
    with house.session() as session:
        member = staff.add(session, "somebody", "Some Body", "hash")
    assert member is not None
    with house.database.public() as connection:
        leases.start(connection, "worker-of-before")
        signed_in = SignIn(house.practice, member, "csrf", now, now + _HOUR)
        people.sign_in(connection, b"hash", signed_in)
    database = Database(house.owner_url, house.keyring())
    with database.public() as connection:
        assert set(restores.end_old_life(connection)) == {house.practice, house.other}
    database.close()
    with house.database.public() as connection:
        assert not leases.renew(connection, "worker-of-before")
        assert people.seen(connection, b"hash", now, now - _HOUR) is None
