"""A small HTTP/1.1 server on h11 that holds the socket in its own hands, so that faults are real.

A `Course` says how one call goes on the wire: late, reset before or after the handler ran, closed
without a reply, cut short. Handlers are plain functions; they run on the loop, one at a time.
"""

import asyncio
import contextlib
import json
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from cleargate.sandbox.trees import Json

_log = logging.getLogger("cleargate.sandbox")

BODY_MAX = 4 * 1024 * 1024
HANG_MAX_S = 600.0
IDLE_MAX_S = 75.0


@dataclass(frozen=True)
class Request:
    """One request. Header names are in lower case; `query` keeps order and repetitions.

    `written` are the headers with their names as they were written, for servers that mind;
    `target` is the address as it was asked for, before anything was decoded.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes
    written: tuple[tuple[str, str], ...] = ()
    target: str = ""

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The path's parts, decoded."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @cached_property
    def json(self) -> Json:
        """The body as JSON, None when it is none."""
        try:
            found: Json = json.loads(self.body)
        except ValueError:
            return None
        return found

    @cached_property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The body as a form; values are as they were typed."""
        return tuple(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """One reply. `delay_s` is how long the answering system itself takes."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0


def json_response(status: int, value: Json) -> Response:
    """A JSON reply."""
    return Response(status, json.dumps(value).encode())


class Ending(StrEnum):
    """How a connection goes on after a call."""

    REPLY = "reply"
    RESET = "reset"
    CLOSE = "close"
    HANG = "hang"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Course:
    """How one call goes on the wire.

    `commit` says whether the handler runs; `instead` is sent in place of its reply; `spoil`
    changes the reply's bytes.
    """

    delay_s: float = 0.0
    commit: bool = True
    ending: Ending = Ending.REPLY
    instead: Response | None = None
    spoil: Callable[[Response], Response] | None = None


SMOOTH = Course()


class HttpServer:
    """Serves a handler on 127.0.0.1. `admit` is asked once a connection, at its first request."""

    def __init__(
        self,
        handle: Callable[[Request], Response],
        course: Callable[[Request], Course] = lambda _: SMOOTH,
        admit: Callable[[Request], bool] = lambda _: True,
    ) -> None:
        self.handle = handle
        self.course = course
        self.admit = admit
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        # The peer may go at any moment, and a stop cancels: both are ordinary ends here.
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
            await _Conversation(reader, writer, self).hold()
        writer.close()


def reset(transport: asyncio.BaseTransport) -> None:
    """Abort a connection so that the peer sees RST, not FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


class _Conversation:
    """One kept-alive connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: HttpServer,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._server = server
        self._admitted = False
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=65536)

    async def hold(self) -> None:
        """Answer requests until the peer, a fault or an error ends the connection."""
        while True:
            try:
                request = await self._receive()
            except h11.RemoteProtocolError as error:
                self._send(Response(error.error_status_hint, b"{}"))
                return
            if request is None or not await self._answer(request):
                return
            await self._writer.drain()
            if self._http.our_state is h11.MUST_CLOSE:
                return
            self._http.start_next_cycle()

    async def _receive(self) -> Request | None:
        head: h11.Request | None = None
        body: list[bytes] = []
        size = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                async with asyncio.timeout(IDLE_MAX_S):
                    self._http.receive_data(await self._reader.read(65536))
            elif isinstance(event, h11.Request):
                head = event
                _bound(dict(event.headers).get(b"content-length", b"0"))
            elif isinstance(event, h11.Data):
                size += len(event.data)
                _bound(b"%d" % size)
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _request(head, b"".join(body))
            else:
                return None

    async def _answer(self, request: Request) -> bool:
        """Whether the connection goes on."""
        if not self._admitted and not self._server.admit(request):
            reset(self._writer.transport)
            return False
        self._admitted = True
        course = self._server.course(request)
        response = self._safely(request) if course.commit else Response(503)
        if course.instead is not None:
            response = course.instead
        if course.spoil is not None:
            response = course.spoil(response)
        if course.delay_s or response.delay_s:
            await asyncio.sleep(course.delay_s + response.delay_s)
        match course.ending:
            case Ending.REPLY:
                self._send(response)
                return True
            case Ending.RESET:
                reset(self._writer.transport)
            case Ending.HANG:
                async with asyncio.timeout(HANG_MAX_S):
                    await self._reader.read(1)
            case Ending.CUT:
                self._send(response, cut=True)
            case Ending.CLOSE:
                pass
        return False

    def _safely(self, request: Request) -> Response:
        try:
            return self._server.handle(request)
        except Exception:
            # A bug of the sandbox itself: told aloud, and the server goes on as servers do.
            _log.exception("sandbox handler failed: %s %s", request.method, request.path)
            return json_response(500, {"error": "sandbox_bug"})

    def _send(self, response: Response, *, cut: bool = False) -> None:
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        head = self._http.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if cut:
            self._writer.write(head + response.body[: len(response.body) // 2])
            return
        data = self._http.send(h11.Data(data=response.body)) or b""
        end = self._http.send(h11.EndOfMessage()) or b""
        self._writer.write(head + data + end)


def _bound(size: bytes) -> None:
    if int(size) > BODY_MAX:
        raise h11.RemoteProtocolError("body too large", error_status_hint=413)


def _request(head: h11.Request, body: bytes) -> Request:
    asked = head.target.decode("ascii", "replace")
    target = urlsplit(asked)
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    query = tuple(parse_qsl(target.query, keep_blank_values=True))
    written = tuple(
        (name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers.raw_items()
    )
    return Request(head.method.decode("ascii"), target.path, query, headers, body, written, asked)
