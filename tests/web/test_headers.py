"""The headers of every answer: every route and method of the app, errors, and what is no HTTP."""

import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from cleargate.web.headers import HEADERS, HSTS, headers
from cleargate.web.pages import HERE
from cleargate.web.server import BODY_BYTES_MAX, build
from cleargate.web.site import Pages
from tests.house import House, TurnedClock
from tests.web.installation import SLUG, Served, read_profiles

NOBODYS = "00000000-0000-0000-0000-000000000000"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
ODD = (
    "/",
    "/no-such-practice/",
    f"/{SLUG}",
    "/static/cleargate.css",
    "/static/nothing",
    "/static/%2e%2e/server.py",
    "/api/nothing",
    "/%00",
    "/%ff%fe/desk",
    "//evil.example.test/",
    f"/{SLUG}/desk/cases/%3Cscript%3E",
)


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def served(
    request: pytest.FixtureRequest, house: House, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The pages on this machine, and as they are where their own address is https."""
    profiles = read_profiles(tmp_path_factory.mktemp("practices"))
    pages = Pages(house.database, TurnedClock(), profiles, secure=request.param)
    with Served(pages) as served:
        yield served


def addresses(pages: Pages) -> list[str]:
    """Every address of the app, its parts filled with what leads to nothing."""
    paths = [each.path + "/nothing" * isinstance(each, Mount) for each in walk(build(pages).routes)]
    return [re.sub(r"{\w+}", NOBODYS, path.replace("{slug}", SLUG)) for path in paths]


def walk(routes: Iterable[BaseRoute]) -> Iterator[Route | Mount]:
    """Every route, those of included routers too; a kind that nobody knows fails the test."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from walk(router.routes)
        else:
            assert isinstance(route, Route | APIRoute | Mount)
            yield route


def expected(served: Served) -> dict[str, str]:
    told = headers(secure=served.pages.secure)
    assert ("Strict-Transport-Security" in told) is served.pages.secure
    return told


def test_every_route_and_method_carries_every_header(served: Served) -> None:
    known = addresses(served.pages)
    assert len(known) > 20
    with httpx2.Client(base_url=served.url, timeout=30) as client:
        for path in (*known, *ODD):
            for method in METHODS:
                answer = client.request(method, path)
                shown = {name: answer.headers.get(name) for name in expected(served)}
                assert shown == expected(served), f"{method} {path}"
                assert answer.status_code < 500, f"{method} {path}"
                kept = path.startswith("/static/") and answer.status_code == 200
                caching = answer.headers["cache-control"]
                assert ("immutable" in caching, "no-store" in caching) == (kept, not kept)
                assert "server" not in answer.headers


def test_a_body_that_is_too_large_is_refused_with_every_header(served: Served) -> None:
    with httpx2.Client(base_url=served.url, timeout=30) as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = b"x" * (BODY_BYTES_MAX + 1)
        answer = client.post(f"/{SLUG}/", content=sent, headers=form)
    assert answer.status_code == 413
    assert {name: answer.headers.get(name) for name in expected(served)} == expected(served)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example.test:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example.test/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /chat/x/y HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_with_every_header(served: Served, request_: bytes) -> None:
    port = urlsplit(served.url).port
    with socket.create_connection(("127.0.0.1", port or 0), 10) as line:
        line.sendall(request_)
        said = b""
        while chunk := line.recv(65536):
            said += chunk
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status.split()[1].startswith("4"), status
    told = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    shown = {name: told.get(name.lower()) for name in expected(served)}
    assert shown == expected(served)
    assert told["cache-control"] == "no-store"
    assert b"evil" not in body


def test_the_policies_allow_no_script_or_style_in_a_page_and_no_frame() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    for word in ("unsafe-inline", "unsafe-eval", "http:", "https:", "*"):
        assert word not in policy
    assert int(HSTS.removeprefix("max-age=")) >= 31_536_000


TEMPLATES = sorted((HERE / "templates").rglob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_no_template_has_a_script_or_a_style_in_the_page(template: Path) -> None:
    """The browser would not run it: the policy forbids it."""
    text = template.read_text()
    assert not re.search(r"\son[a-z]+\s*=", text, re.I)
    assert not re.search(r"\shx-(on|vals\s*=\s*.js|vars)", text, re.I)
    assert not re.search(r"\sstyle\s*=|<style|javascript:", text, re.I)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text, re.I)
    assert not re.search(r'(?<!")\|\s*safe', text.replace(" |", "|")), "only of a literal"
    assert "autoescape" not in text


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 10
