"""SMART Backend Services: an access token for a signed assertion, and calls that carry it.

Source: SMART App Launch 2.2, "Backend Services" and "Asymmetric Authentication".
"""

import json
import time
from typing import Literal
from urllib.parse import urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cleargate.connectors.wires.http import Http, is_safe_address, must_be_safe
from cleargate.connectors.wires.oauth import FORM, BearerHttp, ask_token
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.outside import DISCOVER
from cleargate.nouns.time import Clock
from cleargate.ports import SecretStore, Token, TokenStore

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 240
"""The standard allows 300 s; a minute is left for clocks that differ."""


_FAMILIES: dict[str, type[RSAKey | ECKey]] = {"RS384": RSAKey, "ES384": ECKey}


class SmartSettings(BaseModel):
    """Our registration with an EHR's authorisation server.

    `private_key` is the reference of a secret in PEM form, to which `key_id` belongs, or of a JWK
    that brings its own, as `cleargate keys rotate-credential` makes it. `token_url` is discovered
    when empty; what is discovered must be of the FHIR server's own origin, or listed in
    `other_origins`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(min_length=1)
    private_key: str = Field(min_length=1)
    key_id: str = Field(min_length=1)
    algorithm: Literal["RS384", "ES384"] = "RS384"
    scope: str = Field(min_length=1)
    token_url: str = ""

    @field_validator("token_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        return must_be_safe(url) if url else url


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
        self._key, self._key_id = _key(settings, secrets)
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
        header = {"alg": self._settings.algorithm, "kid": self._key_id}
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
        if not self._http.is_own(endpoint):
            raise PortError(ErrorKind.AUTH, self._http.connection, vendor_code="token_url_foreign")
        self._token_url = endpoint
        return endpoint


def _key(settings: SmartSettings, secrets: SecretStore) -> tuple[RSAKey | ECKey, str]:
    """The key, and the id by which the authorisation server knows it."""
    text = secrets.get(settings.private_key)
    key: RSAKey | ECKey | None
    try:
        key = _FAMILIES[settings.algorithm].import_key(json.loads(text) if _is_jwk(text) else text)
    except (JoseError, ValueError):
        key = None
    if key is None or not key.is_private:
        raise BadSettings(
            f"{settings.private_key} holds no private key in PEM form for {settings.algorithm}"
        )
    return key, key.kid or settings.key_id


def _is_jwk(text: str) -> bool:
    return text.lstrip().startswith("{")


def new_key(algorithm: str) -> str:
    """A new private key as a JWK, whose id follows from the key (RFC 7638)."""
    key = ECKey.generate_key("P-384") if algorithm == "ES384" else RSAKey.generate_key(3072)
    return json.dumps({**key.as_dict(private=True), "kid": key.thumbprint()})


def public_keys(text: str, algorithm: str) -> str:
    """The public half of a JWK as a key set, for whoever registers it with the EHR."""
    key = _FAMILIES[algorithm].import_key(json.loads(text))
    public = key.as_dict(private=False) | {"alg": algorithm, "use": "sig"}
    return json.dumps({"keys": [public]}, indent=2)
