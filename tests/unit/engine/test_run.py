"""One run of a phase: an outside write happens once, and a doubt is looked into."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from cleargate.engine.endings import AtGate, Closed, Later, NeedsPerson, Next
from cleargate.engine.run import PATIENCE, Run, Write, load_case
from cleargate.nouns.case import TAKEN, Attempt, CaseState, Outcome, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, Ref
from cleargate.store import attempts, cases, connections, gates
from cleargate.store.cases import Superseded
from cleargate.store.queue import start_phase
from tests.house import House, TurnedClock, open_case
from tests.unit.engine.vendor import Killed, Vendor, failure

GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.ASK_AGAIN,), "sample.first")
SHORT_S = 0.01

_EFFECTS = sa.text("select * from effects where practice_id = :practice and case_id = :case")
_TRAIL = sa.text(
    "select type from audit_events where practice_id = :practice and case_id = :case"
    " order by recorded"
)

Start = Callable[..., Run[None]]


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now())


@pytest.fixture
def start(house: House, clock: TurnedClock, case: CaseId) -> Start:
    """Run the case's phase from its top, as the engine does after a crash."""

    def run(stop_in: timedelta | None = None) -> Run[None]:
        return Run(
            practice=None,
            practice_id=house.practice,
            case=load_case(house.database, house.practice, case, 1),
            phase="sample.first",
            database=house.database,
            clock=clock,
            last_moment=lambda since: since + timedelta(hours=24),
            stop_at=None if stop_in is None else clock.after(stop_in),
        )

    return run


def _write(vendor: Vendor, *, searchable: bool = True, blind_sends: int = 0) -> Write:
    return Write("book", "ehr", vendor.send, vendor.look if searchable else None, blind_sends)


def _tries(house: House, case: CaseId) -> list[Attempt]:
    with house.session() as session:
        return attempts.of_case(session, case)


def test_an_effect_is_kept_before_it_is_sent_and_its_receipt_after(
    house: House, case: CaseId, start: Start
) -> None:
    seen: list[str] = []

    def look_at_the_store(_: Ref) -> None:
        with house.session() as session:
            seen.extend(row["state"] for row in session.all(_EFFECTS, case=case))

    vendor = Vendor(before_send=look_at_the_store)
    receipt = start().write(_write(vendor))
    assert seen == ["sent"]
    assert receipt.outcome is Outcome.CREATED
    with house.session() as session:
        [effect] = session.all(_EFFECTS, case=case)
        trail = [row["type"] for row in session.all(_TRAIL, case=case)]
    assert effect["state"] == "done"
    assert trail == ["case.open", "call.begin", "call.book", "effect.book"]


def test_a_finished_write_is_never_sent_again(start: Start) -> None:
    vendor = Vendor()
    first = start().write(_write(vendor))
    assert start().write(_write(vendor)) == first
    assert vendor.sends == 1


def test_killed_before_sending_it_looks_sends_and_looks_again(start: Start) -> None:
    vendor = Vendor(failures=[Killed()])
    with pytest.raises(Killed):
        start().write(_write(vendor))
    start().write(_write(vendor))
    assert list(vendor.kept.values()) == [1]
    assert vendor.looks == 2


def test_killed_after_the_vendor_kept_it_it_looks_and_does_not_send(start: Start) -> None:
    vendor = Vendor(replies=[Killed()])
    with pytest.raises(Killed):
        start().write(_write(vendor))
    assert start().write(_write(vendor)).outcome is Outcome.EXISTED
    assert list(vendor.kept.values()) == [1]


def test_a_doubtful_write_that_arrived_is_found_and_not_repeated(start: Start) -> None:
    vendor = Vendor(replies=[failure(ErrorKind.AMBIGUOUS)])
    assert start().write(_write(vendor)).outcome is Outcome.EXISTED
    assert (vendor.sends, vendor.looks) == (1, 1)


def test_a_doubt_stays_a_doubt_after_a_harmless_failure(start: Start) -> None:
    """The second try surely did nothing; the first may still have arrived."""
    vendor = Vendor(
        replies=[failure(ErrorKind.AMBIGUOUS)],
        look_failures=[failure(ErrorKind.RETRYABLE, retry_after_s=SHORT_S)],
    )
    start().write(_write(vendor))
    assert (vendor.sends, vendor.looks) == (1, 2)


