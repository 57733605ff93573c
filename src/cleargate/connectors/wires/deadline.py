"""An HTTP transport of which no call outlives its deadline.

httpx2's timeouts are per socket operation: a server that sends a byte a second keeps a call alive
for ever. Here every operation gets what is left of the whole call's time.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore2
import httpx2

from cleargate.connectors.wires.addresses import Reach

_ends: ContextVar[float | None] = ContextVar("cleargate_call_ends", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Bound everything that this thread does over a DeadlineTransport inside the block.

    A block inside of another one ends with it at the latest.
    """
    ends, outer = time.monotonic() + seconds, _ends.get()
    before = _ends.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _ends.reset(before)


def _left(timeout: float | None) -> float | None:
    """What an operation may take: its own timeout, or less. Zero or less when time is up."""
    ends = _ends.get()
    if ends is None:
        return timeout
    left = ends - time.monotonic()
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A socket whose operations end with the call."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _left(timeout)
        if left is not None and left <= 0:
            raise httpcore2.ReadTimeout
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _left(timeout)
        if left is not None and left <= 0:
            raise httpcore2.WriteTimeout
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout)
        if left is not None and left <= 0:
            raise httpcore2.ConnectTimeout
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class AddressRefused(httpx2.ConnectError):
    """A host's addresses are not on the open Internet, and the settings do not list them."""


class _Backend(httpcore2.SyncBackend):
    """Connects to each address of a host in turn, within one deadline for all of them."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = self._reach.addresses(host, port)
        except OSError:
            raise httpcore2.ConnectError from None
        failure: Exception = AddressRefused("address refused")
        for address in found:
            left = _left(timeout)
            if left is not None and left <= 0:
                raise httpcore2.ConnectTimeout
            try:
                stream = super().connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream)
        raise failure


class DeadlineTransport(httpx2.BaseTransport):
    """httpx2's transport over a pool whose sockets know the call's deadline.

    The failures are httpx2's, by the same names. Environment variables for proxies are not read:
    a connection goes where the practice's settings say, and nowhere else.
    """

    def __init__(self, tls: ssl.SSLContext, connections_max: int, reach: Reach) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=connections_max,
            max_keepalive_connections=connections_max,
            keepalive_expiry=5.0,
            network_backend=_Backend(reach),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the body is read by whoever asked."""
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _httpx_failures():
            answer = self._pool.handle_request(sent)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every idle connection."""
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The answer's body, read as it comes."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_failures():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _httpx_failures() -> Iterator[None]:
    """Raise httpcore2's failures as httpx2's of the same name."""
    try:
        yield
    except (
        httpcore2.TimeoutException,
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
    ) as failure:
        same: type[httpx2.TransportError] = getattr(httpx2, type(failure).__name__)
        raise same(str(failure)) from failure
