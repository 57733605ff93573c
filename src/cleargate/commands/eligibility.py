"""`cleargate eligibility ...`: insurance coverage, from files and from payers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cleargate.nouns.errors import Refused

if TYPE_CHECKING:
    from cleargate.eligibility.lab.capture import Request

app = typer.Typer(help="Insurance coverage.", no_args_is_help=True)

Services = Annotated[str, typer.Option(help="Service type codes, the first is the primary one.")]
Day = Annotated[str, typer.Option(help="The date of the visit, YYYY-MM-DD; today if left out.")]
Practice = Annotated[str, typer.Option(help="The practice's slug, where there are several.")]
SERVICES = "PT,AE,AF,AD,98,30"
"""The default profile: a physical-therapy clinic."""


@app.command("read")
def read_files(
    files: Annotated[
        list[Path], typer.Argument(help="Payers' answers: 271, TriZetto's XML, or JSON.")
    ],
    services: Services = SERVICES,
    on: Day = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read payers' answers and print one coverage card for each patient."""
    from cleargate.eligibility.read import read

    raise typer.Exit(read(files, _codes(services), _day(on), as_json, Console()))


@app.command("explain")
def explain_files(
    files: Annotated[
        list[Path], typer.Argument(help="Payers' answers: 271, TriZetto's XML, or JSON.")
    ],
    services: Services = SERVICES,
    on: Day = "",
    payer: Annotated[
        str, typer.Option(help="The payer that was asked, by its name or its id in the directory.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why each answer is judged as it is: rules, segments, and what was left out."""
    from cleargate.eligibility.explain import explain

    codes, day = _codes(services), _day(on)
    raise typer.Exit(explain(files, codes, day, payer, as_json, Console()))


@app.command("check")
def check(
    csv: Annotated[
        Path | None, typer.Option(help="A list of patients; without it, one is asked for.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the answers go, with --csv.")] = None,
    practice: Practice = "",
    on: Day = "",
    services: Annotated[
        str, typer.Option(help="Service type codes; the practice's own if left out.")
    ] = "",
    pay_for: Annotated[
        int, typer.Option(min=0, help="Pay for so many checks beyond the day's budget.")
    ] = 0,
    anew: Annotated[
        bool, typer.Option("--anew", help="Ask again what was answered before today.")
    ] = False,
    here: Annotated[bool, typer.Option("--here", help="Work on them in this process.")] = False,
) -> None:
    """Ask payers about the patients of a list, or about one who is asked for at the prompt."""
    from cleargate.house import open_house
    from cleargate.operations.check_one import ask_at_terminal, check_one
    from cleargate.operations.checks import CheckOptions, check_list
    from cleargate.settings import installation

    if (csv is None) != (out is None):
        raise Refused("Give both --csv and --out, or neither.")
    house = open_house(installation())
    options = CheckOptions(
        practice,
        _day(on) if on else None,
        _codes(services) if services else (),
        pay_for,
        anew or csv is None,
        worker_here=here,
    )
    with _worker(here):
        if csv is None or out is None:
            code = check_one(house, options, Console(), ask_at_terminal)
        else:
            code = check_list(house, options, csv, out, Console())
    raise typer.Exit(code)


@app.command("sweep")
def sweep(
    visits: Annotated[
        str, typer.Option(help="How far ahead, such as 3d; practice.toml's own if left out.")
    ] = "",
    practice: Practice = "",
) -> None:
    """Ask payers again about the visits of the next days; a worker does the asking."""
    from cleargate.house import open_house
    from cleargate.operations.sweep import sweep_visits
    from cleargate.settings import installation

    sweep_visits(open_house(installation()), practice, visits, Console())


@contextmanager
def _worker(here: bool) -> Iterator[None]:
    """A worker in this process for as long as the block runs, if there is to be one."""
    if not here:
        yield
        return
    from cleargate import logs
    from cleargate.app import make_worker
    from cleargate.engine.worker import executor_name
    from cleargate.house import open_house
    from cleargate.settings import installation

    logs.configure(sys.stderr)
    worker = make_worker(open_house(installation(), executor_name()))
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def _codes(services: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in services.split(",") if code.strip())
    if not codes:
        raise Refused("--services: name at least one service type, such as PT.")
    return codes


def _day(on: str) -> date:
    try:
        return date.fromisoformat(on) if on else datetime.now().astimezone().date()
    except ValueError:
        raise Refused(f"--on {on}: write a date as YYYY-MM-DD.") from None


@app.command("capture")
def capture_answer(
    stored: Annotated[
        str,
        typer.Argument(help="The id of a case, as the desk's address has it, or of a question."),
    ] = "",
    file: Annotated[Path | None, typer.Option(help="An answer that was saved as a file.")] = None,
    out: Annotated[Path, typer.Option(help="Where the fixture's folder is made.")] = Path(),
    name: Annotated[str, typer.Option(help="The fixture's short name; nobody's.")] = "",
    practice: Annotated[str, typer.Option(help="The practice, if there are several.")] = "",
    policy: Annotated[int, typer.Option(help="Of a case: 1 is its primary insurance.")] = 1,
    services: Services = "",
    on: Day = "",
) -> None:
    """Turn an answer into a de-identified fixture with its expected verdict."""
    from cleargate.eligibility.lab.capture import Request, capture

    if bool(stored) == (file is not None):
        raise Refused("Give either the id of a case or question, or --file with a saved answer.")
    if file is not None:
        if not on:
            raise Refused("--on: say for which date the payer was asked, YYYY-MM-DD.")
        request = Request(_saved(file), _codes(services or SERVICES), _day(on), name, out)
    else:
        request = _stored(stored, practice, policy, name, out)
        request = replace(request, services=_codes(services)) if services else request
    folder, counts = capture(request)
    console = Console(soft_wrap=True)
    console.print(f"Written: {folder}", markup=False, highlight=False)
    for place, count in counts.items():
        console.print(f"  replaced, {place}: {count}", markup=False, highlight=False)
    console.print("Read all of it before you share it.")


def _saved(file: Path) -> bytes:
    """As much of a file as a capture looks at: it refuses what is larger than one answer."""
    from cleargate.eligibility.lab.formats import BYTES_MAX

    try:
        with file.open("rb") as saved:
            return saved.read(BYTES_MAX + 1)
    except OSError as failure:
        raise Refused(f"--file: cannot be read ({failure.strerror}).") from None


def _stored(stored: str, practice: str, policy: int, name: str, out: Path) -> "Request":
    """A raw answer of the practice's store, once the trail has kept who took it out."""
    from uuid import UUID

    from cleargate.eligibility.lab.capture import Request
    from cleargate.eligibility.lab.stored import take_out
    from cleargate.house import open_house
    from cleargate.operations.checks import actor
    from cleargate.settings import installation

    try:
        id_ = UUID(stored)
    except ValueError:
        raise Refused(
            "An id has 32 hexadecimal digits; the desk's address of a case has it."
        ) from None
    house = open_house(installation())
    found = [each for each in house.profiles.values() if practice in ("", each.slug)]
    if len(found) != 1:
        raise Refused("--practice: name one of this installation's practices.")
    [profile] = found
    try:
        with house.database.session(profile.id) as session:
            answer = take_out(session, id_, policy, actor())
    finally:
        house.database.close()
    return Request(answer.content, profile.service_types, answer.on, name, out, profile.payers)