def test_a_refused_try_is_sent_again_without_a_look(start: Start) -> None:
    vendor = Vendor(failures=[failure(ErrorKind.RETRYABLE)])
    start().write(_write(vendor))
    assert (vendor.sends, vendor.looks) == (2, 0)


def test_what_arrived_beside_a_second_send_is_seen(start: Start) -> None:
    """The first send arrives while the second is on its way, and the vendor keeps both."""
    vendor = Vendor(failures=[failure(ErrorKind.AMBIGUOUS, SHORT_S)])

    def look(ref: Ref) -> Receipt | None:
        if vendor.kept.get(ref.value, 0) > 1:
            raise PortError(ErrorKind.REJECTED, "ehr", vendor_code="duplicate_ref")
        return None

    def send(ref: Ref) -> Receipt:
        receipt = vendor.send(ref)
        vendor.kept[ref.value] += 1
        return receipt

    with pytest.raises(NeedsPerson) as caught:
        start().write(Write("book", "ehr", send, look))
    assert caught.value.error is not None
    assert caught.value.error.vendor_code == "duplicate_ref"


def test_a_doubt_that_cannot_be_looked_into_needs_a_person(start: Start) -> None:
    vendor = Vendor(replies=[failure(ErrorKind.AMBIGUOUS)])
    with pytest.raises(NeedsPerson) as caught:
        start().write(_write(vendor, searchable=False))
    assert caught.value.reason is GateReason.VENDOR_UNSURE
    assert vendor.sends == 1


def test_a_mail_in_doubt_is_repeated_once_and_no_more(start: Start) -> None:
    vendor = Vendor(replies=[failure(ErrorKind.AMBIGUOUS) for _ in range(3)])
    with pytest.raises(NeedsPerson):
        start().write(_write(vendor, searchable=False, blind_sends=1))
    assert vendor.sends == 2


def test_what_left_before_a_person_said_again_is_looked_for_first(
    house: House, case: CaseId, start: Start
) -> None:
    vendor = Vendor(replies=[failure(ErrorKind.AMBIGUOUS, 60)])
    with pytest.raises(Later):
        start().write(_write(vendor))
    with house.session() as session:
        cases.raise_generation(session, cases.lock(session, case))
    again = start()
    receipt = again.write(_write(vendor))
    assert receipt.id == f"id-{Ref(case, 'book', 1)}"
    assert again.write(_write(vendor)) == receipt
    assert vendor.sends == 1


def test_a_person_s_again_is_sent_where_the_vendor_cannot_tell_or_has_nothing(
    house: House, case: CaseId, start: Start
) -> None:
    """Who cannot search says so by NeedsPerson: then the person has looked."""

    def cannot_tell(_: Ref) -> Receipt | None:
        raise NeedsPerson(GateReason.VENDOR_UNSURE, "book")

    vendor = Vendor(failures=[failure(ErrorKind.AMBIGUOUS, 60) for _ in range(2)])
    for look in (vendor.look, cannot_tell):
        with pytest.raises(Later):
            start().write(Write("book", "ehr", vendor.send, look))
        with house.session() as session:
            cases.raise_generation(session, cases.lock(session, case))
    receipt = start().write(Write("book", "ehr", vendor.send, cannot_tell))
    assert receipt.id == f"id-{Ref(case, 'book', 3)}"
    assert vendor.sends == 3


def test_a_conflict_that_was_us_is_a_receipt(start: Start) -> None:
    """The vendor keeps the first, late, and refuses the second because of it."""
    vendor = Vendor()

    def arrived_meanwhile(ref: Ref) -> None:
        vendor.kept[ref.value] = 1

    vendor.before_send = arrived_meanwhile
    vendor.failures = [failure(ErrorKind.CONFLICT)]
    assert start().write(_write(vendor)).outcome is Outcome.EXISTED
    assert vendor.sends == 1


def test_a_conflict_that_was_somebody_else_is_the_caller_s(start: Start) -> None:
    vendor = Vendor(failures=[failure(ErrorKind.CONFLICT)])
    run = start()
    contested = replace(_write(vendor), contested=True)
    with pytest.raises(type(failure(ErrorKind.CONFLICT))) as caught:
        run.write(contested)
    assert caught.value.kind is ErrorKind.CONFLICT
    assert run.write(contested).outcome is Outcome.CREATED
    assert vendor.looks == 1


