"""Two practices in one database: with the other's ids one gets what ids of nothing give."""

import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cleargate.store
from cleargate.nouns.case import Attempt, Case, CaseState, Memo, Outcome, Receipt
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.errors import CleargateError
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, GateId, PracticeId, Ref
from cleargate.nouns.outside import Left, OutsideCall
from cleargate.ports import Stage, Token
from cleargate.store import (
    api_tokens,
    attachments,
    attempts,
    audit,
    calls,
    cases,
    connections,
    credentials,
    effects,
    gates,
    holds,
    inquiries,
    key_changes,
    links,
    outages,
    people,
    queue,
    refusals,
    resealing,
    restores,
    retention,
    staff,
    throttle,
    watch,
)
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database, Session
from cleargate.store.holds import HoldReason
from cleargate.store.inquiries import NewInquiry
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.links import LinkPurpose, token_hash
from cleargate.store.people import SignIn
from cleargate.store.resealing import Place
from cleargate.store.schema import PUBLIC_TABLES
from tests.house import House, TurnedClock, visit_request

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.DECLINE,), "sample.first")
DECISION = Decision(Choice.DECLINE, 1)
COVERAGE = Coverage("Sample Payer", Verdict.UNDETERMINED, ())
INQUIRY = NewInquiry(1, 1, "sample", "Sample Payer", "clearinghouse", "SAMPL", date(2030, 1, 7))
RECEIPT = Receipt("vendor-1", Outcome.CREATED)
ANSWER = RawAnswer(b"answer", ContentKind.TEXT)
ATTEMPT = Attempt("book", "ehr", NOW, 1, "ok")
CALL = OutsideCall("ehr", "ask", "host", NOW, 1, "200", Left.YES, 1, 1, "ab", "cd")


@dataclass(frozen=True)
class Ids:
    """What one practice would have to know about another to do harm."""

    case: CaseId
    gate: GateId
    inquiry: UUID
    attachment: UUID
    staff: UUID
    username: str
    token: str
    nonce: str
    keys: LocalKeyFile
    hold: UUID

    @property
    def ref(self) -> Ref:
        return Ref(self.case, "book")

    @property
    def whole_case(self) -> Case:
        request = visit_request()
        return Case(self.case, CaseState.OPEN, request, Memo(), 1, "", 1, None, "", NOW)


def _nobody_s(house: House) -> Ids:
    case, gate = CaseId(uuid4()), GateId(uuid4())
    name = uuid4().hex
    keys = LocalKeyFile(house.key_file)
    return Ids(case, gate, uuid4(), uuid4(), uuid4(), name, name, name, keys, uuid4())


def _view(ids: Ids) -> Event:
    return Event("case.view", Action.READ, "case", str(ids.case), actor="staff", case=ids.case)


Call = Callable[[Session, Ids], object]

