"""What is over and old goes whole; what is open, held, young or another practice's stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from cleargate.nouns.case import CaseState, Outcome, Receipt
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, PracticeId, Ref
from cleargate.operations.retention import Limits, delete
from cleargate.store import attachments, attempts, cases, effects, gates, holds, inquiries, links
from cleargate.store.database import Database, Session
from cleargate.store.holds import HoldReason
from cleargate.store.keyless import NoKeys
from cleargate.store.links import LinkPurpose
from cleargate.store.retention import Periods
from cleargate.store.roles import RETENTION_ROLE
from tests.backup.installation import let_in, url_of
from tests.house import House, open_case
from tests.postgres import connect, until
from tests.security.test_two_practices import ANSWER, ATTEMPT, INQUIRY
from tests.trail import TRAIL

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PERIODS = Periods()
UNCONFIRMED = Gate(GateReason.CONTACT_UNCONFIRMED, "tip", (), (Choice.DECLINE,), "sample.first")
OTHER_GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.DECLINE,), "sample.first")

_HANGS_ON = ("inquiries", "answers", "effects", "attempts", "gates", "links", "attachments")


@pytest.fixture(scope="module")
def clerk(house: House) -> Iterator[Database]:
    """The database as the retention role, who has no key."""
    let_in(house.owner_url)
    with closing(Database(url_of(house.owner_url, RETENTION_ROLE), NoKeys())) as database:
        yield database


def made(
    house: House,
    age: timedelta,
    state: CaseState | None = CaseState.DONE,
    *,
    practice: PracticeId | None = None,
    gate: Gate = OTHER_GATE,
    booked: bool = True,
) -> CaseId:
    """A case with a row in every table that hangs on it, last touched `age` ago; open for None."""
    with house.session(practice) as session:
        case = open_case(session, NOW - age)
        inquiries.add(session, case, INQUIRY)
        [inquiry] = inquiries.current(session, case)
        inquiries.keep_raw(session, inquiry.id, ANSWER, NOW - age)
        effects.begin(session, Ref(case, "mail_confirm_contact"), "mail", NOW - age)
        if booked:
            effects.begin(session, Ref(case, "book"), "ehr", NOW - age)
            effects.finish(session, Ref(case, "book"), Receipt("v", Outcome.CREATED), NOW - age)
        attempts.add(session, case, [ATTEMPT])
        opened = gates.open_gate(session, case, gate, NOW - age)
        gates.decide(session, opened, Decision(Choice.DECLINE, 1), actor="x", now=NOW - age)
        links.make(session, case, LinkPurpose.RECEIPT, NOW)
        attachments.add(session, case, "card", b"picture", NOW - age)
        if state is not None:
            cases.close(session, case, state)
        touched(session, case, NOW - age)
    return case


def touched(session: Session, case: CaseId, then: datetime) -> None:
    """Let a case have been touched last at that time."""
    update = sa.text("update cases set updated_at = :then where id = :case")
    session.run(update, then=then, case=case)


_COUNTS = {
    table: sa.text(
        f"select count(*) from {table} t where t.practice_id = :practice and "
        + (
            "inquiry_id in (select id from inquiries where case_id = :case)"
            if table == "answers"
            else "case_id = :case"
        )
    )
    for table in _HANGS_ON
}


def left(house: House, case: CaseId, practice: PracticeId | None = None) -> dict[str, int]:
    """How many rows of each table are left of a case."""
    with house.session(practice) as session:
        rows = {name: session.run(count, case=case).scalar_one() for name, count in _COUNTS.items()}
        return {**rows, "cases": len(cases.standing(session, [case]))}


WHOLE = dict.fromkeys(_HANGS_ON, 1) | {"effects": 2, "cases": 1}
NOTHING = dict.fromkeys((*_HANGS_ON, "cases"), 0)


NO_LIMITS = Limits()


def run(clerk: Database, house: House, limits: Limits = NO_LIMITS) -> dict[str, int]:
    done = delete(clerk, house.practice, PERIODS, NOW, limits)
    return {each.kind: each.count for each in done}


def test_a_case_goes_whole_when_its_time_is_over(house: House, clerk: Database) -> None:
    old = made(house, PERIODS.cases + DAY)
    young = made(house, PERIODS.photos - DAY)
    opened = made(house, 10 * PERIODS.cases, state=None)
    theirs = made(house, 10 * PERIODS.cases, practice=house.other)
    assert run(clerk, house)["cases"] >= 1
    assert left(house, old) == NOTHING
    assert left(house, young) == WHOLE
    assert left(house, opened) == WHOLE
    assert left(house, theirs, house.other) == WHOLE
    assert set(run(clerk, house).values()) == {0}


def test_answers_and_photos_go_before_their_case(house: House, clerk: Database) -> None:
    case = made(house, PERIODS.answers + DAY)
    still_open = made(house, PERIODS.answers + DAY, state=None)
    run(clerk, house)
    assert left(house, case) == WHOLE | {"answers": 0, "attachments": 0}
    assert left(house, still_open) == WHOLE


def test_a_request_that_nobody_confirmed_goes_after_weeks(house: House, clerk: Database) -> None:
    """But not one that was booked, declined for another reason, or confirmed in the end."""
    age = PERIODS.unconfirmed + DAY
    spam = made(house, age, CaseState.DECLINED, gate=UNCONFIRMED, booked=False)
    kept = [
        made(house, age, CaseState.DECLINED, gate=UNCONFIRMED),
        made(house, age, CaseState.DECLINED, booked=False),
        made(house, age, CaseState.DONE, gate=UNCONFIRMED, booked=False),
        made(house, PERIODS.unconfirmed - DAY, CaseState.DECLINED, gate=UNCONFIRMED, booked=False),
    ]
    run(clerk, house)
    assert left(house, spam) == NOTHING
    assert all(left(house, case)["cases"] == 1 for case in kept)


def test_what_is_held_stays_until_the_hold_is_lifted(house: House, clerk: Database) -> None:
    held, free = (made(house, PERIODS.cases + DAY) for _ in range(2))
    with house.session() as session:
        hold = holds.add(session, held, HoldReason.LITIGATION, "1-23", actor="x", now=NOW)
    run(clerk, house)
    assert left(house, held) == WHOLE
    assert left(house, free) == NOTHING
    with house.session() as session:
        assert holds.lift(session, hold, actor="x", now=NOW)
        assert not holds.lift(session, hold, actor="x", now=NOW)
    run(clerk, house)
    assert left(house, held) == NOTHING


def test_a_hold_on_the_practice_keeps_everything_of_it(house: House, clerk: Database) -> None:
    case = made(house, 10 * PERIODS.cases)
    theirs = made(house, 10 * PERIODS.cases, practice=house.other)
    with house.session() as session:
        hold = holds.add(session, None, HoldReason.INVESTIGATION, "", actor="x", now=NOW)
        assert holds.any_in_force(session)
    assert set(run(clerk, house).values()) == {0}
    assert left(house, case) == WHOLE
    with house.session(house.other) as session:
        assert not holds.any_in_force(session)
    list(delete(clerk, house.other, PERIODS, NOW))
    assert left(house, theirs, house.other) == NOTHING
    with house.session() as session:
        holds.lift(session, hold, actor="x", now=NOW)


def test_a_hold_waits_for_a_deletion_and_then_says_that_there_is_nothing_to_hold(
    house: House, clerk: Database
) -> None:
    """And the other way round: a deletion that begins later sees the hold."""
    case = made(house, PERIODS.cases + DAY)
    with clerk.session(house.practice) as deleting:
        holds.freeze(deleting)
        with pytest.raises(sa.exc.OperationalError), house.session() as session:
            session.run(sa.text("set local lock_timeout = '200ms'"))
            holds.add(session, case, HoldReason.COMPLAINT, "", actor="x", now=NOW)
    run(clerk, house)
    with pytest.raises(holds.Refused, match="no such case"), house.session() as session:
        holds.add(session, case, HoldReason.COMPLAINT, "", actor="x", now=NOW)


def test_each_deletion_is_on_the_trail_without_a_value(house: House, clerk: Database) -> None:
    case = made(house, PERIODS.cases + DAY)
    run(clerk, house)
    with house.session() as session:
        told = session.run(
            sa.text(
                f"select action, entity_type, entity_id, code from {TRAIL}"
                " where practice_id = :practice and type = 'retention.deleted' and case_id = :case"
            ),
            case=case,
        ).all()
        kept = session.run(
            sa.text(
                "select count(*) from audit_events where practice_id = :practice"
                " and case_id = :case and type <> 'retention.deleted'"
            ),
            case=case,
        ).scalar_one()
    assert [tuple(row) for row in told] == [("D", "case", str(case), "cases:1")]
    assert kept >= 1, "the trail of a deleted case stays"


def test_a_run_that_reached_its_limit_is_gone_on_with(house: House, clerk: Database) -> None:
    """Oldest first."""
    run(clerk, house)  # whatever other tests left
    old = [made(house, PERIODS.cases + n * DAY) for n in range(1, 6)]
    assert run(clerk, house, limits=Limits(batch=2, batches=1))["cases"] == 2
    assert [left(house, case)["cases"] for case in reversed(old)] == [0, 0, 1, 1, 1]
    assert run(clerk, house, limits=Limits(batch=2, batches=9))["cases"] == 3


def test_a_case_that_is_reopened_at_the_same_moment_stays_whole(
    house: House, clerk: Database
) -> None:
    case = made(house, PERIODS.cases + DAY)
    with ThreadPoolExecutor(1) as pool:
        with house.session() as session:
            cases.reopen(session, case)
            deleting = pool.submit(run, clerk, house)
            with house.owner() as owner:
                until(lambda: _somebody_waits(owner), "the deletion does not wait")
        deleting.result(30)
    assert left(house, case) == WHOLE
    with house.session() as session:
        cases.close(session, case, CaseState.DONE)


def _somebody_waits(owner: psycopg.Connection) -> bool:
    row = owner.execute("select count(*) from pg_locks where not granted").fetchone()
    return row != (0,)


@given(
    plan=st.lists(
        st.tuples(
            st.sampled_from([0, 729, 731, 5000]), st.sampled_from([*CaseState]), st.booleans()
        ),
        min_size=2,
        max_size=6,
    )
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_goes_that_is_open_held_or_young(
    house: House, clerk: Database, plan: list[tuple[int, CaseState, bool]]
) -> None:
    """Whatever there is: exactly what is over, old and not held goes, and it goes whole."""
    with house.session() as session:
        _clear_holds(session)
    expected = {}
    for days, state, held in plan:
        case = made(house, days * DAY, None if state is CaseState.OPEN else state)
        if held:
            with house.session() as session:
                holds.add(session, case, HoldReason.COMPLAINT, "", actor="x", now=NOW)
        goes = state is not CaseState.OPEN and not held and days * DAY > PERIODS.cases
        expected[case] = 0 if goes else 1
    run(clerk, house)
    assert {case: left(house, case)["cases"] for case in expected} == expected
    for case, count in expected.items():
        assert (left(house, case) == NOTHING) is (count == 0)


def _clear_holds(session: Session) -> None:
    for each in holds.all_of(session):
        holds.lift(session, each.id, actor="x", now=NOW)


@pytest.fixture
def by_hand(house: House, clerk: Database) -> Iterator[psycopg.Connection]:
    """The retention role with a practice entered, by hand."""
    del clerk
    with connect(url_of(house.owner_url, RETENTION_ROLE)) as connection:
        connection.execute(
            "select set_config('app.practice_id', %s, false)", (str(house.practice),)
        )
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "select request from cases",
        "select * from cases",
        "select raw from answers",
        "select content from attachments",
        "select evidence from gates",
        "select receipt from effects",
        "select wrapped from data_keys",
        "select wrapped from engine_keys",
        "select * from staff",
        "select * from audit_events",
        "select * from sign_ins",
        "select * from dbos.workflow_status",
        "update cases set state = 'done'",
        "update audit_events set body = ''",
        "delete from audit_events",
        "delete from holds",
        "update holds set lifted_at = now()",
        "insert into holds values (gen_random_uuid(), gen_random_uuid())",
        "delete from data_keys",
        "delete from staff",
        "delete from practices",
        "truncate cases cascade",
        "drop table cases",
        "create table loot (id integer)",
        "set role cleargate_app",
    ],
)
def test_the_retention_role_reads_nothing_sealed_and_changes_nothing(
    by_hand: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        by_hand.execute(statement.encode())


def test_the_retention_role_is_bound_by_the_policies(house: House, clerk: Database) -> None:
    theirs = made(house, 10 * PERIODS.cases, practice=house.other)
    with connect(url_of(house.owner_url, RETENTION_ROLE)) as connection:
        assert connection.execute("delete from cases").rowcount == 0
        rights = connection.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
            " where rolname = current_user"
        ).fetchone()
    assert rights == (False,) * 4
    with clerk.session(house.practice) as session:
        assert session.run(sa.text("delete from cases where id = :id"), id=theirs).rowcount == 0
    assert left(house, theirs, house.other) == WHOLE


@pytest.mark.parametrize("reference", ["Jane Doe", "Müller", "DOE", "2031 CV", "x" * 41, "12a"])
def test_a_hold_s_reference_is_a_number_and_no_name(house: House, reference: str) -> None:
    with house.session() as session, pytest.raises(holds.Refused) as refused:
        holds.add(session, None, HoldReason.COMPLAINT, reference, actor="x", now=NOW)
    assert reference not in str(refused.value)
