"""`cleargate keys rotate-credential`: what a connection signs in with, exchanged under way."""

from getpass import getuser
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
    from cleargate.operations.credentials import forget_previous, rotate
    from cleargate.settings import installation

    console = Console(soft_wrap=True)

    def tell(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    house, actor = open_house(installation()), f"cli:{getuser()}"
    try:
        if forget:
            forget_previous(house, practice, connection, actor=actor, tell=tell)
        else:
            rotate(house, practice, connection, make_client, actor=actor, tell=tell)
    finally:
        house.database.close()
