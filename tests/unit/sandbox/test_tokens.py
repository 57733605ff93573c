"""The token endpoint grants to exact assertions only, each of them once."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from cleargate.sandbox.tokens import TokenEndpoint
from cleargate.sandbox.wire import Request
from tests.unit.sandbox.peers import KEY, Peer, assertion


def test_replayed_assertion_is_refused(peer: Peer) -> None:
    signed = assertion(peer.token_url)
    assert peer.ask_token(client_assertion=signed).status_code == 200
    assert peer.ask_token(client_assertion=signed).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "http://127.0.0.1/other/token"},
        {"exp": int(time.time()) + 3600},
        {"exp": int(time.time()) - 5},
        {"sub": "somebody-else"},
        {"iss": "nobody", "sub": "nobody"},
        {"jti": ""},
    ],
)
def test_wrong_claim_is_refused(peer: Peer, wrong: dict[str, object]) -> None:
    refused = peer.ask_token(client_assertion=assertion(peer.token_url, **wrong))
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})


def test_assertion_of_another_key_or_none_is_refused(peer: Peer) -> None:
    header, payload, _ = assertion(peer.token_url).split(".")
    other = assertion(peer.token_url).rsplit(".", 1)[1]
    assert peer.ask_token(client_assertion=f"{header}.{payload}.{other}").status_code == 401
    assert peer.ask_token(client_assertion="not-a-token").status_code == 401


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "basic"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "launch/patient"}, "invalid_scope"),
    ],
)
def test_other_requests_are_refused(peer: Peer, change: dict[str, str], error: str) -> None:
    refused = peer.ask_token(**change)
    assert (refused.status_code, refused.json()) == (400, {"error": error})


def test_calls_without_a_good_token_get_401(peer: Peer) -> None:
    refused = peer.get(f"{peer.fhir}/Patient", headers={"Authorization": "Bearer nonsense"})
    assert refused.status_code == 401
    assert "invalid_token" in refused.headers["WWW-Authenticate"]


def test_scope_bounds_what_a_token_may_do(peer: Peer) -> None:
    narrow = peer.ask_token(scope="system/Patient.rs").json()["access_token"]
    headers = {"Authorization": f"Bearer {narrow}"}
    assert peer.get(f"{peer.fhir}/Patient", headers=headers).status_code == 200
    assert peer.get(f"{peer.fhir}/Slot", headers=headers).status_code == 403
    assert peer.post(f"{peer.fhir}/Patient", headers=headers, json={}).status_code == 403


class MovableClock:
    """A clock that a test moves."""

    offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def after(self, wait: timedelta) -> datetime:
        return self.now() + wait

    def sleep(self, wait: timedelta) -> None:
        raise AssertionError("nobody sleeps here")


def test_token_ends_after_five_minutes() -> None:
    clock = MovableClock()
    endpoint = TokenEndpoint(clock)
    endpoint.register("peer", {"keys": [{**KEY.as_dict(private=False)}]})
    form = (
        "grant_type=client_credentials&scope=system/*.rs&client_assertion_type="
        f"urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion={assertion('u')}"
    )
    granted = endpoint.grant(Request("POST", "/t/token", (), {}, form.encode()), "u")
    token = granted.body.decode().split('"')[3]
    call = Request("GET", "/t/fhir/Patient", (), {"authorization": f"Bearer {token}"}, b"")
    assert endpoint.refusal(call, "read", "Patient") is None
    clock.offset = timedelta(seconds=301)
    refused = endpoint.refusal(call, "read", "Patient")
    assert refused is not None
    assert refused.status == 401


def test_rs384_is_as_good_as_es384(peer: Peer) -> None:
    key = RSAKey.generate_key(2048, auto_kid=True)
    body = {"tenant": "riverside", "client_id": "rsa", "jwks": {"keys": [key.as_dict(False)]}}
    assert peer.post("/_admin/clients", json=body).status_code == 201
    claims = {"iss": "rsa", "sub": "rsa", "aud": peer.token_url, "jti": "1"}
    claims["exp"] = int(time.time()) + 60
    for algorithm, status in (("RS256", 401), ("RS384", 200)):
        signed = jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, [algorithm])
        assert peer.ask_token(client_assertion=signed).status_code == status


def test_a_key_set_that_is_none_is_told(peer: Peer) -> None:
    body = {"tenant": "riverside", "client_id": "x", "jwks": {"keys": [{"kty": "none"}]}}
    assert peer.post("/_admin/clients", json=body).status_code == 400
    key = ECKey.generate_key("P-384").as_dict(private=False)
    other = {"tenant": "nowhere", "client_id": "x", "jwks": {"keys": [key]}}
    assert peer.post("/_admin/clients", json=other).status_code == 400