CALLS: dict[str, Call] = {
    "api_tokens.all_of": lambda s, ids: api_tokens.all_of(s),
    "api_tokens.keep": lambda s, ids: api_tokens.keep(s, token_hash(ids.token), "program"),
    "api_tokens.revoke": lambda s, ids: api_tokens.revoke(s, ids.username, NOW),
    "attachments.add": lambda s, ids: attachments.add(s, ids.case, "card", b"x", NOW),
    "attachments.get": lambda s, ids: attachments.get(s, ids.case, ids.attachment),
    "attachments.of_case": lambda s, ids: attachments.of_case(s, ids.case),
    "attempts.add": lambda s, ids: attempts.add(s, ids.case, [ATTEMPT]),
    "attempts.failures": lambda s, ids: dict(attempts.failures(s, ids.case, "book")),
    "attempts.of_case": lambda s, ids: attempts.of_case(s, ids.case),
    "audit.about": lambda s, ids: audit.about(s, str(ids.case)),
    "audit.latest": lambda s, ids: audit.latest(s, "sample.type"),
    "audit.patient_of": lambda s, ids: audit.patient_of(s, ids.case),
    "audit.is_recent": lambda s, ids: audit.is_recent(s, _view(ids), NOW - timedelta(days=9999)),
    "audit.record": lambda s, ids: audit.record(s, _view(ids)),
    "calls.begin": lambda s, ids: calls.begin(s, ids.case, "book", "ehr"),
    "calls.tell": lambda s, ids: calls.tell(s, CALL, step="book", case=ids.case),
    "calls.tell_nothing_left": lambda s, ids: calls.tell_nothing_left(s, ATTEMPT, ids.case),
    "cases.booked": lambda s, ids: cases.booked(s, date(2000, 1, 1), date(2100, 1, 1), None, 999),
    "cases.change_request": lambda s, ids: (
        cases.change_request(s, ids.whole_case, visit_request(visit_type="changed")).id
    ),
    "cases.close": lambda s, ids: cases.close(s, ids.case, CaseState.DONE),
    "cases.get": lambda s, ids: cases.get(s, ids.case),
    "cases.hold": lambda s, ids: cases.hold(s, ids.case, 1),
    "cases.index_of_person": lambda s, ids: cases.index_of_person(s, "Otto", date(1990, 2, 28)),
    "cases.lock": lambda s, ids: cases.lock(s, ids.case),
    "cases.open_case": lambda s, ids: cases.open_case(
        s, CaseId(uuid4()), visit_request(), nonce=ids.nonce, phase="x", now=NOW, actor="x"
    ),
    "cases.person_index": lambda s, ids: cases.person_index(s, visit_request().patient),
    "cases.raise_generation": lambda s, ids: cases.raise_generation(s, ids.whole_case),
    "cases.remember": lambda s, ids: cases.remember(s, ids.whole_case, patient_id="x").memo,
    "cases.reopen": lambda s, ids: cases.reopen(s, ids.case),
    "cases.standing": lambda s, ids: cases.standing(s, [ids.case]),
    "cases.states": lambda s, ids: cases.states(s),
    "cases.stop_at_gate": lambda s, ids: cases.stop_at_gate(s, ids.case),
    "connections.mark": lambda s, ids: connections.mark(s, "ehr", "stopped", "401", NOW),
    "connections.states": lambda s, ids: connections.states(s),
    "connections.works": lambda s, ids: connections.works(s, ids.case, NOW),
    "credentials.note": lambda s, ids: credentials.note(s, "ehr", "used", Stage.NEXT),
    "effects.begin": lambda s, ids: effects.begin(s, ids.ref, "ehr", NOW),
    "effects.begun": lambda s, ids: effects.begun(s, ids.case, "book"),
    "effects.done": lambda s, ids: effects.done(s, ids.case, "book"),
    "effects.finish": lambda s, ids: effects.finish(s, ids.ref, RECEIPT, NOW),
    "effects.in_doubt": lambda s, ids: effects.in_doubt(s, ids.case, "mail", 2),
    "effects.of_case": lambda s, ids: effects.of_case(s, ids.case),
    "effects.undo": lambda s, ids: effects.undo(s, ids.case, "book"),
    "effects.undo_older": lambda s, ids: effects.undo_older(s, ids.case, "book", 9),
    "effects.unsent": lambda s, ids: effects.unsent(s, ids.ref),
    "gates.count_open": lambda s, ids: gates.count_open(s),
    "gates.decide": lambda s, ids: gates.decide(s, ids.gate, DECISION, actor="x", now=NOW),
    "gates.drop": lambda s, ids: gates.drop(s, ids.case, actor="x", now=NOW),
    "gates.get": lambda s, ids: gates.get(s, ids.gate),
    "gates.list_open": lambda s, ids: gates.list_open(s),
    "gates.of_case": lambda s, ids: gates.of_case(s, ids.case),
    "gates.open_gate": lambda s, ids: gates.open_gate(s, ids.case, GATE, NOW),
    "holds.add": lambda s, ids: holds.add(
        s, ids.case, HoldReason.COMPLAINT, "", actor="x", now=NOW
    ),
    "holds.all_of": lambda s, ids: holds.all_of(s),
    "holds.any_in_force": lambda s, ids: holds.any_in_force(s),
    "holds.freeze": lambda s, ids: holds.freeze(s),
    "holds.lift": lambda s, ids: holds.lift(s, ids.hold, actor="x", now=NOW),
    "inquiries.add": lambda s, ids: inquiries.add(s, ids.case, INQUIRY),
    "inquiries.current": lambda s, ids: inquiries.current(s, ids.case),
    "inquiries.get": lambda s, ids: inquiries.get(s, ids.inquiry),
    "inquiries.keep_raw": lambda s, ids: inquiries.keep_raw(s, ids.inquiry, ANSWER, NOW),
    "inquiries.mark_sent": lambda s, ids: inquiries.mark_sent(s, ids.inquiry, NOW),
    "inquiries.of_case": lambda s, ids: inquiries.of_case(s, ids.case),
    "inquiries.postpone": lambda s, ids: inquiries.postpone(
        s, ids.inquiry, NOW, NOW, outcome="x", code="x", pending_token="x"
    ),
    "inquiries.put_aside": lambda s, ids: inquiries.put_aside(s, ids.inquiry),
    "inquiries.raw": lambda s, ids: inquiries.raw(s, ids.inquiry),
    "inquiries.reroute": lambda s, ids: inquiries.reroute(s, ids.inquiry, "x", "x"),
    "inquiries.retire": lambda s, ids: inquiries.retire(s, ids.case),
    "inquiries.retire_ranks": lambda s, ids: inquiries.retire_ranks(s, ids.case, [1]),
    "inquiries.search_otherwise": lambda s, ids: inquiries.search_otherwise(
        s, ids.inquiry, 1, NOW, code="x"
    ),
    "inquiries.shown": lambda s, ids: inquiries.shown(s, ids.case),
    "inquiries.settle": lambda s, ids: inquiries.settle(
        s, ids.inquiry, COVERAGE, NOW, answered=True
    ),
    "key_changes.add": lambda s, ids: key_changes.add(s, ids.keys, "x"),
    "key_changes.destroy": lambda s, ids: key_changes.destroy(s, "x"),
    "key_changes.finish": lambda s, ids: key_changes.finish(s, 1, "x"),
    "key_changes.rewrap": lambda s, ids: key_changes.rewrap(s, ids.keys, ids.keys, "x"),
    "links.count_wrong_answer": lambda s, ids: links.count_wrong_answer(s, ids.token),
    "links.derived_token": lambda s, ids: len(
        links.derived_token(s, ids.case, LinkPurpose.RECEIPT)
    ),
    "links.end": lambda s, ids: links.end(s, ids.case, LinkPurpose.RECEIPT, NOW),
    "links.find": lambda s, ids: links.find(s, ids.token, NOW - timedelta(days=1)),
    "links.keep": lambda s, ids: links.keep(s, ids.case, LinkPurpose.RECEIPT, ids.token, NOW),
    "links.make": lambda s, ids: links.make(s, ids.case, LinkPurpose.RECEIPT, NOW),
    "attachments.drop_some": lambda s, ids: attachments.drop_some(s, 9, "x"),
    "attachments.delete_files": lambda s, ids: attachments.delete_files(s, [""]),
    "outages.answered": lambda s, ids: outages.answered(s, "clearinghouse", "sample"),
    "outages.failed": lambda s, ids: outages.failed(s, "clearinghouse", "sample", NOW),
    "outages.keep_away": lambda s, ids: outages.keep_away(s, "clearinghouse", "sample", NOW),
    "outages.keep_away_until": lambda s, ids: outages.keep_away_until(
        s, "clearinghouse", "sample", NOW
    ),
    "outages.standing": lambda s, ids: outages.standing(s),
    "people.by_id": lambda s, ids: people.by_id(s, ids.staff),
    "people.by_username": lambda s, ids: people.by_username(s, ids.username),
    "people.of_any_time": lambda s, ids: people.of_any_time(s, ids.staff),
    "people.sign_out_everywhere": lambda s, ids: people.sign_out_everywhere(s, ids.staff),
    "queue.start_phase": lambda s, ids: queue.start_phase(s, ids.case, "sample.second"),
    "refusals.record": lambda s, ids: refusals.record(s, _view(ids), NOW),
    "resealing.left_over": lambda s, ids: resealing.left_over(s, 1),
    "resealing.reseal": lambda s, ids: resealing.reseal(s, Place("cases", "memo"), None, 9),
    "restores.note": lambda s, ids: restores.note(s, "sample", "x"),
    "retention.delete_some": lambda s, ids: retention.delete_some(
        s, "cases", NOW + timedelta(days=999), 9
    ),
    "staff.add": lambda s, ids: staff.add(s, ids.username, "Somebody", "hash"),
    "staff.all_of": lambda s, ids: staff.all_of(s, NOW, NOW - timedelta(days=1)),
    "staff.come_back": lambda s, ids: staff.come_back(s, ids.staff, "hash"),
    "staff.leave": lambda s, ids: staff.leave(s, ids.staff),
    "staff.set_password": lambda s, ids: staff.set_password(s, ids.staff, "hash"),
    "throttle.clear": lambda s, ids: throttle.clear(s, ids.token, NOW),
    "throttle.forget": lambda s, ids: throttle.forget(s, NOW + timedelta(days=1)),
    "throttle.give_back": lambda s, ids: throttle.give_back(s, ids.token, NOW),
    "throttle.used": lambda s, ids: throttle.used(s, ids.token, NOW),
    "throttle.take": lambda s, ids: throttle.take(s, ids.token, NOW, 1),
    "watch.doubled": lambda s, ids: watch.doubled(s),
    "watch.orphans": lambda s, ids: watch.orphans(s, 0.0),
}


