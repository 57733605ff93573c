"""The command line. Each command's body lives in the room that does the work."""

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import structlog
import typer
from rich.console import Console

from cleargate import logs, outlets
from cleargate.commands import audit, backup, eligibility, hold, keys, retention, staff, token
from cleargate.commands.doctor import doctor
from cleargate.nouns.errors import KeysDestroyed, Refused, Unavailable

app = typer.Typer(
    help="Scheduling and billing chores of a medical practice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(eligibility.app, name="eligibility")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.command()(doctor)
app.add_typer(backup.app, name="backup")
app.command()(backup.restore)
app.command()(backup.restored)
app.add_typer(hold.app, name="hold")
app.add_typer(retention.app, name="retention")
app.add_typer(staff.app, name="staff")
app.add_typer(token.app, name="token")

EXIT_BUG = 1
EXIT_BAD_INPUT = 2

_log = structlog.get_logger()


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Where the demo's data lives.")] = Path(".cleargate"),
    requests: Annotated[int, typer.Option(help="Post so many requests and check each end.")] = 0,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same patients and faults.")
    ] = 7,
    faults: Annotated[str, typer.Option(help="none, light, heavy, or kind=rate,...")] = "light",
    concurrency: Annotated[int, typer.Option(min=1, max=100, help="Cases at once.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
) -> None:
    """Run everything on this machine with synthetic practices, patients, payers and faults."""
    from cleargate.operations.demo import DemoOptions
    from cleargate.operations.demo import demo as run_demo

    options = DemoOptions(data, seed=seed, faults=faults, concurrency=concurrency)
    if not requests:
        raise typer.Exit(run_demo(options, Console()))
    from cleargate.operations.rehearsal import rehearse

    raise typer.Exit(rehearse(options, requests, json_file, Console()))


@app.command()
def migrate() -> None:
    """Bring the database to today's schema, as its owner."""
    from cleargate.engine import durable
    from cleargate.settings import installation
    from cleargate.store.migrate import migrate as migrate_store
    from cleargate.store.roles import OTHERS, let_backup_read

    settings = installation()
    password = os.environ.get("CLEARGATE_APP_PASSWORD", "")
    if not settings.owner_database_url or not password:
        raise Refused("set CLEARGATE_OWNER_DATABASE_URL and CLEARGATE_APP_PASSWORD to migrate.")
    others = {
        role: os.environ.get(f"CLEARGATE_{name}_PASSWORD", "") for name, role in OTHERS.items()
    }
    migrate_store(settings.owner_database_url, password, others)
    durable.migrate(settings.owner_database_url)
    let_backup_read(settings.owner_database_url)


@app.command()
def serve(
    ready_file: Annotated[Path | None, typer.Option(help="Written once it listens.")] = None,
) -> None:
    """Serve the patient's pages, the desk and the API."""
    from cleargate.house import open_house
    from cleargate.operations.expiries import expiries_of
    from cleargate.settings import installation, refuse_privileges
    from cleargate.store.trouble import await_database
    from cleargate.web.listener import listener_of
    from cleargate.web.server import run as run_pages
    from cleargate.web.site import Pages

    _only_log_lines()
    refuse_privileges()
    settings = installation()
    listener = listener_of(settings)
    await_database(settings.database_url, settings.database_wait_s)
    house = open_house(settings)
    secure = settings.public_url.startswith("https://")
    pages = Pages(house.database, house.clock, house.profiles, secure, partial(expiries_of, house))
    run_pages(pages, listener, ready_file)


@app.command()
def work() -> None:
    """Work the queue until told to stop."""
    from cleargate.app import make_worker
    from cleargate.engine.worker import executor_name
    from cleargate.house import open_house
    from cleargate.settings import installation, refuse_privileges
    from cleargate.store.trouble import await_database

    _only_log_lines()
    refuse_privileges()
    settings = installation()
    await_database(settings.database_url, settings.database_wait_s)
    worker = make_worker(open_house(settings, executor_name()))
    worker.start()
    worker.wait_for_signal()
    worker.stop()


@app.command()
def drain(
    seconds: Annotated[float, typer.Option(min=5, help="Be done after so many seconds.")] = 240,
) -> None:
    """Work the queue until nothing is due, or the time is over, then end (serverless)."""
    from cleargate.app import make_worker
    from cleargate.engine.watchdog import mend_orphans
    from cleargate.engine.worker import executor_name
    from cleargate.house import open_house
    from cleargate.settings import installation, refuse_privileges
    from cleargate.store.trouble import await_database

    _only_log_lines()
    refuse_privileges()
    ends = time.monotonic() + seconds
    settings = installation()
    await_database(settings.database_url, 0)
    house = open_house(settings, executor_name())
    worker = make_worker(house, ends=ends)
    worker.start()
    mend_orphans(house.database)
    idle = worker.drain(ends)
    worker.stop()
    _log.info("drained", idle=idle)
    # A phase's thread may be inside a call; its lease is given back, a peer goes on with it.
    os._exit(0)


def _only_log_lines() -> None:
    """For a process that works with patients' data by itself: nothing else leaves it."""
    logs.configure(outlets.own(sys.stdout))
    outlets.reduce_errors()
    outlets.capture_output()


def main() -> None:
    """Run the command line."""
    screen = outlets.own(sys.stderr)
    logs.configure(screen)
    outlets.reduce_errors()
    sys.exit(run(sys.argv[1:], screen))


def run(arguments: Sequence[str], screen: TextIO) -> int:
    """Run one command; what only a person can mend is one plain sentence and exit code 2.

    A bug is told as type and frames on the screen too: its message may quote a patient.
    """
    try:
        app(arguments)
    except (Refused, Unavailable, KeysDestroyed) as failure:
        screen.write(f"{failure}\n")
        return EXIT_BAD_INPUT
    except Exception as error:
        if said := _database_trouble(error):
            screen.write(f"{said}\n")
            return EXIT_BAD_INPUT
        outlets.uncaught(error)
        return EXIT_BUG
    return 0


def _database_trouble(error: Exception) -> str:
    """What is wrong with the database, where that is why a command failed; else nothing."""
    from cleargate.store.trouble import explain

    return explain(error)


if __name__ == "__main__":
    main()