def test_what_somebody_else_took_is_an_answer_and_the_next_choice_counts_anew(
    house: House, case: CaseId, start: Start
) -> None:
    busy, taken = failure(ErrorKind.RETRYABLE), failure(ErrorKind.CONFLICT)
    vendor = Vendor(failures=[busy, busy, taken])
    contested = replace(_write(vendor), contested=True)
    with pytest.raises(PortError):
        start().write(contested)
    with house.session() as session:
        outcomes = [each.outcome for each in attempts.of_case(session, case)]
        failures = attempts.failures(session, case, contested.step)["tries"]
    assert outcomes == [ErrorKind.RETRYABLE, ErrorKind.RETRYABLE, TAKEN, "ok"]  # The last: a look.
    assert failures == 0


def test_a_conflict_that_no_look_could_confirm_counts_as_a_failure(
    house: House, case: CaseId, start: Start
) -> None:
    """Otherwise a vendor whose search is down would be asked every second."""
    vendor = Vendor(
        failures=[failure(ErrorKind.CONFLICT) for _ in range(40)],
        look_failures=[failure(ErrorKind.RETRYABLE) for _ in range(40)],
    )
    run = start()
    with pytest.raises(Later):
        while True:
            run.write(replace(_write(vendor), contested=True))
    assert 1 < vendor.sends < 40


def test_a_conflict_where_nobody_competes_is_tried_again(start: Start) -> None:
    vendor = Vendor(failures=[failure(ErrorKind.CONFLICT)])
    assert start().write(_write(vendor)).outcome is Outcome.CREATED
    assert vendor.sends == 2


@pytest.mark.parametrize("kind", [ErrorKind.REJECTED, ErrorKind.UNSUPPORTED])
def test_a_refusal_needs_a_person_who_sees_the_error(start: Start, kind: ErrorKind) -> None:
    refusal = failure(kind)
    with pytest.raises(NeedsPerson) as caught:
        start().write(_write(Vendor(failures=[refusal])))
    assert caught.value.error is refusal


def test_a_short_wait_is_sat_out_and_a_long_one_ends_the_phase(
    start: Start, clock: TurnedClock
) -> None:
    short = failure(ErrorKind.RETRYABLE, retry_after_s=PATIENCE.total_seconds())
    start().read("find", "ehr", Vendor(failures=[short]).answer)
    assert clock.waited == PATIENCE
    long = failure(ErrorKind.RETRYABLE, retry_after_s=PATIENCE.total_seconds() + 1)
    with pytest.raises(Later) as caught:
        start().read("find", "ehr", Vendor(failures=[long]).answer)
    assert caught.value.due == clock.after(PATIENCE + timedelta(seconds=1))
    assert clock.waited == PATIENCE


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ErrorKind.RETRYABLE, GateReason.VENDOR_SILENT),
        (ErrorKind.RATE_LIMITED, GateReason.VENDOR_SILENT),
        (ErrorKind.AUTH, GateReason.CONNECTION_STOPPED),
        (ErrorKind.AMBIGUOUS, GateReason.VENDOR_UNSURE),
    ],
)
def test_no_try_falls_after_the_last_moment(
    start: Start, clock: TurnedClock, kind: ErrorKind, reason: GateReason
) -> None:
    """A day counts from the first failure on end."""
    vendor = Vendor(failures=[failure(kind, retry_after_s=60) for _ in range(2)])
    run = start()
    clock.turn(timedelta(hours=24))
    with pytest.raises(Later):
        run.read("find", "ehr", vendor.answer)
    clock.turn(timedelta(hours=24))
    with pytest.raises(NeedsPerson) as caught:
        run.read("find", "ehr", vendor.answer)
    assert caught.value.reason is reason


def test_looking_that_fails_on_end_waits_longer_and_longer(
    house: House, case: CaseId, start: Start, clock: TurnedClock
) -> None:
    """A vendor that is down is not asked twice a second for a day."""
    vendor = Vendor(
        replies=[failure(ErrorKind.AMBIGUOUS)],
        look_failures=[failure(ErrorKind.RETRYABLE) for _ in range(40)],
    )
    run = start()
    with pytest.raises(Later):
        while True:
            run.write(_write(vendor))
    assert vendor.looks < 40
    assert vendor.sends == 1


