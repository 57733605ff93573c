"""`cleargate keys ...`: the keys under which everything is sealed. Run as the database's owner."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cleargate.commands.credentials import rotate_credential
from cleargate.nouns.errors import Refused

app = typer.Typer(help="Keys that seal, and what vendors gave us.", no_args_is_help=True)
app.command("rotate-credential")(rotate_credential)


@app.command("status")
def status() -> None:
    """Say whose keys there are, how old, and what is still sealed with an older one."""
    from cleargate.house import open_house
    from cleargate.operations.keys.status import show_status
    from cleargate.settings import installation

    house = open_house(installation())
    try:
        code = show_status(house.database, house.keys, datetime.now(UTC), Console())
    finally:
        house.database.close()
    raise typer.Exit(code)


@app.command("rotate")
def rotate(
    practice: Annotated[str, typer.Option(help="The practice's slug; all if left out.")] = "",
    key_file: Annotated[
        Path | None, typer.Option(help="Wrap all keys with this key file; made if not there.")
    ] = None,
    kms_key: Annotated[str, typer.Option(help="Wrap all keys with this key of AWS KMS.")] = "",
) -> None:
    """Make new data keys, and seal all that is stored with them, beside all other work.

    May be stopped or killed at any time; started again, it goes on. With --key-file or --kms-key
    it puts another master key in force instead, for all keys at once. The former is in force until
    the command says that all are wrapped by the new one, which then belongs into the settings;
    `cleargate keys status` names the one in force.
    """
    from cleargate.operations.keys.rewrap import rewrap
    from cleargate.operations.keys.rotate import rotate
    from cleargate.operations.keys.vault import open_vault
    from cleargate.settings import installation

    another = key_file is not None or bool(kms_key)
    if another and practice:
        raise Refused("a master key wraps the keys of all practices: leave out --practice.")
    with open_vault(installation()) as vault:
        if another:
            code = rewrap(vault, key_file, kms_key, Console())
        else:
            code = rotate(vault, practice, Console())
    raise typer.Exit(code)


@app.command("shred")
def shred(
    practice: Annotated[str, typer.Argument(help="The slug of the practice that leaves.")],
    close_open_cases: Annotated[
        bool, typer.Option("--close-open-cases", help="Also while cases are open: they end.")
    ] = False,
) -> None:
    """Destroy the keys of a practice that leaves: what it stored can never be read again."""
    from cleargate.operations.keys.shred import shred
    from cleargate.operations.keys.vault import open_vault
    from cleargate.settings import installation

    def ask(question: str) -> str:
        return str(typer.prompt(question))

    with open_vault(installation()) as vault:
        code = shred(vault, practice, ask, Console(), close_cases=close_open_cases)
    raise typer.Exit(code)
