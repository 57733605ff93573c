import time
from datetime import timedelta

import httpx2
import pytest

from cleargate.connectors.wires.deadline import deadline
from cleargate.connectors.wires.http import Http, HttpSettings
from cleargate.connectors.wires.oauth import FORM, ask_token
from cleargate.nouns.errors import ErrorKind, PortError
from tests.unit.connectors.parts import (
    NOW,
    Calls,
    FixedClock,
    Secrets,
    Unlimited,
    peer,
    read_request,
)

URL = "http://127.0.0.1:1/token"


def ask(content: str | bytes, status: int = 200, requests: list | None = None):
    def answer(request: httpx2.Request) -> httpx2.Response:
        if requests is not None:
            requests.append(request)
        return httpx2.Response(status, content=content)

    http = Http(
        "desk",
        HttpSettings(base_url="http://127.0.0.1:1", deadline_s=5),
        secrets=Secrets(),
        budget=Unlimited(),
        recorder=Calls(),
        transport=httpx2.MockTransport(answer),
    )
    return ask_token(http, URL, FORM, "client_secret=hidden", FixedClock())


def test_a_token_lives_from_the_moment_at_which_it_was_asked_for():
    requests = []
    token = ask('{"access_token": "one.two-3", "expires_in": 300}', requests=requests)
    assert (token.value, token.expires) == ("one.two-3", NOW + timedelta(seconds=300))
    assert requests[0].headers["content-type"] == FORM
    assert requests[0].content == b"client_secret=hidden"
    assert "hidden" not in str(requests[0].url)


@pytest.mark.parametrize("life", ["1e300", "99999999999", "86400.5"])
def test_a_token_that_claims_to_live_for_ever_is_renewed_after_a_day(life):
    token = ask(f'{{"access_token": "one", "expires_in": {life}}}')
    assert token.expires == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html>",
        "[]",
        '{"access_token": ""}',
        '{"access_token": "one\\r\\nX: 1"}',
        '{"access_token": "é"}',
        '{"access_token": "one", "expires_in": 0}',
        '{"access_token": "one", "expires_in": "soon"}',
        b"\xff",
    ],
)
def test_what_is_no_token_is_asked_for_again(content):
    with pytest.raises(PortError) as caught:
        ask(content)
    assert (caught.value.kind, caught.value.vendor_code) == ("retryable", "unreadable_answer")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, ErrorKind.AUTH, "token:400"),
        (401, ErrorKind.AUTH, "token:401"),
        (403, ErrorKind.AUTH, "token:403"),
        (429, ErrorKind.RATE_LIMITED, "429"),
        (500, ErrorKind.RETRYABLE, "500"),
        (503, ErrorKind.RETRYABLE, "503"),
        (302, ErrorKind.REJECTED, "302"),
    ],
)
def test_a_token_that_is_not_granted_leaves_nothing_in_doubt(status, kind, code):
    with pytest.raises(PortError) as caught:
        ask('{"error": "invalid_client", "error_description": "hidden"}', status)
    assert (caught.value.kind, caught.value.vendor_code) == (kind, code)
    assert "hidden" not in repr(vars(caught.value)) + str(caught.value)


def test_a_call_inside_of_another_ones_time_ends_with_it():
    def trickle(connection):
        read_request(connection)
        for _ in range(100):
            connection.sendall(b"H")
            time.sleep(0.05)  # A slow server; the client is gone long before its end.

    with peer(trickle) as port:
        http = Http(
            "desk",
            HttpSettings(base_url=f"http://127.0.0.1:{port}", deadline_s=60),
            secrets=Secrets(),
            budget=Unlimited(),
            recorder=Calls(),
        )
        with pytest.raises(PortError) as caught, deadline(0.3):
            http.call("GET", f"http://127.0.0.1:{port}/", operation="x", write=False)
        http.close()
    assert caught.value.vendor_code == "timeout"
