"""What holds for every route, taken from the app: headers, errors, and the door."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.routing import APIRoute

from cleargate.operations.rehearsal.patient import Inputs
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from cleargate.web.headers import HEADERS
from cleargate.web.server import ROUTERS
from cleargate.web.site import Pages
from tests.house import TurnedClock
from tests.web.installation import PASSWORD, SLUG, Served, Site, Staff, read_profiles

NOBODYS = "00000000-0000-0000-0000-000000000000"
ROUTES = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
OUTSIDE_THE_DOOR = {"/{slug}/desk/sign-in"}
DESK = [each for each in ROUTES if "/desk" in each[1] and each[1] not in OUTSIDE_THE_DOOR]


def _address(path: str) -> str:
    """An address of the route that leads to nothing."""
    return re.sub(r"{\w+}", NOBODYS, path.replace("{slug}", SLUG))


def test_the_routes_are_all_there() -> None:
    assert len(ROUTES) >= 24
    assert len(DESK) >= 9


@pytest.mark.parametrize(("method", "path"), DESK)
def test_no_route_of_the_desk_opens_without_signing_in(site: Site, method: str, path: str) -> None:
    with site.visitor() as client:
        answer = client.request(method, _address(path))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/{SLUG}/desk/sign-in")


@pytest.mark.parametrize("path", [path for method, path in DESK if method == "POST"])
def test_no_form_of_the_desk_counts_without_its_token(site: Site, staff: Staff, path: str) -> None:
    answer = staff.client.post(_address(path), data={"csrf": "wrong"})
    assert answer.status_code == 403
    assert staff.get("").status_code == 200, "and nobody is signed out by it"


@pytest.mark.parametrize(
    "path", [path for method, path in DESK if method == "GET" and "{case}" in path]
)
def test_an_address_that_is_none_is_not_found(site: Site, staff: Staff, path: str) -> None:
    answer = staff.client.get(_address(path.replace("{case}", "not-an-id-<b>")))
    assert answer.status_code == 404
    assert "not-an-id" not in answer.text
    assert "This page is not here" in answer.text


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A web server whose database does not answer."""
    folder = tmp_path_factory.mktemp("broken")
    LocalKeyFile.create(folder / "key")
    nowhere = "postgresql+psycopg://nobody:secret-password@127.0.0.1:9/nothing"
    database = Database(nowhere, Keyring(LocalKeyFile(folder / "key")))
    (folder / "practices").mkdir()
    pages = Pages(database, TurnedClock(), read_profiles(folder / "practices"), secure=True)
    with Served(pages) as served:
        yield served
    database.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/{slug}/"),
        ("GET", "/{slug}/confirm/{token}"),
        ("POST", "/{slug}/desk/sign-in"),
        ("GET", "/api/cases/{case}"),
    ],
)
def test_a_database_that_is_away_is_told_in_a_sentence_with_the_headers_and_nothing_else(
    broken: Served, method: str, path: str
) -> None:
    with httpx2.Client(base_url=broken.url, timeout=30) as client:
        headers = {"Authorization": "Bearer sample"}
        answer = client.request(method, _address(path), headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    for leak in ("Traceback", "psycopg", "secret-password", str(Path.cwd()), "Error"):
        assert leak not in answer.text
    if not path.startswith("/api/"):
        assert "We cannot do this just now" in answer.text
        assert "(217) 555-0100" in answer.text


def test_a_bug_of_ours_is_told_in_a_sentence_and_nothing_else(site: Site, tmp_path: Path) -> None:
    """A key file that does not fit: no page can be made at all."""
    with site.house.session():
        pass  # the practice has its data key, under the key file that fits
    LocalKeyFile.create(tmp_path / "key")
    stranger = Database(site.house.app_url, Keyring(LocalKeyFile(tmp_path / "key")))
    sent = {"username": "sample", "password": PASSWORD}
    with Served(Pages(stranger, site.clock, site.profiles, secure=False)) as served:
        answer = httpx2.post(f"{served.url}/{SLUG}/desk/sign-in", data=sent, timeout=30)
    stranger.close()
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "key file" not in answer.text


def test_health_tells_when_the_database_does_not_answer(site: Site, broken: Served) -> None:
    assert httpx2.get(f"{site.url}/health").json() == {"status": "ok"}
    answer = httpx2.get(f"{broken.url}/health")
    assert (answer.status_code, "secret" in answer.text) == (503, False)


def test_behind_tls_the_cookie_is_bound_to_host_and_tls_and_taken_back(site: Site) -> None:
    username = site.hire()
    pages = Pages(site.house.database, site.clock, site.profiles, secure=True)
    with Served(pages) as served, httpx2.Client(base_url=served.url) as client:
        sent = {"username": username, "password": PASSWORD}
        answer = client.post(f"/{SLUG}/desk/sign-in", data=sent)
        given = answer.headers["set-cookie"]
        cookie = {"Cookie": given.partition(";")[0]}
        csrf = Inputs(client.get(f"/{SLUG}/desk", headers=cookie).text).values["csrf"]
        out = client.post(f"/{SLUG}/desk/sign-out", data={"csrf": csrf}, headers=cookie)
    for each in (given, out.headers["set-cookie"]):
        assert each.startswith("__Host-cleargate=")
        flags = {flag.lower() for flag in each.split("; ")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=strict"} <= flags
        assert "domain" not in each.lower()
    assert "Max-Age=0" in out.headers["set-cookie"]
