"""The EHR's token endpoint: SMART Backend Services, private_key_jwt with RS384 or ES384."""

import binascii
import json
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from cleargate.nouns.time import Clock
from cleargate.sandbox.trees import Tree
from cleargate.sandbox.wire import Request, Response, json_response

LIFE = timedelta(seconds=300)
ASSERTION_LIFE_MAX_S = 300
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
_SCOPE = re.compile(r"system/(\*|[A-Za-z]+)\.(\*|read|write|[cruds]+)")
_LETTER = {"read": "r", "search": "s", "create": "c", "update": "u", "patch": "u", "batch": "c"}


@dataclass(frozen=True, slots=True)
class _Grant:
    client_id: str
    scopes: tuple[str, ...]
    expires: datetime


class TokenEndpoint:
    """Grants and checks one tenant's access tokens. Nothing of it survives a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clients: dict[str, KeySet] = {}
        self._grants: dict[str, _Grant] = {}
        self._seen: dict[str, datetime] = {}

    def register(self, client_id: str, jwks: Tree) -> None:
        """Know a client by its public keys. Raises ValueError for a key set that is none."""
        try:
            self._clients[client_id] = KeySet.import_key_set(cast("KeySetSerialization", jwks))
        except (JoseError, KeyError, TypeError) as error:
            raise ValueError("not a key set") from error

    def grant(self, request: Request, audience: str) -> Response:
        """Answer a token request."""
        form = dict(request.form)
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return _refuse(400, "invalid_request")
        scopes = tuple(form.get("scope", "").split())
        if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
            return _refuse(400, "invalid_scope")
        client_id = self._client(form.get("client_assertion", ""), audience)
        if client_id is None:
            return _refuse(401, "invalid_client")
        now = self._clock.now()
        self._forget(now)
        token = secrets.token_urlsafe(32)
        self._grants[token] = _Grant(client_id, scopes, now + LIFE)
        return json_response(
            200,
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": int(LIFE.total_seconds()),
                "scope": " ".join(scopes),
            },
        )

    def refusal(self, request: Request, interaction: str, kind: str) -> Response | None:
        """The 401 or 403 that a call gets, or None when it may pass."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._grants.get(token) if scheme.lower() == "bearer" else None
        if grant is None or grant.expires <= self._clock.now():
            return Response(
                401, b"{}", headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),)
            )
        if kind and not any(_covers(scope, interaction, kind) for scope in grant.scopes):
            return _refuse(403, "insufficient_scope")
        return None

    def _client(self, assertion: str, audience: str) -> str | None:
        """Whose assertion it is; None unless every claim holds."""
        client_id = _claimed_issuer(assertion)
        keys = self._clients.get(client_id)
        if keys is None:
            return None
        try:
            claims = jwt.decode(assertion, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            return None
        now = self._clock.now()
        jti = claims.get("jti")
        if not _holds(claims, client_id, audience, now) or f"{client_id} {jti}" in self._seen:
            return None
        self._seen[f"{client_id} {jti}"] = now + timedelta(seconds=ASSERTION_LIFE_MAX_S)
        return client_id

    def _forget(self, now: datetime) -> None:
        self._grants = {k: grant for k, grant in self._grants.items() if grant.expires > now}
        self._seen = {key: until for key, until in self._seen.items() if until > now}


def _claimed_issuer(assertion: str) -> str:
    """Whom an assertion says that it is from, before anything is verified."""
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else ""
    return issuer if isinstance(issuer, str) else ""


def _holds(claims: Mapping[str, object], client_id: str, audience: str, now: datetime) -> bool:
    expires, jti = claims.get("exp"), claims.get("jti")
    return (
        claims.get("sub") == client_id
        and claims.get("aud") in (audience, [audience])
        and isinstance(jti, str)
        and bool(jti)
        and isinstance(expires, int | float)
        and 0 < expires - now.timestamp() <= ASSERTION_LIFE_MAX_S
    )


def _covers(scope: str, interaction: str, kind: str) -> bool:
    match = _SCOPE.fullmatch(scope)
    if match is None or match[1] not in ("*", kind):
        return False
    letters = {"*": "cruds", "read": "rs", "write": "cud"}.get(match[2], match[2])
    return _LETTER.get(interaction, interaction) in letters


def _refuse(status: int, error: str) -> Response:
    return json_response(status, {"error": error})
