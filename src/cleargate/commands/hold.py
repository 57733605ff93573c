"""`cleargate hold ...`: legal holds."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Keep cases whatever their age (legal hold).", no_args_is_help=True)

Practice = Annotated[str, typer.Option(help="The practice's slug.")]


@app.command("add")
def add_hold(
    reason: Annotated[str, typer.Option(help="litigation, payer_audit, and so on.")],
    case: Annotated[str, typer.Option(help="The case; the whole practice if left out.")] = "",
    practice: Practice = "",
    reference: Annotated[str, typer.Option(help="The matter's number; never a name.")] = "",
) -> None:
    """Keep one case, or everything of a practice, until the hold is lifted."""
    from cleargate.house import open_house
    from cleargate.operations.holds import add
    from cleargate.settings import installation

    add(open_house(installation()), case, practice, reason, reference, Console())


@app.command("list")
def list_holds(practice: Practice = "") -> None:
    """Show every hold, those in force first."""
    from cleargate.house import open_house
    from cleargate.operations.holds import show
    from cleargate.settings import installation

    show(open_house(installation()), practice, Console())


@app.command("lift")
def lift_hold(hold: Annotated[str, typer.Argument(help="The hold's id.")]) -> None:
    """End a hold."""
    from cleargate.house import open_house
    from cleargate.operations.holds import lift
    from cleargate.settings import installation

    lift(open_house(installation()), hold, Console())
