"""HTTP as every vendor's client uses it: one deadline a call, and failures that say what is next.

The question after a failure is whether the request had left. httpx2 raises ConnectError,
ConnectTimeout and PoolTimeout only before a byte of the request is written; after anything else
the vendor may have acted. A kept-alive connection that the vendor closed counts as "sent": the
request may have arrived before the close.
"""

import ipaddress
import logging
import re
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import httpx2
from pydantic import BaseModel, ConfigDict, Field, field_validator

from cleargate.connectors.wires.deadline import DeadlineTransport, deadline
from cleargate.connectors.wires.told import Seen, told
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.outside import Left
from cleargate.nouns.time import Clock, SystemClock
from cleargate.ports import RateBudget, Recorder, SecretStore

RETRY_AFTER_MAX_S = 86_400.0
"""A vendor that asks for more than a day means "ask a person"."""

# httpx2 logs every address at INFO, httpcore2 every header at DEBUG. A vendor's next-page link may
# hold what was searched for, so neither is heard unless something is wrong.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_UNSENDABLE = (httpx2.LocalProtocolError, httpx2.InvalidURL)
_REQUEST_ID = re.compile(r"[\w.:=+/-]{1,100}", re.ASCII)
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid")

_KINDS = {
    401: ErrorKind.AUTH,
    403: ErrorKind.AUTH,
    404: ErrorKind.REJECTED,
    405: ErrorKind.UNSUPPORTED,
    409: ErrorKind.CONFLICT,
    412: ErrorKind.CONFLICT,
    429: ErrorKind.RATE_LIMITED,
    501: ErrorKind.UNSUPPORTED,
}


class HttpSettings(BaseModel):
    """Where a connection goes and how long a call may take, in the practice's settings.

    `deadline_s` bounds the whole call. `secret_headers` maps a header to a secret's reference.
    `ca_file` adds a private authority; verification itself cannot be turned off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    deadline_s: float = Field(gt=0, le=600)
    connect_timeout_s: float = Field(default=10.0, gt=0, le=60)
    concurrency_max: int = Field(default=8, ge=1, le=64)
    answer_bytes_max: int = Field(default=8_388_608, ge=1024)
    headers: dict[str, str] = {}
    secret_headers: dict[str, str] = {}
    ca_file: Path | None = None

    @property
    def own_headers(self) -> dict[str, str]:
        """Headers of every call: the practice's, and those that the vendor always wants."""
        return self.headers

    @property
    def own_secret_headers(self) -> dict[str, str]:
        """The same for headers that are secrets, by their references."""
        return self.secret_headers

    @field_validator("base_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must be an address such as https://host/path, without a query")
        if not is_safe_address(url):
            raise ValueError("must start with https:// unless the host is this machine")
        return url.rstrip("/")


