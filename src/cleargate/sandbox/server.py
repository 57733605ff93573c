"""Starting and stopping the sandbox: in the foreground for the command, in a thread for tests."""

import asyncio
import json
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

from cleargate.nouns.errors import Refused
from cleargate.sandbox.admin import Admin
from cleargate.sandbox.clinic import zone_of
from cleargate.sandbox.mail import MailServer
from cleargate.sandbox.trees import Tree
from cleargate.sandbox.wire import HttpServer
from cleargate.sandbox.world import SandboxOptions, World

START_MAX_S = 30.0


async def _serve(
    options: SandboxOptions, ready: Callable[[Tree], None], end: asyncio.Event
) -> None:
    """Listen until `end` is set; `ready` is called once, when everything listens."""
    world = World(options)
    http = HttpServer(Admin(world).handle, world.course, world.admit)
    mail = MailServer(world.keep_mail, world.faults.draw, world.received.note)
    try:
        port = await _listen(http.start, options.port)
        smtp_port = await _listen(mail.start, options.smtp_port)
        world.base_url = f"http://127.0.0.1:{port}"
        ready(_addresses(world, smtp_port))
        await end.wait()
    finally:
        await http.stop()
        await mail.stop()
        world.close()


async def _listen(start: Callable[[int], Awaitable[int]], port: int) -> int:
    try:
        return await start(port)
    except OSError as error:
        raise Refused(f"The sandbox cannot listen on port {port}: {error.strerror}.") from None


def _addresses(world: World, smtp_port: int) -> Tree:
    return {
        "base_url": world.base_url,
        "smtp": {"host": "127.0.0.1", "port": smtp_port},
        "mailbox": f"{world.base_url}/mailbox",
        **world.doors.addresses(world.base_url),
        "tenants": {
            tenant: {
                "fhir": f"{world.base_url}/{tenant}/fhir",
                "token": f"{world.base_url}/{tenant}/token",
                "zone": str(zone_of(tenant)),
            }
            for tenant in world.options.tenants
        },
    }


def serve(options: SandboxOptions, ready_file: Path | None = None) -> None:
    """Serve in the foreground until SIGINT or SIGTERM. Raises Refused when it cannot start."""
    _tell(ready_file, None)

    async def run() -> None:
        end = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        await _serve(options, lambda addresses: _tell(ready_file, addresses), end)

    asyncio.run(run())


def _tell(ready_file: Path | None, addresses: Tree | None) -> None:
    """Write the ready file, or remove an old one; a reader never sees half a file."""
    if ready_file is None:
        return
    try:
        ready_file.unlink(missing_ok=True)
        if addresses is not None:
            draft = ready_file.with_name(ready_file.name + ".part")
            draft.write_text(json.dumps(addresses, indent=1))
            draft.replace(ready_file)
    except OSError as error:
        raise Refused(f"The sandbox cannot write {ready_file}: {error.strerror}.") from None


class Sandbox:
    """A sandbox in a thread of this process; `ready` is what the ready file would say."""

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self._started: Future[Tree] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self.ready: Tree = {}

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns when everything does. Raises Refused when it cannot."""
        self._thread.start()
        self.ready = self._started.result(START_MAX_S)

    def stop(self) -> None:
        """Stop listening; everything is in the journal."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_MAX_S)

    def _run(self) -> None:
        async def run() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            await _serve(self.options, self._started.set_result, self._end)

        try:
            asyncio.run(run())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