@pytest.fixture(scope="module")
def theirs(house: House) -> Ids:
    """The first practice's data: a row in every table."""
    return _filled(house, house.practice)


@pytest.fixture(scope="module")
def own(house: House) -> Ids:
    """The second practice's own."""
    return _filled(house, house.other)


def _filled(house: House, practice: PracticeId) -> Ids:
    ids = _nobody_s(house)
    with house.session(practice) as session:
        cases.open_case(
            session,
            ids.case,
            visit_request(),
            nonce=ids.nonce,
            phase="sample.first",
            now=NOW,
            actor="x",
        )
        inquiries.add(session, ids.case, INQUIRY)
        [inquiry] = inquiries.current(session, ids.case)
        inquiries.keep_raw(session, inquiry.id, ANSWER, NOW)
        effects.begin(session, ids.ref, "ehr", NOW)
        effects.finish(session, ids.ref, RECEIPT, NOW)
        effects.begin(session, Ref(ids.case, "mail"), "mail", NOW)
        attempts.add(session, ids.case, [ATTEMPT])
        attachments.add(session, ids.case, "card", b"picture", NOW)
        [(attachment, _)] = attachments.of_case(session, ids.case)
        gate = gates.open_gate(session, ids.case, GATE, NOW)
        links.keep(session, ids.case, LinkPurpose.RECEIPT, ids.token, NOW)
        audit.record(session, _view(ids))
        member = staff.add(session, ids.username, "Front Desk", "hash")
        assert member is not None
        new = SignIn(practice, member, "csrf", NOW, NOW + timedelta(hours=1))
        people.sign_in(session.connection, token_hash(ids.nonce), new)
        api_tokens.keep(session, token_hash(uuid4().hex), ids.username)
        connections.mark(session, "ehr", "stopped", "401", NOW - timedelta(hours=1))
        throttle.take(session, ids.token, NOW, 1)
        for _ in range(outages.FAILURES_MIN):
            outages.failed(session, "clearinghouse", "sample", NOW)
        session.run(_LOSE, id=f"{ids.case.hex}.1")
        hold = holds.add(session, ids.case, HoldReason.COMPLAINT, "", actor="x", now=NOW)
    owner = Database(house.owner_url, house.keyring())
    with closing(owner), owner.session(practice) as session:
        restores.note(session, "sample", "x")
    house.seal(practice)
    return replace(
        ids, gate=gate, inquiry=inquiry.id, attachment=attachment, staff=member, hold=hold
    )


