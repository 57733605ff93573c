"""A gateway's access tokens for one client with an id and a secret (RFC 6749, 4.4)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cleargate.nouns.time import Clock
from cleargate.sandbox.trees import Tree
from cleargate.sandbox.wire import Request, Response, json_response


@dataclass(frozen=True, slots=True)
class Client:
    """Who may ask for tokens."""

    id: str
    secret: str


class ClientTokens:
    """Grants and checks tokens, for `scopes` where there are any. None survives a restart."""

    def __init__(
        self, client: Client, life: timedelta, clock: Clock, scopes: frozenset[str] = frozenset()
    ) -> None:
        self.client = client
        self._scopes = scopes
        self._life = life
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    def grant(self, asked: Mapping[str, object]) -> Response:
        """Answer a token request, whatever it was written in."""
        if asked.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type")
        if asked.get("client_id") != self.client.id:
            return _refuse(401, "invalid_client")
        if asked.get("client_secret") != self.client.secret:
            return _refuse(401, "invalid_client")
        scope = str(asked.get("scope", ""))
        if self._scopes and not self._scopes.issuperset(scope.split() or [""]):
            return _refuse(400, "invalid_scope")
        now = self._clock.now()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_urlsafe(32)
        self._ends[token] = now + self._life
        granted: Tree = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self._life.total_seconds()),
        }
        if self._scopes:
            granted["scope"] = scope
        return json_response(200, granted)

    def refusal(self, request: Request) -> Response | None:
        """The 401 that a call gets, or None when its token holds."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        end = self._ends.get(token) if scheme.lower() == "bearer" else None
        if end is not None and end > self._clock.now():
            return None
        return _refuse(401, "invalid_token")


def _refuse(status: int, error: str) -> Response:
    return json_response(status, {"error": error})