def parts_of(url: str) -> SplitResult:
    """An address that a vendor gave, in its parts; all are empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def is_safe_address(url: str) -> bool:
    """Whether what goes to an address is encrypted on its way, or stays on this machine."""
    parts = parts_of(url)
    if not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its literal address or the name localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, whatever its status. `request_id` is the vendor's, for their support."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    request_id: str


def kind_of(status: int, *, write: bool) -> ErrorKind:
    """What happens next after a status that is no success.

    408 and 5xx leave a write in doubt; a read can be repeated.
    """
    if status in _KINDS:
        return _KINDS[status]
    if status == 408 or status >= 500 or status < 300:
        return ErrorKind.AMBIGUOUS if write else ErrorKind.RETRYABLE
    return ErrorKind.REJECTED


class Http:
    """One connection's way to its vendor; safe to share between threads."""

    def __init__(
        self,
        connection: str,
        settings: HttpSettings,
        *,
        secrets: SecretStore,
        budget: RateBudget,
        recorder: Recorder,
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self._budget = budget
        self._recorder = recorder
        self._clock = clock or SystemClock()
        self._places = threading.BoundedSemaphore(settings.concurrency_max)
        headers = dict(settings.own_headers)
        headers |= {name: secrets.get(ref) for name, ref in settings.own_secret_headers.items()}
        # Answers are asked for uncompressed: a small body cannot swell to gigabytes.
        headers.setdefault("Accept-Encoding", "identity")
        headers.setdefault("User-Agent", "cleargate")
        self._client = httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(settings.deadline_s, connect=settings.connect_timeout_s),
            follow_redirects=False,
            trust_env=False,
            transport=transport or DeadlineTransport(_tls(settings), settings.concurrency_max),
        )

    def close(self) -> None:
        """Close idle connections; the object is not used afterwards."""
        self._client.close()

    def call(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        write: bool,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> Reply:
        """Send one request and read the whole answer, whatever its status.

        `operation` is the call's fixed name for the trail. `write` says whether the call has an
        effect that must not happen twice. Raises PortError RATE_LIMITED before, RETRYABLE when
        nothing was sent or a read failed, else AMBIGUOUS.
        """
        ends = time.monotonic() + self.settings.deadline_s
        request = self._request(method, url, headers, content)
        if not self._places.acquire(timeout=self.settings.deadline_s):
            raise PortError(ErrorKind.RETRYABLE, self.connection, vendor_code="busy")
        try:
            self._budget.take(self.connection)
            with (
                self._told(operation, request, content) as seen,
                deadline(ends - time.monotonic()),
            ):
                return self._exchange(request, seen, write=write)
        finally:
            self._places.release()

    def _request(
        self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes
    ) -> httpx2.Request:
        try:
            return self._client.build_request(method, url, headers=headers, content=content)
        except httpx2.InvalidURL:
            raise self._unsendable() from None

    def _told(
        self, operation: str, request: httpx2.Request, content: bytes
    ) -> AbstractContextManager[Seen]:
        """The one place where the Recorder is fed; without a body the address is what is told."""
        sent = content or request.url.raw_path
        host = request.url.host
        return told(self._recorder, self._clock, self.connection, operation, host, sent)

    def _exchange(self, request: httpx2.Request, seen: Seen, *, write: bool) -> Reply:
        try:
            with closing(self._client.send(request, stream=True)) as answer:
                request_id = _request_id(answer.headers)
                seen.answered(str(answer.status_code), request_id)
                body = self._body(answer, seen)
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL, _TooLarge) as error:
            if isinstance(error, (*_UNSENT, *_UNSENDABLE)):
                seen.left = Left.NO
            # The cause is cut off: a protocol error's text may quote the answer.
            raise self._lost(error, write=write) from None
        return Reply(answer.status_code, answer.headers, body, request_id)

    def _body(self, answer: httpx2.Response, seen: Seen) -> bytes:
        chunks = []
        for chunk in answer.iter_bytes():
            chunks.append(chunk)
            seen.came(chunk)
            if seen.bytes_in > self.settings.answer_bytes_max:
                raise _TooLarge
        return b"".join(chunks)

    def _lost(self, error: Exception, *, write: bool) -> PortError:
        """A call that brought no answer."""
        if isinstance(error, _UNSENDABLE):
            return self._unsendable()
        unsent = isinstance(error, _UNSENT)
        kind = ErrorKind.AMBIGUOUS if write and not unsent else ErrorKind.RETRYABLE
        return PortError(kind, self.connection, vendor_code=_code(error))

    def _unsendable(self) -> PortError:
        return PortError(ErrorKind.REJECTED, self.connection, vendor_code="invalid_request")

    def failure(
        self,
        reply: Reply,
        *,
        write: bool,
        kind: ErrorKind | None = None,
        code: str = "",
        fields: tuple[str, ...] = (),
    ) -> PortError:
        """The error that an answer means; `kind` and `code` are the vendor's closer words."""
        return PortError(
            kind or kind_of(reply.status, write=write),
            self.connection,
            vendor_code=code or str(reply.status),
            request_id=reply.request_id,
            fields=fields,
            retry_after_s=self._retry_after(reply),
        )

    def unreadable(self, reply: Reply, *, write: bool) -> PortError:
        """The error for a success whose body cannot be understood; the body itself is not kept."""
        kind = ErrorKind.AMBIGUOUS if write else ErrorKind.RETRYABLE
        return self.failure(reply, write=write, kind=kind, code="unreadable_answer")

    def _retry_after(self, reply: Reply) -> float | None:
        """Retry-After in seconds, from seconds or a date (RFC 9110 10.2.3)."""
        text = reply.headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit():
            return min(float(text), RETRY_AFTER_MAX_S)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        wait = (moment - self._clock.now()).total_seconds()
        return min(max(wait, 0.0), RETRY_AFTER_MAX_S)


class _TooLarge(Exception):
    """The answer is larger than the connection allows."""


def _tls(settings: HttpSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file is not None:
        context.load_verify_locations(cafile=settings.ca_file)
    return context


def _request_id(headers: Mapping[str, str]) -> str:
    """The vendor's id of this call; dropped when it has a shape in which a value could hide."""
    for name in _REQUEST_ID_HEADERS:
        if found := _REQUEST_ID.fullmatch(headers.get(name, "")):
            return found[0]
    return ""


def _code(error: Exception) -> str:
    """A word for a failure without an answer."""
    if isinstance(error, _TooLarge):
        return "answer_too_large"
    if isinstance(error, httpx2.TimeoutException):
        return "connect_timeout" if isinstance(error, _UNSENT) else "timeout"
    if isinstance(error, httpx2.ConnectError):
        return "tls_failed" if _has_tls_cause(error) else "connect_failed"
    if isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return "connection_lost"
    return "unreadable_answer"


def _has_tls_cause(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
