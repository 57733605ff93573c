"""`cleargate retention ...`: what is kept no longer."""

import sys
from datetime import UTC, datetime

import typer
from rich.console import Console

app = typer.Typer(help="Delete what is over and old enough.", no_args_is_help=True)


@app.callback()
def retention() -> None:
    """Delete what is over and old enough."""


@app.command("run")
def run_retention() -> None:
    """Delete what each practice's settings keep no longer; once a day, by a timer."""
    from cleargate import logs
    from cleargate.operations.retention import run
    from cleargate.settings import retention_settings

    logs.configure(sys.stderr)
    run(retention_settings(), datetime.now(UTC), Console())
