"""Rotating data keys: everything is sealed anew, beside all other work, and after any crash."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.keys.rotate import EXIT_DAMAGED, rotate
from cleargate.operations.keys.status import key_report
from cleargate.store import cases, key_changes, practices, resealing
from tests.house import House, open_case, visit_request
from tests.postgres import until
from tests.unit.operations.vaults import NOW, console, key_ids, plant, read_all, trail, vault


@pytest.fixture
def practice(house: House) -> PracticeId:
    """A new practice that nobody else's test rotates."""
    with house.database.public() as connection:
        return practices.keep(connection, f"clinic-{uuid4().hex}", "Clinic", "UTC")


def _slug(house: House, practice: PracticeId) -> str:
    with house.database.public() as connection:
        return next(each.slug for each in practices.known(connection) if each.id == practice)


def _rotate(house: House, practice: PracticeId) -> tuple[int, str]:
    to, printed = console()
    with vault(house) as opened:
        return rotate(opened, _slug(house, practice), to), printed.getvalue()


def test_every_value_is_sealed_anew_and_reads_as_before(house: House, practice: PracticeId) -> None:
    planted = plant(house, house.database, practice, count=60)  # More than a batch.
    with house.session(practice) as session:
        person = cases.person_index(session, visit_request().patient)
    assert set().union(*key_ids(house, practice).values()) == {1}
    code, said = _rotate(house, practice)
    assert code == 0
    assert "key 2 in use" in said
    assert {name: {2} for name in key_ids(house, practice)} == key_ids(house, practice)
    with house.session(practice) as session:
        for case in planted:
            read_all(session, case)
        assert cases.person_index(session, visit_request().patient) == person
    assert trail(house, practice) == [("key.rotate", "2", "begin"), ("key.rotate", "2", "finish")]


def test_emptied_keys_are_retired_but_for_the_one_of_the_look_ups(
    house: House, practice: PracticeId
) -> None:
    plant(house, house.database, practice)
    for _ in range(3):
        assert _rotate(house, practice)[0] == 0
    [standing] = [
        each for each in key_report(house.database).practices if each.slug == _slug(house, practice)
    ]
    assert [key.id for key in standing.keys] == [1, 4]
    assert (standing.left_over, standing.unfinished) == (0, False)


def test_a_value_under_an_older_key_from_a_long_transaction_is_waited_for(
    house: House, practice: PracticeId
) -> None:
    """It began before the new key, seals with the old one, and commits after the first pass."""
    plant(house, house.database, practice)
    with ThreadPoolExecutor(1) as pool:
        with house.session(practice) as long_one:
            case = open_case(long_one, NOW)
            rotation = pool.submit(_rotate, house, practice)
            until(lambda: _left_of_first_pass(house, practice) == 0, "the first pass did not end")
            assert not rotation.done()
        code, _ = rotation.result(30)
    assert code == 0
    assert set().union(*key_ids(house, practice).values()) == {2}
    with house.session(practice) as session:
        assert cases.get(session, case) is not None


def _left_of_first_pass(house: House, practice: PracticeId) -> int:
    with house.session(practice) as session:
        return resealing.left_over(session, 2)


def test_a_row_that_somebody_holds_is_waited_for_without_holding_up_anybody(
    house: House, practice: PracticeId
) -> None:
    """Whoever holds it can take another one that the rotation has come to: there is no deadlock."""
    [held, free] = plant(house, house.database, practice, count=2)
    with ThreadPoolExecutor(1) as pool:
        with house.session(practice) as somebody:
            cases.lock(somebody, held)
            rotation = pool.submit(_rotate, house, practice)
            until(lambda: _left_of_first_pass(house, practice) == 2, "it waits for the held row")
            cases.lock(somebody, free)
            assert not rotation.done()
        assert rotation.result(30)[0] == 0
    assert set().union(*key_ids(house, practice).values()) == {2}


def test_a_second_rotation_at_once_is_refused(house: House, practice: PracticeId) -> None:
    plant(house, house.database, practice)
    with (
        vault(house) as first,
        first.database.watching() as connection,
        key_changes.only_one(connection),
        pytest.raises(Refused, match="another"),
    ):
        _rotate(house, practice)
    assert _rotate(house, practice)[0] == 0


def test_a_rotation_that_was_broken_off_goes_on_with_the_same_key(
    house: House, practice: PracticeId
) -> None:
    plant(house, house.database, practice)
    with vault(house) as opened, opened.database.session(practice) as session:
        key_changes.add(session, opened.keys, "test")
    code, said = _rotate(house, practice)
    assert (code, "key 2 in use" in said) == (0, True)
    assert set().union(*key_ids(house, practice).values()) == {2}


def test_a_damaged_value_is_left_counted_and_keeps_the_older_keys(
    house: House, practice: PracticeId
) -> None:
    [sound, damaged] = plant(house, house.database, practice, count=2)
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
        owner.execute(
            "update cases set memo = substr(memo, 1, length(memo) - 1) where id = %s", (damaged,)
        )
    for newest in (2, 3):
        code, said = _rotate(house, practice)
        assert code == EXIT_DAMAGED
        assert "1 values do not open" in said
        assert f"key {newest} in use" in said
    with house.session(practice) as session:
        read_all(session, sound)
    assert key_ids(house, practice)["cases.memo"] == {1, 3}


@pytest.fixture
def hammered(house: House, practice: PracticeId) -> Iterator[tuple[PracticeId, list[str]]]:
    """Two other processes that read and write all the time; what failed there."""
    planted = plant(house, house.database, practice, count=20)
    stop = threading.Event()
    failed: list[str] = []
    written = [0]

    def hammer(number: int) -> None:
        with house.process() as process:
            while not stop.is_set():
                case_id = planted[number::2][written[0] % 10]
                try:
                    with process.session(practice) as session:
                        read_all(session, case_id)
                        case = cases.lock(session, case_id)
                        cases.remember(session, case, patient_id=uuid4().hex)
                        open_case(session, NOW)
                    with process.session(practice) as session:
                        read_all(session, case_id)
                    written[0] += 1
                except Exception as error:
                    failed.append(type(error).__name__)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: written[0] > 5 or bool(failed), "nobody writes")
    yield practice, failed
    before = written[0]
    until(lambda: written[0] > before or bool(failed), "nobody writes any more")
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failed == []


def test_other_processes_read_and_write_throughout(
    house: House, hammered: tuple[PracticeId, list[str]]
) -> None:
    practice, failed = hammered
    for newest in (2, 3, 4):
        assert _rotate(house, practice)[0] == 0
        assert set().union(*key_ids(house, practice).values()) == {newest}
        assert failed == []


def test_the_app_role_cannot_rotate(house: House, practice: PracticeId) -> None:
    """What a payer said is append-only for it, and so are the keys."""
    plant(house, house.database, practice)
    for statement in (
        "update answers set raw = raw",
        "update data_keys set wrapped = wrapped",
        "delete from data_keys",
        "update engine_keys set wrapped = wrapped",
        "update practices set shredded_at = null",
        "update practices set newest_key = 1",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            house.session(practice) as session,
        ):
            session.connection.exec_driver_sql(statement)
