import threading
from datetime import timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from cleargate.connectors.wires.http import Http, HttpSettings
from cleargate.connectors.wires.smart import SmartHttp, SmartSettings
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Tokens, Unlimited

BASE = "http://127.0.0.1:1/fhir"
TOKEN_URL = "http://127.0.0.1:1/token"
RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-384")


class Server:
    """An authorisation server that refuses what the standard refuses, and an API behind it."""

    def __init__(self, key=RSA, algorithm="RS384"):
        self.key, self.algorithm = key, algorithm
        self.assertions: list[dict] = []
        self.calls: list[str] = []
        self.valid: set[str] = set()
        self.revoke_all = False
        self.token_status = 200
        self.token_url = TOKEN_URL

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/fhir/.well-known/smart-configuration":
            return httpx2.Response(200, json={"token_endpoint": self.token_url})
        if request.url.path == "/token":
            return self.token(request)
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        self.calls.append(bearer)
        known = bearer in self.valid and not self.revoke_all
        return httpx2.Response(200 if known else 401)

    def token(self, request):
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        claims = jwt.decode(form["client_assertion"], self.key, algorithms=[self.algorithm]).claims
        assert claims["jti"] not in {earlier["jti"] for earlier in self.assertions}
        self.assertions.append({**claims, **form})
        if self.token_status != 200:
            return httpx2.Response(self.token_status, json={"error": "invalid_client"})
        self.valid.add(token := f"token-{len(self.assertions)}")
        return httpx2.Response(200, json={"access_token": token, "expires_in": 300})


def make(server: Server, *, clock=None, tokens=None, pem=None, base=BASE) -> SmartHttp:
    key = pem or server.key.as_pem(private=True).decode()
    secrets = Secrets({"env:KEY": key})
    clock = clock or FixedClock()
    http = Http(
        "ehr",
        HttpSettings(base_url=base, deadline_s=5),
        secrets=secrets,
        budget=Unlimited(),
        recorder=Calls(),
        clock=clock,
        transport=httpx2.MockTransport(server),
    )
    settings = SmartSettings(
        client_id="cleargate",
        private_key="env:KEY",
        key_id="key-1",
        algorithm=server.algorithm,
        scope="system/Patient.cruds",
    )
    return SmartHttp(http, settings, secrets=secrets, tokens=tokens or Tokens(), clock=clock)


def call(smart: SmartHttp, *, write: bool = True) -> int:
    return smart.call("POST", f"{BASE}/Patient", operation="x", write=write).status


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS384"), (EC, "ES384")])
def test_an_assertion_says_what_the_standard_asks_for(key, algorithm):
    server = Server(key, algorithm)
    assert call(make(server)) == 200
    claims = server.assertions[0]
    assert claims["iss"] == claims["sub"] == "cleargate"
    assert claims["aud"] == TOKEN_URL
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert claims["grant_type"] == "client_credentials"
    assert claims["scope"] == "system/Patient.cruds"


def test_a_token_is_kept_for_the_next_call():
    server = Server()
    smart = make(server)
    assert [call(smart), call(smart)] == [200, 200]
    assert server.calls == ["token-1", "token-1"]


def test_a_token_is_renewed_shortly_before_its_end():
    server, clock = Server(), FixedClock()
    smart = make(server, clock=clock)
    call(smart)
    clock.moment = NOW + timedelta(seconds=280)
    call(smart)
    assert server.calls == ["token-1", "token-2"]


def test_a_token_that_is_refused_is_renewed_once_with_a_new_assertion():
    server = Server()
    smart = make(server)
    call(smart)
    server.valid.clear()
    assert call(smart) == 200
    assert server.calls == ["token-1", "token-1", "token-2"]


def test_a_second_refusal_is_handed_back():
    server = Server()
    server.revoke_all = True
    assert call(make(server)) == 401
    assert len(server.calls) == 2


def test_many_threads_with_a_stale_token_renew_it_once():
    server, tokens = Server(), Tokens()
    smart = make(server, tokens=tokens)
    call(smart)
    server.valid.clear()
    threads = [threading.Thread(target=call, args=(smart,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(server.assertions) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_client_that_is_not_let_in_stops_the_connection(status):
    server = Server()
    server.token_status = status
    with pytest.raises(PortError) as caught:
        call(make(server))
    assert (caught.value.kind, caught.value.vendor_code) == (ErrorKind.AUTH, f"token:{status}")


@pytest.mark.parametrize("write", [True, False])
def test_a_token_server_in_trouble_leaves_nothing_in_doubt(write):
    server = Server()
    server.token_status = 503
    with pytest.raises(PortError) as caught:
        call(make(server), write=write)
    assert caught.value.kind is ErrorKind.RETRYABLE
    assert server.calls == []


@pytest.mark.parametrize("url", ["http://tokens.example.test/token", "https://["])
def test_a_token_url_without_encryption_is_not_used(url):
    server = Server()
    server.token_url = url
    with pytest.raises(PortError) as caught:
        call(make(server))
    assert caught.value.vendor_code == "token_url_insecure"


@pytest.mark.parametrize("pem", ["no key", EC.as_pem(private=True).decode()])
def test_a_wrong_key_stops_the_start_and_is_not_shown(pem):
    with pytest.raises(BadSettings, match="env:KEY") as caught:
        make(Server(), pem=pem)
    assert pem not in str(caught.value)
