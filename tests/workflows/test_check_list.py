"""`cleargate eligibility check --csv`, whole: a real worker, a real sandbox, a real file."""

import csv
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cleargate.nouns.case import CHECK
from cleargate.nouns.errors import Refused
from cleargate.operations.check_one import check_one
from cleargate.operations.checks import WORKER_SEEN_S, CheckOptions, check_list
from cleargate.sandbox.population import Scenario, SyntheticPerson
from cleargate.store import cases, leases
from cleargate.store.practices import practice_id
from tests.workflows.stage import Stage, WorkerProcess
from tests.workflows.worker import Blow, Point

OPTIONS = CheckOptions(practice="riverside", wait=timedelta(seconds=90))
HEADER = ["Payer", "Member ID", "First name", "Last name", "DOB"]


def cells(person: SyntheticPerson) -> list[str]:
    patient, policy = person.request.patient, person.request.insurances[0]
    born = f"{patient.birth_date:%m/%d/%Y}"
    name = patient.name
    return [policy.payer_name, policy.member_id, name.given, name.family, born]


def written(folder: Path, *rows: list[str]) -> Path:
    path = folder / "patients.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def answers(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(out.read_text("utf-8-sig"))))


def run(stage: Stage, source: Path, options: CheckOptions = OPTIONS) -> tuple[int, str]:
    """The exit code, and what was printed."""
    printed = StringIO()
    out = source.with_name("answers.csv")
    code = check_list(stage.house, options, source, out, Console(file=printed, width=200))
    return code, printed.getvalue()


def start(stage: Stage, blow: Blow | None = None) -> WorkerProcess:
    """A worker that has shown that it lives."""

    def lives() -> bool:
        with stage.house.database.public() as connection:
            return leases.any_alive(connection, WORKER_SEEN_S)

    started = stage.start(blow)
    stage.until(lives)
    return started


def questions(stage: Stage) -> list[str]:
    """The traces of what the payers of this world were asked by checks of this stage."""
    with stage.house.database.session(practice_id("riverside")) as session:
        ours = {case.hex for case in cases.states(session)}
    asked = stage.world.ledger()["questions"]
    return [each["trace"] for each in asked if each["trace"].partition(".")[0] in ours]


def test_a_list_is_answered_in_its_order_and_again_for_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    well, gone = stage.world.person(), stage.world.person(Scenario.INACTIVE)
    strange = cells(stage.world.person(Scenario.AAA_75))
    source = written(tmp_path, cells(gone), ["", "", "", "", "never"], strange, cells(well))
    start(stage)
    code, said = run(stage, source)
    assert code == 2
    assert "patients.csv, row 3: column birth_date: write a date" in said
    assert "4 rows: 3 good, 1 not asked. 3 answers, 0 to come." in said
    lines = answers(source.with_name("answers.csv"))
    assert [each["verdict"] for each in lines] == ["inactive", "", "undetermined", "active"]
    assert [each["row"] for each in lines] == ["2", "3", "4", "5"]
    assert all(name not in said for name in cells(gone)[1:])
    asked = questions(stage)
    assert len(asked) == len(set(asked)) == 3
    code, said = run(stage, source)
    assert "3 checks: 0 are asked now, 3 were asked for before." in said
    assert questions(stage) == asked


def test_whoever_leaves_finds_the_rest_later(stage: Stage, tmp_path: Path) -> None:
    source = written(tmp_path, cells(stage.world.person()))
    code, said = run(stage, source)
    assert code == 1
    assert "No worker runs" in said
    assert answers(source.with_name("answers.csv"))[0]["status"] == "waits: not asked yet"
    start(stage)
    code, _ = run(
        stage, source, CheckOptions("riverside", wait=timedelta(seconds=90), worker_here=True)
    )
    assert code == 0
    assert answers(source.with_name("answers.csv"))[0]["verdict"] == "active"


@pytest.mark.parametrize(
    "point",
    [Point.AFTER_REPLY, pytest.param(Point.BEFORE_OUR_COMMIT, marks=pytest.mark.long)],
    ids=str,
)
def test_a_killed_worker_leaves_every_check_to_the_next(
    stage: Stage, tmp_path: Path, point: Point
) -> None:
    source = written(tmp_path, *(cells(stage.world.person()) for _ in range(4)))
    victim = start(stage, Blow("check_eligibility", point))
    first = CheckOptions("riverside", wait=timedelta(seconds=10))
    run(stage, source, first)
    assert victim.ended() is not None
    start(stage)
    code, said = run(stage, source)
    assert code == 0, said
    assert "4 checks: 0 are asked now" in said
    lines = answers(source.with_name("answers.csv"))
    assert [each["verdict"] for each in lines] == ["active"] * 4
    assert len(set(questions(stage))) == 4
    with stage.house.database.session(practice_id("riverside")) as session:
        found = [cases.get(session, case) for case in cases.states(session)]
    assert [each.kind for each in found if each] == [CHECK] * 4


def test_one_patient_is_asked_for_at_the_prompt(stage: Stage) -> None:
    payer, member_id, given, family, born = cells(stage.world.person())
    start(stage)
    said = iter([payer[:4] + "x", "", payer, member_id, given, family, "soon", "", "self", born])
    printed = StringIO()
    console = Console(file=printed, width=120)
    options = CheckOptions("riverside", anew=True)
    assert check_one(stage.house, options, console, lambda _: next(said)) == 0
    assert "Birth date (MM/DD/YYYY): write a date as" in printed.getvalue()
    assert "ACTIVE" in printed.getvalue()


def test_a_practice_must_be_named_where_there_are_several(stage: Stage, tmp_path: Path) -> None:
    source = written(tmp_path, cells(stage.world.person()))
    with pytest.raises(Refused, match="--practice: name one of lakeside, riverside"):
        run(stage, source, CheckOptions())
    with pytest.raises(Refused, match="would overwrite"):
        check_list(stage.house, OPTIONS, source, source, Console(file=StringIO()))
