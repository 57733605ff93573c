"""Planted identifiers are nowhere in the database, on the disk, in the logs or in an error."""

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import sql
from structlog.testing import capture_logs

from cleargate import logs
from cleargate.engine.durable import Durable
from cleargate.engine.endings import Ending, NeedsPerson
from cleargate.engine.phases import Engine
from cleargate.engine.run import Run, Write
from cleargate.engine.worker import executor_name
from cleargate.nouns.appointment import Opening
from cleargate.nouns.case import Case, Memo, Outcome, Receipt
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.gate import Choice, Decision, Fact, Gate, GateReason, Offer
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.insurance import (
    AccidentClaim,
    Insurance,
    Payment,
    Relationship,
    Subscriber,
)
from cleargate.nouns.patient import Address, Contact, Guarantor, Name, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.ports import Token
from cleargate.store import attachments, cases, gates, inquiries, links, throttle
from cleargate.store.connections import StoredTokens
from cleargate.store.database import Session
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.engine_keys import engine_key
from cleargate.store.inquiries import NewInquiry
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.links import LinkPurpose
from tests.house import House, TurnedClock, in_own_thread, open_case
from tests.postgres import until
from tests.security.canary import hits, needles, texts_of

REQUEST = VisitRequest(
    channel=Channel.WEB,
    patient=Patient(
        Name("Żółwińska-Canary", "Ñandú Émilie"),
        date(1987, 6, 5),
        Sex.FEMALE,
        Contact(
            "zolwinska.canary@example.invalid",
            "+12025550187",
            Address("4711 Canary Row", "Canaryville", "IL", "627010815"),
        ),
    ),
    visit_type="eval",
    reason="canary pain in the left wing",
    earliest=date(2030, 1, 7),
    wishes=(),
    payment=Payment.WORKERS_COMPENSATION,
    insurances=(
        Insurance(
            "pay",
            "payer",
            "CANARYMEMBER42",
            "CANARYGROUP7",
            Relationship.CHILD,
            Subscriber(Name("Canary-Müller", "Jürgen-Otto"), date(1961, 2, 3)),
        ),
    ),
    accident=AccidentClaim("CANARYCLAIM99", "Adjuster Canary", "+12025550188"),
    guarantor=Guarantor(
        Name("Canary-O'Brien", "Siobhán"),
        date(1960, 4, 5),
        Contact("g@canary.invalid"),
        "canary relation",
    ),
)
PHOTO = b"\xff\xd8 CANARYPHOTO insured CANARYMEMBER42"
VENDOR_ID = "patient-canary-0815"
TOKEN = "canary-access-token-value"
PERSON = "Żółwińska-Canary, Ñandú Émilie"

QUOTED = "Étienne Quoted-Canary"
"""Not planted: a row that is refused is in the write-ahead log all the same."""

PLANTED = {
    *texts_of(REQUEST),
    *("CANARYPHOTO", VENDOR_ID, TOKEN, "decided by canary", "1987-06-05", "19870605"),
}
NEEDLES = needles(PLANTED)

_SCHEMAS = (
    "select schemaname, tablename from pg_tables"
    " where schemaname not in ('pg_catalog', 'information_schema')"
)


def _broken(_: Run[None]) -> Ending:
    raise ValueError(PERSON)


def _gate_for(needs: NeedsPerson, _case: Case, phase: str) -> Gate:
    return Gate(needs.reason, "tip", (), (Choice.ASK_AGAIN,), phase)


@pytest.fixture(scope="module")
def planted(house: House) -> CaseId:
    """One case that has been everywhere: every sealed column holds something of the patient."""
    clock = TurnedClock()
    memo = Memo(
        patient_id=VENDOR_ID,
        email_on_file=REQUEST.patient.contact.email,
        opening=Opening(clock.now(), timedelta(minutes=40), PERSON, "office", VENDOR_ID),
    )
    with house.session() as session:
        case = open_case(
            session, clock.now(), request=REQUEST, nonce=PERSON, memo=memo, phase="sample.first"
        )
        _plant_answers(session, case, clock.now())
        attachments.add(session, case, "card_front", PHOTO, clock.now())
        links.keep(session, case, LinkPurpose.RECEIPT, TOKEN, clock.now())
        throttle.take(session, PERSON, clock.now(), 5)
        gate = Gate(
            GateReason.LOOKALIKE_PATIENT,
            "tip",
            (Fact("Similar", PERSON),),
            (Choice.USE_EXISTING,),
            "sample.first",
            (Offer(VENDOR_ID, PERSON),),
        )
        opened = gates.open_gate(session, case, gate, clock.now())
        decision = Decision(Choice.USE_EXISTING, 1, VENDOR_ID, "decided by canary")
        gates.decide(session, opened, decision, actor="staff", now=clock.now())
    _run_into_everything(house, case, clock)
    return case


