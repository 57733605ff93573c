"""`cleargate keys rotate-credential`: what a connection signs in with, exchanged under way."""

from typing import Annotated

import typer
from rich.console import Console


def rotate_credential(
    connection: Annotated[str, typer.Argument(help="The connection's name in practice.toml.")],
    practice: Annotated[str, typer.Option(help="The practice, if there are several.")] = "",
    forget: Annotated[
        bool, typer.Option("--forget-previous", help="Take away the secret before.")
    ] = False,
) -> None:
    """Prove a vendor's new credential and put it to use; the old one is kept until told."""
    from cleargate.app import make_client
    from cleargate.house import open_house
    from cleargate.operations.checks import actor
    from cleargate.operations.credentials import forget_previous, rotate
    from cleargate.settings import installation

    console = Console(soft_wrap=True)

    def tell(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    house, by = open_house(installation()), actor()
    try:
        if forget:
            forget_previous(house, practice, connection, actor=by, tell=tell)
        else:
            rotate(house, practice, connection, make_client, actor=by, tell=tell)
    finally:
        house.database.close()
