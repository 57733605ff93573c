"""Where the pages listen, under which TLS, and whose word about an address is believed."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Request

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.settings import Installation
from cleargate.web.headers import HSTS
from cleargate.web.listener import Listener, listener_of, taken_by, tls_of
from cleargate.web.server import configure
from cleargate.web.site import Pages, client_address
from tests.house import House, TurnedClock
from tests.unit.connectors.authority import Authority
from tests.web.installation import SLUG, Served, read_profiles


def installed(**changes: Any) -> Installation:
    plain = {"database_url": "postgresql+psycopg://127.0.0.1/x", "key_file": "k", "practices": "p"}
    return Installation(**plain | changes)


PUBLIC = {"public_url": "https://clinic.example.test"}
TLS = {"tls_cert": Path("c"), "tls_key": Path("k")}


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"host": "0.0.0.0"}, "CLEARGATE_HOST"),
        ({"host": "::"}, "CLEARGATE_HOST"),
        ({"host": "10.0.0.5"}, "CLEARGATE_HOST"),
        ({"host": "clinic.example.test"}, "CLEARGATE_HOST"),
        (PUBLIC, "CLEARGATE_PUBLIC_URL"),
        ({"public_url": "http://clinic.example.test", "proxy": "10.0.0.5"}, "CLEARGATE_PUBLIC_URL"),
        ({"public_url": "ftp://127.0.0.1"}, "CLEARGATE_PUBLIC_URL"),
        ({"public_url": "127.0.0.1:8000"}, "CLEARGATE_PUBLIC_URL"),
        ({"tls_cert": Path("c")}, "CLEARGATE_TLS_KEY"),
        ({"proxy": "0.0.0.0/0"}, "CLEARGATE_PROXY"),
        ({"proxy": "*"}, "CLEARGATE_PROXY"),
        ({"proxy": "10.0.0.5, proxy.local"}, "CLEARGATE_PROXY"),
    ],
)
def test_a_listener_that_would_show_what_it_says_is_refused(
    settings: dict[str, Any], variable: str
) -> None:
    with pytest.raises(BadSettings, match=variable) as caught:
        listener_of(installed(**settings))
    assert str(caught.value).endswith(".")


def test_an_answer_s_body_does_not_wait_until_its_head_is_acknowledged() -> None:
    """Asyncio turns Nagle's algorithm off only where a socket says that it is TCP."""
    with taken_by(Listener("127.0.0.1", 0)) as taken:
        assert taken.proto == socket.IPPROTO_TCP


def test_a_port_that_is_in_use_is_refused_with_the_way_out() -> None:
    with taken_by(Listener("127.0.0.1", 0)) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(Refused, match=f"port {port} on 127.0.0.1 .* set CLEARGATE_PORT"):
            taken_by(Listener("127.0.0.1", port))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "::1", "public_url": "http://[::1]:8000"},
        {"host": "0.0.0.0", **TLS, **PUBLIC},
        {"host": "0.0.0.0", "proxy": "10.0.0.5, 10.1.0.0/16", **PUBLIC},
        {"proxy": "127.0.0.1", **PUBLIC},
    ],
)
def test_this_machine_own_tls_and_a_named_proxy_are_taken(settings: dict[str, Any]) -> None:
    listener = listener_of(installed(**settings))
    assert listener.host == settings.get("host", "127.0.0.1")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pages(house: House, tmp_path: Path) -> Pages:
    (tmp_path / "practices").mkdir()
    profiles = read_profiles(tmp_path / "practices")
    return Pages(house.database, TurnedClock(), profiles, secure=True)


@pytest.fixture
def under_tls(pages: Pages, authority: Authority) -> Iterator[Served]:
    certificate, key = authority.certificate("localhost")
    with Served(pages, Listener("127.0.0.1", 0, (), certificate, key)) as served:
        yield served


def test_an_idle_connection_outlives_the_proxy_s_patience(pages: Pages) -> None:
    """Otherwise the proxy tells the patient of a bad gateway, now and then."""
    patience_s = 60
    assert configure(pages, Listener("127.0.0.1", 0)).timeout_keep_alive > patience_s


def test_the_pages_speak_tls_of_their_own(under_tls: Served, authority: Authority) -> None:
    url = under_tls.url.replace("127.0.0.1", "localhost")
    trusting = ssl.create_default_context(cafile=authority.file)
    answer = httpx2.get(f"{url}/{SLUG}/", verify=trusting, trust_env=False)
    assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, HSTS)


def test_a_browser_that_speaks_tls_1_1_is_not_spoken_to(
    under_tls: Served, authority: Authority
) -> None:
    old = ssl.create_default_context(cafile=authority.file)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    url = under_tls.url.replace("127.0.0.1", "localhost")
    with pytest.raises(httpx2.ConnectError, match=r"(?i)protocol version|alert|eof"):
        httpx2.get(url, verify=old, trust_env=False)


def test_a_key_that_others_can_read_or_that_is_no_key_is_refused(authority: Authority) -> None:
    certificate, key = authority.certificate()
    other = authority.certificate("other.example.test")[1]
    assert tls_of(Listener("127.0.0.1", 0)) is None
    assert tls_of(Listener("127.0.0.1", 0, (), certificate, key)) is not None
    for wrong in (other, certificate.with_name("nothing")):
        with pytest.raises(BadSettings, match="CLEARGATE_TLS_KEY"):
            tls_of(Listener("127.0.0.1", 0, (), certificate, wrong))
    key.chmod(0o640)
    with pytest.raises(BadSettings, match="chmod 600"):
        tls_of(Listener("127.0.0.1", 0, (), certificate, key))


@pytest.mark.parametrize(
    ("proxies", "told", "client"),
    [
        ((), "198.51.100.7", "127.0.0.1"),
        (("10.0.0.5",), "198.51.100.7", "127.0.0.1"),
        (("127.0.0.1",), "198.51.100.7", "198.51.100.7"),
        (("127.0.0.0/8",), "198.51.100.7", "198.51.100.7"),
        (("127.0.0.1",), "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (("127.0.0.1", "10.0.0.5"), "203.0.113.9, 198.51.100.7, 10.0.0.5", "198.51.100.7"),
        (("127.0.0.1",), "2001:db8::7", "2001:db8::7"),
        (("127.0.0.1",), "::ffff:198.51.100.7", "198.51.100.7"),
        (("127.0.0.1",), "'; drop table", "unknown"),
        (("127.0.0.1",), "", "127.0.0.1"),
    ],
)
def test_only_a_named_proxy_says_who_asks(
    pages: Pages, proxies: tuple[str, ...], told: str, client: str
) -> None:
    served = Served(pages, Listener("127.0.0.1", 0, proxies))
    seen = []

    def who(request: Request) -> None:
        seen.append((client_address(request), request.url.scheme))

    with served:
        served.app.add_api_route("/who", who)
        forwarded = {"X-Forwarded-For": told, "X-Forwarded-Proto": "https"}
        httpx2.get(f"{served.url}/who", headers=forwarded).raise_for_status()
    believed = any(each.startswith("127.") for each in proxies)
    assert seen == [(client, "https" if believed else "http")]