_LOSE = sa.text("update dbos.workflow_status set status = 'ERROR' where workflow_uuid = :id")
_TABLES = sa.text("select tablename from pg_tables where schemaname = 'public' order by 1")
_PHASES = sa.text("select w::text from dbos.workflow_status w where workflow_uuid like :phase")


def _everything(house: House, ids: Ids) -> dict[str, list[str]]:
    """All rows of the first practice, and the engine's rows of its case."""
    found = {}
    with house.session() as session:
        for table in session.run(_TABLES).scalars().all():
            if table in PUBLIC_TABLES:
                continue
            rows = session.run(sa.text(f"select t::text from {table} t order by 1"))
            found[table] = list(rows.scalars())
        for table in ("sign_ins", "api_tokens"):  # Of a practice, though no policy says so.
            query = f"select t::text from {table} t where practice_id = :practice order by 1"
            found[table] = list(session.run(sa.text(query)).scalars())
        phases = session.run(_PHASES, phase=f"{ids.case.hex}.%")
        found["dbos"] = sorted(phases.scalars())
    return found


@contextmanager
def undone(house: House) -> Iterator[Session]:
    """A transaction of the second practice of which nothing is kept."""
    with house.session(house.other) as session:
        yield session
        session.connection.rollback()


def _outcome(house: House, call: Call, ids: Ids) -> str:
    """What the second practice gets, with random values taken out. Nothing of it is kept."""
    try:
        with undone(house) as session:
            result = repr(call(session, ids))
    except (CleargateError, sa.exc.DBAPIError) as error:
        return type(error).__name__
    return _RANDOM.sub("<random>", result)


