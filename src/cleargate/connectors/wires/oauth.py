"""OAuth 2.0 client credentials: a token is got, kept and renewed behind the calls that carry it.

How a vendor wants to be asked for a token is its own matter: it brings the function that does so.
Source: RFC 6749, 4.4 and 5.2; RFC 6750.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from pydantic import BaseModel, Field, ValidationError

from cleargate.connectors.wires.deadline import deadline
from cleargate.connectors.wires.http import Http, Reply
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.outside import MINT
from cleargate.nouns.time import Clock
from cleargate.ports import Token, TokenStore

FORM = "application/x-www-form-urlencoded"

TOKEN_MARGIN = timedelta(seconds=30)
"""A token is renewed this much before its end, so that it does not end on its way."""

TOKEN_DEADLINE_S = 20.0
"""An answer may take minutes, a token may not: all processes wait for the one that asks."""

_LIFE_MAX_S = 86_400.0
"""A longer life is not believed; it would overflow a date, or outlive a secret that was changed."""


class _Granted(BaseModel):
    access_token: str = Field(pattern=r"^[\x21-\x7e]+$")
    expires_in: float = Field(default=300, gt=0)


class BearerHttp:
    """Calls that carry a token. `mint` asks the vendor for a new one.

    The same shape as Http.call. A 401 means that nothing was done: the token is renewed once and
    the call is sent again; a second 401 is handed back.
    """

    def __init__(
        self, http: Http, mint: Callable[[], Token], *, tokens: TokenStore, clock: Clock
    ) -> None:
        self._http = http
        self._ask = mint
        self._tokens = tokens
        self._clock = clock

    def prove(self) -> None:
        """Ask for a token that nobody uses: AUTH when the vendor refuses our credentials."""
        self._ask()

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
        """Send one authorised request; see Http.call for what it raises."""

        def send(token: Token) -> Reply:
            authorised = {**(headers or {}), "Authorization": f"Bearer {token.value}"}
            return self._http.call(
                method, url, operation=operation, write=write, headers=authorised, content=content
            )

        token = self._valid_token()
        reply = send(token)
        if reply.status != 401:
            return reply
        return send(self._tokens.refresh(self._http.connection, token, self._ask))

    def renew(self) -> None:
        """Get a new token whatever is left of the one in force. PortError when none is granted."""
        name = self._http.connection
        self._tokens.refresh(name, self._tokens.current(name), self._ask)

    def _valid_token(self) -> Token:
        name = self._http.connection
        token = self._tokens.current(name)
        if token is None or token.expires - TOKEN_MARGIN <= self._clock.now():
            return self._tokens.refresh(name, token, self._ask)
        return token


def ask_token(http: Http, url: str, content_type: str, content: str, clock: Clock) -> Token:
    """Ask a token endpoint. AUTH when it refuses us, RETRYABLE when it does not answer."""
    asked_at = clock.now()
    with deadline(TOKEN_DEADLINE_S):
        # A token that is granted twice has no effect on anybody's record: a read.
        reply = http.call(
            "POST",
            url,
            operation=MINT,
            write=False,
            headers={"Content-Type": content_type, "Accept": "application/json"},
            content=content.encode(),
        )
    if reply.status in (400, 401, 403):
        raise http.failure(reply, write=False, kind=ErrorKind.AUTH, code=f"token:{reply.status}")
    if reply.status != 200:
        raise http.failure(reply, write=False)
    try:
        granted = _Granted.model_validate_json(reply.content)
    except ValidationError:
        raise http.unreadable(reply, write=False) from None
    life = timedelta(seconds=min(granted.expires_in, _LIFE_MAX_S))
    return Token(granted.access_token, asked_at + life)
