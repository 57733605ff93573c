"""`cleargate backup ...` and `cleargate restore`: the whole database, away and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cleargate.nouns.errors import Refused

app = typer.Typer(help="Back up the database, sealed and tried out.", invoke_without_command=True)

Folder = Annotated[
    Path | None, typer.Option("--to", help="The folder; CLEARGATE_BACKUPS if left out.")
]

Owner = Annotated[str, typer.Option("--to", help="The owner's URL, or env:NAME of one.")]
OWNER = "env:CLEARGATE_OWNER_DATABASE_URL"


@app.callback()
def backup(
    context: typer.Context,
    to: Folder = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only when today's is missing: for a timer.")
    ] = False,
) -> None:
    """Write the database into one sealed file, and restore that for a test."""
    if context.invoked_subcommand is not None:
        return
    from cleargate import logs
    from cleargate.house import open_house
    from cleargate.operations.backup import back_up, back_up_if_due
    from cleargate.settings import backup_settings, installation

    logs.configure(sys.stderr)
    settings = backup_settings()
    folder = to or settings.backups
    if folder is None or not settings.backup_database_url:
        raise Refused("set CLEARGATE_BACKUP_DATABASE_URL, and CLEARGATE_BACKUPS or --to.")
    run = back_up_if_due if if_due else back_up
    run(open_house(installation()), settings, folder.absolute(), Console())


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A backup.")],
) -> None:
    """Restore a backup into a database that is thrown away, and compare."""
    from cleargate import logs
    from cleargate.house import open_house
    from cleargate.operations.backup import verify as verify_backup
    from cleargate.settings import installation

    logs.configure(sys.stderr)
    verify_backup(open_house(installation()), file.absolute(), Console())


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    to: Owner = OWNER,
) -> None:
    """Restore a backup into an empty database."""
    from cleargate import logs
    from cleargate.house import open_house
    from cleargate.operations.restore import restore as restore_backup
    from cleargate.settings import installation

    logs.configure(sys.stderr)
    restore_backup(open_house(installation()), file.absolute(), _url(to), Console())


def restored(to: Owner = OWNER) -> None:
    """Tell a database that RDS or a snapshot brought back that it is a copy; before `work`."""
    from cleargate import logs
    from cleargate.house import open_house
    from cleargate.operations.restore import own_up
    from cleargate.settings import installation

    logs.configure(sys.stderr)
    own_up(open_house(installation()), _url(to), Console())


def _url(to: str) -> str:
    from cleargate.secrets import ReferencedSecrets
    from cleargate.store.database_url import must_be_verified

    url = ReferencedSecrets(Path()).get(to) if to.startswith("env:") else to
    try:
        return must_be_verified(url)
    except ValueError as wrong:
        raise Refused(f"--to: {wrong}.") from None