def test_failures_count_anew_after_a_success_and_after_a_decision(
    house: House, case: CaseId, start: Start, clock: TurnedClock
) -> None:
    def fails() -> int:
        with house.session() as session:
            return int(attempts.failures(session, case, "find")["tries"])

    run = start()
    down: list[BaseException] = [failure(ErrorKind.RETRYABLE) for _ in range(2)]
    run.read("find", "ehr", Vendor(failures=down).answer)
    run.end(Next("sample.first"))
    assert fails() == 0
    with house.session() as session:
        attempts.add(session, case, [Attempt("find", "ehr", clock.now(), 1, "retryable")])
    assert fails() == 1
    clock.turn(timedelta(seconds=1))
    with house.session() as session:
        gate = gates.open_gate(session, case, GATE, clock.now())
        gates.decide(session, gate, Decision(Choice.ASK_AGAIN, 1), actor="x", now=clock.now())
    assert fails() == 0


def test_every_try_is_on_the_timeline(house: House, case: CaseId, start: Start) -> None:
    vendor = Vendor(replies=[failure(ErrorKind.AMBIGUOUS)])
    start().write(_write(vendor))
    tries = [(each.step, each.outcome) for each in _tries(house, case)]
    assert tries == [("book", "ambiguous"), ("book.look", "ok")]
    assert {each.ref for each in _tries(house, case)} == {f"{case.hex}.book.1"}


def test_a_try_that_our_own_code_broke_is_not_called_a_success(
    house: House, case: CaseId, start: Start
) -> None:
    run = start()
    with pytest.raises(ZeroDivisionError):
        run.write(_write(Vendor(replies=[ZeroDivisionError()])))
    run.end(AtGate(GATE))
    assert [each.outcome for each in _tries(house, case)] == ["program_error"]


def test_bad_credentials_stop_the_connection_and_tell_the_trail(
    house: House, case: CaseId, start: Start
) -> None:
    with pytest.raises(Later):
        start().read("find", "ehr", Vendor(failures=[failure(ErrorKind.AUTH)]).answer)
    with house.session() as session:
        state = next(each for each in connections.states(session) if each.name == "ehr")
    assert (state.state, state.code) == ("stopped", "test")


def test_no_call_starts_when_the_process_must_stop(start: Start, clock: TurnedClock) -> None:
    vendor = Vendor()
    run = start(stop_in=timedelta(seconds=1))
    clock.turn(timedelta(seconds=1))
    with pytest.raises(Later) as caught:
        run.write(_write(vendor, searchable=False))
    assert caught.value.due == clock.after(PATIENCE)
    with pytest.raises(Later):
        run.read("find", "ehr", vendor.answer)
    assert vendor.sends == 0
    start().write(_write(vendor, searchable=False))
    assert vendor.sends == 1, "what was never sent left a doubt behind"


def test_a_phase_that_was_overtaken_writes_nothing_more(
    house: House, case: CaseId, start: Start
) -> None:
    run = start()
    with house.session() as session:
        start_phase(session, case, "sample.withdraw")
    vendor = Vendor()
    with pytest.raises(Superseded):
        run.write(_write(vendor))
    with pytest.raises(Superseded):
        run.end(Closed(CaseState.DONE))
    assert vendor.sends == 0


def test_what_a_failed_commit_should_have_kept_is_not_kept(
    house: House, case: CaseId, start: Start
) -> None:
    run = start()
    with pytest.raises(ZeroDivisionError), run.commit() as session:
        run.remember(session, patient_id="p-1")
        raise ZeroDivisionError
    with run.commit():
        assert run.case.memo.patient_id == ""


def test_each_ending_leaves_one_thing_to_come(house: House, case: CaseId, start: Start) -> None:
    start().end(AtGate(GATE))
    with house.session() as session:
        stopped = cases.get(session, case)
        assert [each.open for each in gates.of_case(session, case)] == [True]
    assert stopped is not None
    assert stopped.phase == ""
    with pytest.raises(Superseded):
        start()


def test_an_ending_with_a_next_phase_queues_it_for_its_time(
    house: House, case: CaseId, start: Start, clock: TurnedClock
) -> None:
    due = clock.after(timedelta(hours=1))
    start().end(Next("sample.second", due, "waiting"))
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert (stored.phase, stored.phase_seq, stored.due) == ("sample.second", 2, due)
    assert stored.note == "waiting"


def test_an_ending_that_closes_closes(house: House, case: CaseId, start: Start) -> None:
    start().end(Closed(CaseState.DECLINED))
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert stored.state is CaseState.DECLINED
