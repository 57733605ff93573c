"""`cleargate eligibility ...`: insurance coverage, from files and from payers."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cleargate.nouns.errors import Refused

app = typer.Typer(help="Insurance coverage.", no_args_is_help=True)

Services = Annotated[str, typer.Option(help="Service type codes, the first is the primary one.")]
Day = Annotated[str, typer.Option(help="The date of the visit, YYYY-MM-DD; today if left out.")]
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
