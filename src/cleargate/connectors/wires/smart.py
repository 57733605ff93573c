"""SMART Backend Services: an access token for a signed assertion, and calls that carry it.

Source: SMART App Launch 2.2, "Backend Services" and "Asymmetric Authentication".
"""

import time
from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cleargate.connectors.wires.http import Http, is_safe_address
from cleargate.connectors.wires.oauth import FORM, BearerHttp, ask_token
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.outside import DISCOVER
from cleargate.nouns.time import Clock
from cleargate.ports import SecretStore, Token, TokenStore

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 240
"""The standard allows 300 s; a minute is left for clocks that differ."""


class SmartSettings(BaseModel):
    """Our registration with an EHR's authorisation server.

    `private_key` is the reference of a secret in PEM form. `token_url` is discovered when empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(min_length=1)
    private_key: str = Field(min_length=1)
    key_id: str = Field(min_length=1)
    algorithm: Literal["RS384", "ES384"] = "RS384"
    scope: str = Field(min_length=1)
    token_url: str = ""


class _Discovered(BaseModel):
    token_endpoint: str


class SmartHttp(BearerHttp):
    """Calls that carry a token for which an assertion was signed."""

    def __init__(
        self,
        http: Http,
        settings: SmartSettings,
        *,
        secrets: SecretStore,
        tokens: TokenStore,
        clock: Clock,
    ) -> None:
        super().__init__(http, self._mint, tokens=tokens, clock=clock)
        self._settings = settings
        self._key = _key(settings, secrets)
        self._token_url = settings.token_url

    def _mint(self) -> Token:
        """Ask for a token. Each try signs a new assertion: a `jti` is good for one try."""
        url = self._token_url or self._discover()
        form = {
            "grant_type": "client_credentials",
            "scope": self._settings.scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(url),
        }
        return ask_token(self._http, url, FORM, urlencode(form), self._clock)

    def _assertion(self, audience: str) -> str:
        # The authorisation server compares with its own clock, not with ours that may be scaled.
        now = int(time.time())
        header = {"alg": self._settings.algorithm, "kid": self._settings.key_id}
        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.client_id,
            "aud": audience,
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": uuid4().hex,
        }
        return jwt.encode(header, claims, self._key, algorithms=[self._settings.algorithm])

    def _discover(self) -> str:
        """The token endpoint as the FHIR server tells it; asked once."""
        url = f"{self._http.settings.base_url}/.well-known/smart-configuration"
        reply = self._http.call(
            "GET", url, operation=DISCOVER, write=False, headers={"Accept": "application/json"}
        )
        if reply.status != 200:
            raise self._http.failure(reply, write=False)
        try:
            endpoint = _Discovered.model_validate_json(reply.content).token_endpoint
        except ValidationError:
            raise self._http.unreadable(reply, write=False) from None
        if not is_safe_address(endpoint):
            raise PortError(ErrorKind.AUTH, self._http.connection, vendor_code="token_url_insecure")
        self._token_url = endpoint
        return endpoint


def _key(settings: SmartSettings, secrets: SecretStore) -> RSAKey | ECKey:
    pem = secrets.get(settings.private_key)
    family = RSAKey if settings.algorithm == "RS384" else ECKey
    try:
        return family.import_key(pem)
    except (JoseError, ValueError):
        raise BadSettings(
            f"{settings.private_key} holds no private key in PEM form for {settings.algorithm}"
        ) from None
