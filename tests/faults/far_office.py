"""The office of the booking's own tests, with a line to its database that loses COMMITs."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import uuid4

import sqlalchemy as sa

from cleargate.directory.practice import Practice
from cleargate.engine.phases import Engine
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.store import effects
from cleargate.store.connect import AWAY
from cleargate.store.database import Database
from tests.house import House, visit_request
from tests.proxy import Loss, Proxy
from tests.trail import TRAIL
from tests.unit.scheduling.office import Stage, earliest

T = TypeVar("T")

TRIES_MAX = 5

_TRAIL = sa.text(
    f"select type, outcome, actor from {TRAIL} where practice_id = :practice and case_id = :case"
    " and type not like 'call.%'"  # A call that is made again is told again.
)

Trail = Counter[tuple[str, str, str]]


def again(act: Callable[[], T]) -> T:
    """What a person does who is told to try again in a minute."""
    for _ in range(TRIES_MAX):
        try:
            return act()
        except AWAY:
            continue
    raise AssertionError("the database stays away")


class FarStage(Stage):
    """An office whose engine and pages are at the far end of the line; the test looks from near."""

    def __init__(self, house: House, far: Database) -> None:
        super().__init__(house)
        self.far = far

    def _engine(self) -> Engine[Practice]:
        return replace(super()._engine(), database=self.far)

    def ask(self) -> CaseId:
        """A new patient sends the form, as often as it takes."""
        nonce, request = uuid4().hex, visit_request(earliest=earliest(10))

        def send() -> CaseId:
            with self.far.session(self.house.practice) as session:
                return requests.submit(
                    session, self.practice, request, nonce=nonce, now=self.clock.now()
                ).case

        return again(send)

    def confirm(self, case: CaseId) -> None:
        """The patient follows the link of the mail."""

        def follow() -> None:
            with self.far.session(self.house.practice) as session:
                requests.confirm_contact(session, case, self.clock.now())

        again(follow)

    def withdraw(self, case: CaseId) -> None:
        """The patient presses the button, as often as it takes."""

        def press() -> None:
            with self.far.session(self.house.practice) as session:
                requests.withdraw(session, case, actor="patient", now=self.clock.now())

        again(press)

    def play_to_end(self, case: CaseId) -> CaseState:
        """Run whatever is due, up to the end or a gate; waits pass at once."""
        state = self.play(case, until=self.later(hours=30)).state
        assert state is not CaseState.OPEN, self.see(case)
        return state


def book(stage: FarStage) -> CaseId:
    """A whole booking: the form, the link, and the visit."""
    case = stage.ask()
    assert stage.play(case).phase == UNCONFIRMED
    stage.confirm(case)
    assert stage.play_to_end(case) is CaseState.DONE
    return case


def book_and_withdraw(stage: FarStage) -> CaseId:
    """A whole booking that is not wanted any more."""
    case = book(stage)
    stage.withdraw(case)
    assert stage.play_to_end(case) is CaseState.WITHDRAWN
    return case


Course = Callable[[FarStage], CaseId]


@dataclass(frozen=True)
class Footprint:
    """What a course has left behind: with the vendors, in the patient's mailbox, on the trail."""

    records: Counter[str]
    visits: Counter[BookingStatus]
    mails: Counter[str]
    trail: Trail
    unsure: int
    mail_repeats: int


def footprint(stage: FarStage, case: CaseId) -> Footprint:
    with stage.house.session() as session:
        trail = Counter(
            (row["type"], row["outcome"], row["actor"]) for row in session.all(_TRAIL, case=case)
        )
        kept = effects.of_case(session, case)
    mails = {(message.subject, ref) for message, ref in stage.mail.sent}
    return Footprint(
        records=Counter(ref.split(".")[1] for ref in stage.ehr.kept),
        visits=Counter(stage.ehr.statuses.values()),
        mails=Counter(subject for subject, _ in mails),
        mail_repeats=len(stage.mail.sent) - len(mails),
        trail=trail,
        unsure=sum(each.state in ("sent", "due") for each in kept),
    )


def every_loss(
    house: House, far: Database, line: Proxy, course: Course, loss: Loss, step: int = 1
) -> Iterator[tuple[int, Footprint, Footprint]]:
    """Each COMMIT of a course lost in turn: its number, and what is left with and without it."""
    calm = FarStage(house, far)
    line.lose(loss=loss)
    untroubled = footprint(calm, course(calm))
    total = line.commits
    assert total > 20, "so few commits make no booking"
    for which in range(1, total + 1, step):
        stage = FarStage(house, far)
        line.lose(which, loss=loss)
        case = course(stage)
        if line.commits < which:
            return  # The first course made the keys as well.
        yield which, footprint(stage, case), untroubled
