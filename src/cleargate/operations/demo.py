"""The demo: a whole installation on this machine, with two synthetic practices and their world.

Embedded Postgres, sandbox, worker and web server, all on loopback; Ctrl-C ends all of it.
"""

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cleargate.nouns.errors import Refused
from cleargate.operations.demo_home import PRACTICES, STAFF, DemoHome, embedded, remembered_port
from cleargate.operations.demo_home import write_private as write
from cleargate.operations.processes import Processes, Ready, usable_port
from cleargate.settings import Installation


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How a demo is started. `speed` divides every wait of the office; dates stay real."""

    data: Path
    seed: int = 7
    faults: str = "light"
    speed: float = 60.0
    concurrency: int = 20


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where its pages are, and how to sign in."""

    web_url: str
    sandbox: Ready
    home: DemoHome
    installation: Installation
    processes: Processes


@contextmanager
def running(options: DemoOptions) -> Iterator[Demo]:
    """Start everything, in the order in which it needs each other; end it in reverse."""
    home = DemoHome(options.data.resolve())
    with ExitStack() as stack:
        server = embedded(home.data)
        owner_url = server.start()
        stack.callback(server.stop)
        processes = Processes(home.data / "logs")
        stack.callback(processes.end)
        sandbox = _start_sandbox(home, processes, options)
        app_url = home.prepare_database(owner_url)
        sandbox_ready = processes.wait_ready("sandbox", sandbox)
        home.write_practices(sandbox_ready)
        port = usable_port(remembered_port(home.data, "web"))
        trail = home.prepare_trail(owner_url)
        installation = _installation(home, app_url, port, options)
        home.seed(installation)
        environment = _environment(installation)
        processes.start("worker", ["cleargate", "work"], environment)
        sealing = _variables(trail)
        processes.start("sealer", ["cleargate", "audit", "seal"], sealing)
        ready_file = _fresh(home.data / "web-ready.json")
        processes.start("web", ["cleargate", "serve", "--ready-file", str(ready_file)], environment)
        processes.wait_ready("web", ready_file)
        _remember_ports(home.data, port, sandbox_ready)
        yield Demo(f"http://127.0.0.1:{port}", sandbox_ready, home, installation, processes)


def _start_sandbox(home: DemoHome, processes: Processes, options: DemoOptions) -> Path:
    ready_file = _fresh(home.data / "sandbox-ready.json")
    arguments = [
        "cleargate.sandbox",
        f"--data={home.data / 'sandbox'}",
        f"--port={usable_port(remembered_port(home.data, 'sandbox'))}",
        f"--smtp-port={usable_port(remembered_port(home.data, 'smtp'))}",
        f"--seed={options.seed}",
        f"--faults={options.faults}",
        f"--tenants={','.join(PRACTICES)}",
        f"--ready-file={ready_file}",
    ]
    processes.start("sandbox", arguments, {})
    return ready_file


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _installation(home: DemoHome, app_url: str, port: int, options: DemoOptions) -> Installation:
    return Installation(
        database_url=app_url,
        key_file=home.key_file,
        practices=home.practices,
        public_url=f"http://127.0.0.1:{port}",
        port=port,
        clock_speed=options.speed,
        concurrency=options.concurrency,
        poll_s=0.1,
        prepared_statements=True,
    )


def _environment(installation: Installation) -> dict[str, str]:
    return _variables(installation.model_dump(mode="json"))


def _variables(values: Mapping[str, object]) -> dict[str, str]:
    return {f"CLEARGATE_{name.upper()}": str(value) for name, value in values.items() if value}


def _remember_ports(data: Path, web: int, sandbox: Ready) -> None:
    sandbox_port = int(sandbox["base_url"].rpartition(":")[2])
    ports = {"web": web, "sandbox": sandbox_port, "smtp": sandbox["smtp"]["port"]}
    write(data / "ports.json", json.dumps(ports))


def demo(options: DemoOptions, console: Console) -> int:
    """Run the demo until Ctrl-C."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with running(options) as started:
        _print_addresses(started, console)
        while not end.wait(0.5):
            started.processes.check()
        console.print("Ending ...")
    return 0


def _print_addresses(started: Demo, console: Console) -> None:
    table = Table(title="Cleargate demo: synthetic patients only, not for production", min_width=70)
    table.add_column("What")
    table.add_column("Where", overflow="fold")
    for slug, (name, *_) in PRACTICES.items():
        table.add_row(f"{name}: the patient's form", f"{started.web_url}/{slug}/")
        table.add_row(f"{name}: the staff desk", f"{started.web_url}/{slug}/desk")
    table.add_row("The sandbox's mailbox", started.sandbox["mailbox"])
    table.add_row("Sign in at the desk as", f"{STAFF} / {started.home.secret('staff-password')}")
    table.add_row("Logs", str(started.home.data / "logs"))
    console.print(table)
    console.print("Ctrl-C ends it. The data stays for the next start.")
    sys.stdout.flush()


__all__ = ["Demo", "DemoOptions", "Refused", "demo", "running"]
