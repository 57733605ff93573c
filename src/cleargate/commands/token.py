"""`cleargate token ...`: which programs may call the API."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Which programs may call a practice's API.", no_args_is_help=True)

Practice = Annotated[str, typer.Option(help="The practice's slug, where there are several.")]
Name = Annotated[str, typer.Argument(help="The program's name, as the trail shows it.")]


@app.command("add")
def add_token(name: Name, practice: Practice = "") -> None:
    """Make a token for a program; it is printed this once."""
    from cleargate.house import opened
    from cleargate.operations.tokens import add
    from cleargate.settings import installation

    with opened(installation()) as house:
        add(house, practice, name, Console())


@app.command("list")
def list_tokens(practice: Practice = "") -> None:
    """Show every token, those in force first; never the token itself."""
    from cleargate.house import opened
    from cleargate.operations.tokens import show
    from cleargate.settings import installation

    with opened(installation()) as house:
        show(house, practice, Console())


@app.command("revoke")
def revoke_token(name: Name, practice: Practice = "") -> None:
    """End a program's token, from its next call on."""
    from cleargate.house import opened
    from cleargate.operations.tokens import revoke
    from cleargate.settings import installation

    with opened(installation()) as house:
        revoke(house, practice, name, Console())