_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|'[\w-]{43}'")


def test_the_first_practice_has_a_row_in_every_table(house: House, theirs: Ids) -> None:
    """Otherwise the rest would prove nothing."""
    assert [table for table, rows in _everything(house, theirs).items() if not rows] == []


@pytest.mark.parametrize("name", CALLS)
def test_another_practice_s_ids_give_what_ids_of_nothing_give(
    house: House, theirs: Ids, name: str
) -> None:
    before = _everything(house, theirs)
    outcome = _outcome(house, CALLS[name], theirs)
    assert outcome == _outcome(house, CALLS[name], _nobody_s(house))
    assert _everything(house, theirs) == before


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_their_ids_mixed_with_own_ones_give_what_ids_of_nothing_give(
    house: House, theirs: Ids, own: Ids, data: st.DataObject
) -> None:
    """Such as a photo of theirs, asked for under a case of our own."""
    name = data.draw(st.sampled_from(sorted(CALLS)))
    places = [each.name for each in fields(Ids)]
    stolen = data.draw(st.sets(st.sampled_from(places), min_size=1))
    nothing = _nobody_s(house)
    before = _everything(house, theirs)
    tried, expected = (
        _outcome(house, CALLS[name], replace(own, **{each: getattr(ids, each) for each in stolen}))
        for ids in (theirs, nothing)
    )
    assert _without(tried, theirs) == _without(expected, nothing)
    assert _everything(house, theirs) == before


def _without(outcome: str, ids: Ids) -> str:
    """An outcome without the ids that were given to the call: what it repeats tells nothing."""
    for each in (ids.case.hex, ids.token, ids.nonce, ids.username):
        outcome = outcome.replace(each, "<given>")
    return outcome


def test_a_token_of_another_practice_s_connection_is_none(house: House, clock: TurnedClock) -> None:
    """These open their own transactions: one practice's tokens and budgets are not another's."""
    later = clock.now() + timedelta(hours=1)
    mine, other = (
        connections.StoredTokens(house.database, practice, clock)
        for practice in (house.practice, house.other)
    )
    mine.refresh("shared-name", None, lambda: Token("secret", later))
    assert other.current("shared-name") is None
    budget = {"shared-name": connections.Budget(1, 0.001)}
    for practice in (house.practice, house.other):
        connections.StoredBudgets(house.database, practice, clock, budget).take("shared-name")


def test_every_function_of_the_store_that_takes_a_session_is_played() -> None:
    """A new one that is not in CALLS fails here."""
    found = set()
    for module in pkgutil.iter_modules(cleargate.store.__path__):
        if not module.ispkg:
            code = importlib.import_module(f"cleargate.store.{module.name}")
            found |= {
                f"{module.name}.{name}"
                for name, function in inspect.getmembers(code, inspect.isfunction)
                if function.__module__ == code.__name__
                and not name.startswith("_")
                and Session
                in (
                    each.annotation
                    for each in inspect.signature(function, eval_str=True).parameters.values()
                )
            }
    assert found == CALLS.keys()


def test_a_ciphertext_copied_from_another_practice_does_not_open(house: House, theirs: Ids) -> None:
    """By somebody who may write the database, but has no keys."""
    with house.session() as session:
        sealed = session.run(sa.text("select request from cases")).scalars().first()
    assert sealed is not None
    with undone(house) as session:
        mine = cases.open_case(
            session,
            theirs.case,
            visit_request(),
            nonce=os.urandom(8).hex(),
            phase="sample.first",
            now=NOW,
            actor="x",
        )
        session.run(
            sa.text("update cases set request = :stolen where id = :id"), stolen=sealed, id=mine
        )
        with pytest.raises(InvalidTag):
            cases.get(session, mine)
