"""Workers, late work, cases to which nothing would happen, and who does not answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from cleargate.engine.watchdog import mend_orphans
from cleargate.house import House as Opened
from cleargate.operations.doctor.engine import engine, outages
from cleargate.store import connections, gates, inquiries, leases
from cleargate.store import outages as outage
from cleargate.store.inquiries import NewInquiry
from tests.house import House, open_case
from tests.unit.operations.doctor.conftest import told, well
from tests.web.installation import sample_gate

_LOSE = sa.text("delete from dbos.workflow_status where workflow_uuid = :id")
_AGE = sa.text("update cases set updated_at = now() - interval '1 hour' where id = :id")
_LATE = sa.text(
    "update dbos.workflow_status set created_at = created_at - 3600000 where workflow_uuid = :id"
)
_TAKE_UP = sa.text("update dbos.workflow_status set status = 'SUCCESS'")


@pytest.fixture
def worker(house: House) -> Iterator[None]:
    """A worker that shows that it lives."""
    with house.database.public() as connection:
        leases.start(connection, "sample-worker")
    yield
    with house.database.public() as connection:
        leases.end(connection, "sample-worker")
        connection.execute(sa.text("delete from leases"))
        connection.execute(_TAKE_UP)


def test_no_worker_matters_more_when_work_is_late(opened: Opened, house: House) -> None:
    [(idle, _)] = told(engine(opened))
    assert idle == "No worker runs now; nothing is late."
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        session.run(_LATE, id=f"{case.hex}.1")
    [(late, way_out)] = told(engine(opened))
    assert late == "Work has been due for 60 minutes, and no worker runs."
    assert "`cleargate work`" in way_out
    with house.database.public() as connection:
        connection.execute(_TAKE_UP)
    assert [what for what, _ in told(engine(opened))] == [idle]


def test_workers_that_are_behind_are_told(opened: Opened, house: House, worker: None) -> None:
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        session.run(_LATE, id=f"{case.hex}.1")
    [(what, way_out)] = told(engine(opened))
    assert what == "Work has been due for 60 minutes: the workers are behind."
    assert "CLEARGATE_CONCURRENCY" in way_out
    with house.database.public() as connection:
        connection.execute(_TAKE_UP)
    assert well(engine(opened))


def test_a_case_to_which_nothing_would_happen_is_told_until_it_is_mended(
    opened: Opened, house: House, worker: None
) -> None:
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        session.run(_LOSE, id=f"{case.hex}.1")
        session.run(_AGE, id=case)
    [(what, way_out)] = told(engine(opened))
    assert what == "Nothing would ever happen to 1 open case."
    assert "within a minute" in way_out
    mend_orphans(house.database, age_s=60.0)
    assert well(engine(opened))


def test_a_case_for_a_person_and_a_machine_both_is_told(
    opened: Opened, house: House, worker: None
) -> None:
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        gates.open_gate(session, case, sample_gate(), datetime.now(UTC))
    [(what, _)] = told(engine(opened))
    assert what == "For 1 open case a person and a machine would both act."
    with house.session() as session:
        gates.drop(session, case, actor="x", now=datetime.now(UTC))
    assert well(engine(opened))


def test_a_stopped_connection_is_told_until_it_works(opened: Opened, house: House) -> None:
    now = datetime(2030, 1, 7, 18, 5, tzinfo=UTC)
    with house.session() as session:
        connections.mark(session, "ehr", "stopped", "401", now)
    [(what, way_out)] = told(outages(opened))
    assert what == ("sample-clinic: the connection ehr is stopped since 01/07/2030 12:05 PM (401).")
    assert "credentials" in way_out
    with house.session() as session:
        connections.mark(session, "ehr", "ok", "", now)
    assert well(outages(opened))


def test_a_payer_that_does_not_answer_is_told_with_what_waits(opened: Opened, house: House) -> None:
    now = datetime.now(UTC)
    new = NewInquiry(1, 1, "sample", "Sample Payer", "clearinghouse", "S", date(2030, 1, 7))
    with house.session() as session:
        case = open_case(session, now)
        inquiries.add(session, case, new)
        for _ in range(outage.FAILURES_MIN):
            outage.failed(session, "clearinghouse", "sample", now)
    [(what, way_out)] = told(outages(opened))
    assert what.startswith("sample-clinic: Sample Payer does not answer since ")
    assert what.endswith("; 1 question waiting.")
    assert "by themselves" in way_out
    with house.session() as session:
        outage.answered(session, "clearinghouse", "sample")
    assert well(outages(opened))
