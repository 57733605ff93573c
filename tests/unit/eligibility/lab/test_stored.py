"""A stored answer leaves the store only with an event on the trail, in one transaction."""

import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from cleargate.eligibility.lab.stored import take_out
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.store import inquiries
from cleargate.store.inquiries import NewInquiry
from tests.house import House, TurnedClock, open_case
from tests.trail import TRAIL
from tests.unit.eligibility.lab.answers import ON, encoded, left, x12
from tests.unit.test_main import run
from tests.web.installation import SLUG, read_profiles

NEW = NewInquiry(1, 1, "sundry", "Sundry", "clearinghouse", "SUND1", ON)
ANSWER = RawAnswer(encoded(x12()), ContentKind.X12_271)

_TRAIL = sa.text(
    f"select actor, action, entity_id, code from {TRAIL}"
    " where practice_id = :practice and type = 'eligibility.capture'"
    " and entity_id = :id"
)


@pytest.fixture
def question(house: House, clock: TurnedClock) -> tuple[CaseId, UUID]:
    """An answered question of a case."""
    with house.session() as session:
        case = open_case(session, clock.now())
        inquiries.add(session, case, NEW)
        [stored] = inquiries.current(session, case)
        inquiries.keep_raw(session, stored.id, ANSWER, clock.now())
    return case, stored.id


def _trail(house: House, inquiry: UUID) -> list[tuple[str, str, str, str]]:
    with house.session() as session:
        return [tuple(row.values()) for row in session.all(_TRAIL, id=str(inquiry))]


@pytest.mark.parametrize("by", ["case", "question"])
def test_whoever_takes_an_answer_out_is_on_the_trail(
    house: House, question: tuple[CaseId, UUID], by: str
) -> None:
    case, inquiry = question
    with house.session() as session:
        answer = take_out(session, inquiry if by == "question" else case, 1, "cli:somebody")
    assert (answer.content, answer.on) == (ANSWER.content, ON)
    assert _trail(house, inquiry) == [("cli:somebody", "R", str(inquiry), "sundry")]


def test_without_the_event_there_is_no_answer(house: House, question: tuple[CaseId, UUID]) -> None:
    with pytest.raises(RuntimeError), house.session() as session:
        take_out(session, question[1], 1, "cli:somebody")
        raise RuntimeError
    assert _trail(house, question[1]) == []


def test_other_practices_and_other_ids_have_none(
    house: House, question: tuple[CaseId, UUID]
) -> None:
    case, inquiry = question
    for practice, id_, policy in (
        (house.other, inquiry, 1), (house.other, case, 1),
        (house.practice, uuid4(), 1), (house.practice, case, 2),
    ):  # fmt: skip
        with pytest.raises(Refused), house.session(practice) as session:
            take_out(session, id_, policy, "cli:somebody")
    assert _trail(house, inquiry) == []


def test_command_captures_out_of_the_store(
    house: House, question: tuple[CaseId, UUID], tmp_path: Path
) -> None:
    """The whole way, as a person at the practice's machine goes it."""
    (tmp_path / "practices").mkdir()
    read_profiles(tmp_path / "practices")
    case, inquiry = question
    here = {
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "CLEARGATE_DATABASE_URL": house.app_url,
        "CLEARGATE_KEY_FILE": str(house.key_file),
        "CLEARGATE_PRACTICES": str(tmp_path / "practices"),
    }
    arguments = ("eligibility", "capture", str(case), "--name", "sundry", "--out", str(tmp_path))
    assert "--practice: name one" in run(*arguments, **here).stderr
    done = run(*arguments, "--practice", SLUG, **here)
    assert (done.returncode, done.stderr) == (0, "")
    files = {path.name: path.read_text() for path in (tmp_path / "sundry").iterdir()}
    assert left(files | {"said": done.stdout}) == []
    [(actor, action, *_)] = _trail(house, inquiry)
    assert (actor.partition(":")[0], action) == ("cli", "R")
