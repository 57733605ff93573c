"""A clock that jumps by an hour, forward or back: waits end, nothing is done twice or skipped."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate.directory.practice import EligibilityPolicy
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import CaseState
from cleargate.nouns.eligibility import Pending
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.people.sign_in import sign_in, signed_in
from cleargate.scheduling import requests
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.scheduling.sweep import sweep_if_due
from cleargate.store import attempts, connections, gates, links
from cleargate.store.connections import Budget, StoredBudgets
from cleargate.store.links import LinkPurpose
from tests.house import House, TurnedClock, open_case, visit_request
from tests.unit.scheduling.office import ACTIVE, MemoryEhr, Stage, earliest, said
from tests.web.installation import PASSWORD, Site, read_profiles

HOUR = timedelta(hours=1)
PHASES_MAX = 60
JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])


@dataclass
class TurningEhr(MemoryEhr):
    """Whose calls take so long that the clock is turned meanwhile, to and fro."""

    clock: TurnedClock = field(default_factory=TurnedClock)
    jump: timedelta = HOUR

    def _fail(self, operation: str) -> None:
        self.clock.turn(self.jump)
        self.jump = -self.jump
        super()._fail(operation)


@pytest.fixture
def stage(house: House) -> Stage:
    """An office whose payer lets it wait in every way there is, before it answers."""
    stage = Stage(house)
    stage.payer.answers = [
        _failure(ErrorKind.RATE_LIMITED),
        _failure(ErrorKind.AMBIGUOUS),
        Pending("sample-token", 120),
        _failure(ErrorKind.AUTH),
        _failure(ErrorKind.RETRYABLE),
        said(ACTIVE),
    ]
    return stage


def _failure(kind: ErrorKind) -> PortError:
    return PortError(kind, "clearinghouse", vendor_code="test")


def _submit(stage: Stage) -> CaseId:
    return stage.submit(visit_request(earliest=earliest(10)), confirmed=False)


@JUMPS
def test_a_jump_in_the_middle_of_every_wait_leaves_one_booking(
    stage: Stage, jump: timedelta
) -> None:
    turning = TurningEhr(openings=stage.ehr.openings, clock=stage.clock, jump=jump)
    stage.ehr = turning
    stage.rule(ehr=turning)
    case = _submit(stage)
    waits = _play_with_jumps(stage, case, jump)
    assert {"waiting_for_patient", "waiting_for_payer"} <= waits
    done = stage.see(case)
    assert done.state is CaseState.DONE
    assert turning.statuses == {done.memo.booking_id: BookingStatus.BOOKED}
    assert len({ref for _, ref in stage.mail.sent}) == len(stage.mail.sent) == 2
    with stage.house.session() as session:
        tries = attempts.of_case(session, case)
        assert not [each for each in gates.of_case(session, case)]
        assert {each.state for each in connections.states(session)} == {"ok"}
    assert all(0 <= each.duration_ms < 60_000 for each in tries), "a call took an hour"


def _play_with_jumps(stage: Stage, case: CaseId, jump: timedelta) -> set[str]:
    """Run the case to its end; the clock jumps in the middle of each wait. Gives their notes."""
    waits = set()
    for _ in range(PHASES_MAX):
        now = stage.see(case)
        if now.state is not CaseState.OPEN or not now.phase:
            return waits
        if now.due is not None and now.due > stage.clock.now():
            waits.add(now.note)
            stage.clock.turn((now.due - stage.clock.now()) / 2)
            stage.clock.turn(jump)
            if now.phase == UNCONFIRMED:
                with stage.house.session() as session:
                    requests.confirm_contact(session, case, stage.clock.now())
                continue
            stage.clock.turn(max(timedelta(0), now.due - stage.clock.now()))
        stage.step(case)
    raise AssertionError("the case never comes to rest")


def test_a_case_that_fails_on_after_a_decision_waits_and_is_no_bug_of_ours(house: House) -> None:
    """The clock is turned back behind the decision, from which the failures are counted."""
    stage = Stage(house)
    stage.ehr.failures["create_patient"] = [
        PortError(ErrorKind.REJECTED, "ehr", vendor_code="test"),
        *(PortError(ErrorKind.RETRYABLE, "ehr", vendor_code="test") for _ in range(8)),
    ]
    case = stage.submit(visit_request(earliest=earliest(10)))
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.VENDOR_REFUSED
    stage.clock.turn(timedelta(minutes=1))
    stage.decide(case, Choice.ASK_AGAIN)
    stage.clock.turn(-HOUR)
    done = stage.play(case, until=stage.later(hours=2))
    assert done.state is CaseState.DONE, "it stopped at a gate"
    with house.session() as session:
        tries = [each for each in attempts.of_case(session, case) if each.step == "create_patient"]
    assert len(tries) == 10


@pytest.fixture
def site(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    profiles = read_profiles(tmp_path_factory.mktemp("practices"))
    yield Site("", house, TurnedClock(), profiles)


@JUMPS
def test_whoever_is_at_the_desk_signs_in_again_after_a_jump(site: Site, jump: timedelta) -> None:
    """How long a session was idle is not known any more, so it ends, even if it would be fresh."""
    database, practice = site.house.database, site.house.practice
    token = sign_in(database, practice, site.hire(), PASSWORD, site.clock.now())
    assert token is not None
    assert signed_in(database, practice, token, site.clock.now()) is not None
    site.clock.turn(jump)
    assert signed_in(database, practice, token, site.clock.now()) is None


def test_a_link_that_was_ended_stays_so_when_the_clock_is_turned_back(house: House) -> None:
    clock = TurnedClock()
    with house.session() as session:
        case = open_case(session, clock.now())
        token = links.make(session, case, LinkPurpose.CHECK_DETAILS, clock.now() + 3 * HOUR)
        links.end(session, case, LinkPurpose.CHECK_DETAILS, clock.now())
        clock.turn(-HOUR)
        assert links.find(session, token, clock.now()) is None


def test_an_empty_budget_fills_on_after_the_clock_was_turned_back(house: House) -> None:
    clock, name = TurnedClock(), f"sample-{uuid4().hex[:8]}"
    budgets = StoredBudgets(house.database, house.practice, clock, {name: Budget(1, 0.1)})
    budgets.take(name)
    clock.turn(-HOUR)
    with pytest.raises(PortError):
        budgets.take(name)
    clock.turn(timedelta(seconds=10))
    budgets.take(name)


@pytest.mark.parametrize(
    ("at", "moments"),
    [
        (time(6), ["-1 23:50!", "05:30", "06:30!", "05:40", "06:01", "23:59", "+1 00:30"]),
        (time(6), ["05:30", "06:30!", "07:30", "06:10"]),
        (time(23, 30), ["23:10", "+1 00:10!", "23:20", "23:40", "+1 00:30", "+1 23:31!"]),
        (time(23, 30), ["23:40!", "22:40", "23:35", "+1 00:35", "+1 05:00"]),
    ],
)
def test_the_sweep_of_a_day_is_neither_skipped_nor_done_twice(
    house: House, at: time, moments: list[str]
) -> None:
    """The office's clock as it is read, one look after the other; `!` where the sweep is due."""
    stage = Stage(house)
    profile = replace(stage.practice, eligibility=EligibilityPolicy(sweep_at=at))
    with house.session() as session:
        session.run(sa.text("delete from throttle where practice_id = :practice"))
    for moment in moments:
        days, _, clock = moment.rstrip("!").rpartition(" ")
        day = earliest(15) + timedelta(days=int(days or 0))
        now = datetime.combine(day, time.fromisoformat(clock), stage.practice.zone)
        swept = sweep_if_due(house.database, profile, now.astimezone(UTC))
        assert (swept is not None) == moment.endswith("!"), moment