def _plant_answers(session: Session, case: CaseId, now: datetime) -> None:
    new = NewInquiry(1, 1, "pay", "payer", "clearinghouse", "PAYER", date(2030, 1, 7))
    inquiries.add(session, case, new)
    [inquiry] = inquiries.current(session, case)
    answer = RawAnswer(f"NM1*IL*1*{PERSON}*CANARYMEMBER42~".encode(), ContentKind.X12_271)
    inquiries.keep_raw(session, inquiry.id, answer, now)
    inquiries.postpone(
        session, inquiry.id, now, now, outcome="pending", code="", pending_token=VENDOR_ID
    )
    coverage = Coverage(
        "payer",
        Verdict.INACTIVE,
        (),
        member_id="CANARYMEMBER42",
        birth_date=REQUEST.patient.birth_date,
        family_name=REQUEST.patient.name.family,
    )
    inquiries.settle(session, inquiry.id, coverage, now, answered=True)


def _run_into_everything(house: House, case: CaseId, clock: TurnedClock) -> None:
    """A write with the patient's id as its receipt, a token, and a bug that quotes the patient."""

    def writes(run: Run[None]) -> Ending:
        run.write(Write("book", "ehr", lambda _: Receipt(VENDOR_ID, Outcome.CREATED)))
        return _broken(run)

    engine: Engine[None] = Engine(
        house.database,
        clock,
        lambda _: None,
        {"sample.first": writes},
        lambda *_: clock.after(timedelta(hours=1)),
        _gate_for,
    )
    with capture_logs() as lines:
        engine.run_phase("sample.first", house.practice, case, 1)
    assert lines
    assert hits(NEEDLES, _written(lines).encode()) == set()
    tokens = StoredTokens(house.database, house.practice, clock)
    tokens.refresh("ehr", None, lambda: Token(TOKEN, clock.after(timedelta(hours=1))))


_ERROR = sa.text("select error from dbos.workflow_output where workflow_uuid = :phase")


@dataclass(frozen=True)
class FailedPhase:
    """The engine's id of a phase that broke, and all that was logged about it."""

    id: str
    logged: str


@pytest.fixture(scope="module")
def failed_phase(house: House, planted: CaseId) -> FailedPhase:
    """A phase that failed inside the engine itself with an error that quotes the patient."""
    executor = executor_name()
    with house.database.public() as connection:
        key = engine_key(connection, LocalKeyFile(house.key_file))

    def fails(_phase: str, _practice: PracticeId, case: CaseId, _seq: int) -> None:
        raise ValueError(PERSON)

    with house.session() as session:
        case = open_case(session, datetime.now(UTC), request=REQUEST, phase="sample.fails")
    phase = f"{case.hex}.1"
    durable = Durable(house.app_url, executor, key, concurrency=2, poll_s=0.05)
    written = StringIO()
    handler = logging.StreamHandler(written)
    with capture_logs() as ours:
        in_own_thread(lambda: durable.launch(["sample.fails"], fails))
        logging.getLogger("dbos").addHandler(handler)
        try:
            until(lambda: _status(house, phase) == "ERROR", "the phase did not fail")
        finally:
            durable.destroy()
            logging.getLogger("dbos").removeHandler(handler)
    return FailedPhase(phase, f"{_written(ours)} {written.getvalue()}")


def _written(events: Sequence[Mapping[str, object]]) -> str:
    """What leaves of log events."""
    return "\n".join(logs.line(each) for each in events)


def _status(house: House, phase: str) -> str | None:
    statement = sa.text("select status from dbos.workflow_status where workflow_uuid = :phase")
    with house.database.public() as connection:
        return connection.execute(statement, {"phase": phase}).scalar()


def _dump(house: House) -> Iterator[tuple[str, bytes]]:
    """Every value of every row of every table that anybody of ours can read."""
    with house.owner() as owner:
        tables = owner.execute(_SCHEMAS).fetchall()
    for practice in (house.practice, house.other):
        with house.session(practice) as session:
            for schema, table in tables:
                if table == "cleargate_schema":
                    continue
                name = sql.Identifier(schema, table).as_string()
                for row in session.all(sa.text(f"select * from {name}")):
                    for column, value in row.items():
                        content = value if isinstance(value, bytes) else str(value).encode()
                        yield f"{schema}.{table}.{column}", bytes(content)


