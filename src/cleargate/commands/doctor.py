"""`cleargate doctor`: whether the installation is as it should be."""

from typing import Annotated

import typer
from rich.console import Console


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the installation and every connection, and say what to do."""
    from cleargate.app import connections
    from cleargate.house import open_house
    from cleargate.nouns.errors import BadSettings
    from cleargate.operations.doctor import CHECKS
    from cleargate.operations.doctor.connections import connection_checks
    from cleargate.operations.doctor.examine import Report, examine
    from cleargate.operations.doctor.finding import ok, wrong
    from cleargate.operations.doctor.report import tell
    from cleargate.settings import installation

    try:
        house = open_house(installation())
    except BadSettings as refused:
        unread = wrong(str(refused), "Mend the setting; nothing else can be checked before.")
        raise typer.Exit(tell([Report("settings", [unread])], as_json, Console())) from None
    read = Report("settings", [ok(f"The settings of {len(house.profiles)} practices are read.")])
    found = examine(house, (*CHECKS, *connection_checks(connections(house))))
    raise typer.Exit(tell([read, *found], as_json, Console()))