def test_the_search_finds_what_is_not_sealed() -> None:
    """A search that cannot find anything proves nothing."""
    for text in PLANTED:
        spellings = [text, text.upper(), f"before {text} after"]
        for spelling in spellings:
            assert hits(NEEDLES, spelling.encode()) >= {text}
        assert hits(NEEDLES, repr({"name": text}).encode())


def test_what_was_planted_is_there_for_who_has_the_keys(house: House, planted: CaseId) -> None:
    with house.session() as session:
        stored = cases.get(session, planted)
        assert isinstance(stored, Case)
        assert stored.request == REQUEST
        [(attachment, _)] = attachments.of_case(session, planted)
        assert attachments.get(session, planted, attachment) == PHOTO


def test_the_engine_says_nothing_about_why_a_phase_failed(
    house: House, failed_phase: FailedPhase
) -> None:
    """It keeps the error as plain text, and prints it: so it is given the type only."""
    with house.database.public() as connection:
        error = connection.execute(_ERROR, {"phase": failed_phase.id}).scalar_one()
    for told in (error, failed_phase.logged):
        assert "ValueError" in told
        assert hits(NEEDLES, told.encode()) == set()


def test_no_table_shows_an_identifier(
    house: House, planted: CaseId, failed_phase: FailedPhase
) -> None:
    """Neither ours nor the engine's."""
    columns = set()
    found = set()
    for column, content in _dump(house):
        columns.add(column)
        found |= {(column, text) for text in hits(NEEDLES, content)}
    assert found == set()
    assert {"public.cases.request", "dbos.workflow_status.name"} <= columns
    assert any(column.startswith("dbos.workflow_output.") for column in columns)


def test_nothing_on_the_disk_shows_an_identifier(
    house: House, cluster: EmbeddedPostgres, planted: CaseId, failed_phase: FailedPhase
) -> None:
    """Tables, indexes, the write-ahead log and the server's own log, byte by byte."""
    since = house.key_file.stat().st_mtime
    files = [path for path in cluster.home.rglob("*") if _is_newer(path, since)]
    assert any("pg_wal" in path.parts for path in files)
    files.append(cluster.home / "postgres.log")
    found = set()
    for path in files:
        content = path.read_bytes()
        found |= {(path.name, text) for text in PLANTED if text.encode() in content}
    assert found == set()


def _is_newer(path: Path, since: float) -> bool:
    try:
        return path.is_file() and path.stat().st_mtime >= since
    except FileNotFoundError:  # The server tidies up meanwhile.
        return False


@pytest.mark.parametrize(
    "statement",
    [
        "insert into staff (practice_id, id, username, name, password_hash)"
        " values (:practice, gen_random_uuid(), :value, :value, null)",
        "insert into connections (practice_id, name, state, since)"
        " values (:practice, :value, 'ok', now()), (:practice, :value, 'ok', now())",
        "insert into links (practice_id, token_hash, case_id, purpose, expires_at)"
        " values (:practice, 'x', gen_random_uuid(), :value, now())",
        "insert into nowhere (name) values (:value)",
        "select 1 / (length(:value) - length(:value))",
    ],
    ids=["not null", "unique", "foreign key", "no such table", "division"],
)
def test_a_failed_statement_quotes_no_value(
    house: House, cluster: EmbeddedPostgres, statement: str
) -> None:
    """Neither to us nor in the server's log."""
    with pytest.raises(sa.exc.DBAPIError) as caught, house.session() as session:
        session.run(sa.text(statement), value=QUOTED)
    shown = "".join(traceback.format_exception(caught.value)).encode()
    assert hits(needles([QUOTED]), shown) == set()
    assert hits(needles([QUOTED]), (cluster.home / "postgres.log").read_bytes()) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "select cast(:value as integer)",
        "select cast(:value as uuid)",
        "select cast(:value as timestamptz)",
        "select cast(:value as jsonb)",
        "do $$ begin raise warning 'cannot book %', 'Étienne Quoted-Canary'; end $$",
    ],
)
def test_the_server_s_log_holds_no_message_that_quotes_a_value(
    house: House, cluster: EmbeddedPostgres, statement: str
) -> None:
    """Whoever reads a value as another type is told which value, and so was the log."""
    values = {"value": QUOTED} if ":value" in statement else {}
    with suppress(sa.exc.DBAPIError), house.session() as session:
        session.connection.execute(sa.text(statement), values)
    assert hits(needles([QUOTED]), (cluster.home / "postgres.log").read_bytes()) == set()
