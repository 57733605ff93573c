"""Every route, with every credential of one practice and the ids of another.

What comes back is what ids of nothing give, byte for byte; no row of the other practice changes,
and nothing of its patients is in the answer. A route without a row in ROUTES fails.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx2
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Mount, Route

from cleargate.scheduling.request_fields import fields_of
from cleargate.web.server import build
from cleargate.web.site import Pages
from tests.house import House, TurnedClock, visit_request
from tests.security.neighbours import (
    KINDS,
    PAYER_NAME,
    SLUGS,
    TEXTS,
    Ids,
    Neighbours,
    neighbours,
    nobodys,
)
from tests.web.installation import filled_form


class By(StrEnum):
    """What whoever asks has of the first practice."""

    NOTHING = "nothing"
    STAFF = "staff's cookie"
    PROGRAM = "API token"
    PATIENT = "patient's link"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a route is asked: fields of its query, form or JSON, with values that go far.

    `places` are those in which an id may stand; `public` says that anybody may leave a row.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, object] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    public: tuple[str, ...] = ()


# A birth date that nobody here has: what was sent in one place is taken out of the whole answer.
FORM = filled_form(birth_date="07/08/1971")
PAYERS = ("primary_payer", "primary_payer_id")
ASK = {"nonce": "n" * 32, "form": fields_of(visit_request())}
OPEN = {"birth_date": "02/28/1990"}

ROUTES: dict[tuple[str, str], Asked] = {
    ("GET", "/api/openapi.json"): Asked(),
    ("GET", "/static/{path}"): Asked(),
    ("GET", "/health"): Asked(),
    ("POST", "/api/requests"): Asked(json=ASK, places=("nonce",)),
    ("GET", "/api/cases/{case}"): Asked(),
    ("POST", "/api/gates/{gate}/decision"): Asked(
        json={"choice": "go_on", "evidence_version": 1}, places=("detail", "note")
    ),
    ("GET", "/{slug}/desk/sign-in"): Asked(),
    ("POST", "/{slug}/desk/sign-in"): Asked(
        form={"username": "x", "password": "x"},
        places=("username", "password"),
        public=("throttle", "audit_events"),
    ),
    ("POST", "/{slug}/desk/sign-out"): Asked(places=("csrf",)),
    ("GET", "/{slug}/desk"): Asked(query={"page": "0"}, places=("page",)),
    ("GET", "/{slug}/desk/cases/{case}"): Asked(),
    ("GET", "/{slug}/desk/cases/{case}/photos/{photo}"): Asked(),
    ("POST", "/{slug}/desk/gates/{gate}/decision"): Asked(
        form={"choice": "go_on", "evidence_version": "1"},
        places=("csrf", "detail", "note", "evidence_version"),
    ),
    ("POST", "/{slug}/desk/cases/{case}/withdraw"): Asked(places=("csrf",)),
    ("POST", "/{slug}/desk/cases/{case}/rebook"): Asked(places=("csrf",)),
    ("GET", "/{slug}/desk/phone"): Asked(),
    ("POST", "/{slug}/desk/phone"): Asked(form=FORM, places=("csrf", "nonce", *PAYERS)),
    ("GET", "/{slug}/desk/password"): Asked(),
    ("POST", "/{slug}/desk/password"): Asked(
        form={"old": "x", "new": "three otters under glass", "again": "three otters under glass"},
        places=("csrf", "old", "new", "again"),
    ),
    ("GET", "/{slug}/desk/cases/{case}/edit"): Asked(),
    ("POST", "/{slug}/desk/cases/{case}/edit"): Asked(
        query={"version": "1", "generation": "1"},
        form=FORM,
        places=("csrf", "version", "generation", *PAYERS),
    ),
    ("GET", "/{slug}/"): Asked(),
    ("POST", "/{slug}/"): Asked(
        form=FORM,
        places=("nonce", *PAYERS),
        public=("throttle", "cases", "audit_events", "links", "dbos.workflow_status"),
    ),
    ("POST", "/{slug}/payers"): Asked(places=("primary_payer", "secondary_payer")),
    ("GET", "/{slug}/received/{token}"): Asked(),
    ("GET", "/{slug}/confirm/{token}"): Asked(),
    ("POST", "/{slug}/confirm/{token}"): Asked(),
    ("GET", "/{slug}/status/{token}"): Asked(),
    ("POST", "/{slug}/status/{token}"): Asked(form=OPEN, places=("birth_date",)),
    ("POST", "/{slug}/withdraw/{token}"): Asked(),
    ("GET", "/{slug}/check/{token}"): Asked(),
    ("POST", "/{slug}/check/{token}"): Asked(
        form={**OPEN, "sent": "yes"}, places=("birth_date", "primary_member_id")
    ),
}


def _found(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of everything that an app answers to."""
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/{{path}}"
        elif isinstance(route, APIRoute | Route):
            yield from (
                (method, route.path) for method in (route.methods or ()) if method != "HEAD"
            )
        else:
            yield from _found(route.original_router.routes)  # type: ignore[attr-defined]


def test_every_route_of_the_app_is_played(house: House) -> None:
    """A new one that is not in ROUTES fails here."""
    app = build(Pages(house.database, TurnedClock(), {}, secure=False))
    assert set(_found(app.routes)) == ROUTES.keys()


@pytest.fixture(scope="module")
def two(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with neighbours(house, tmp_path_factory.mktemp("neighbours")) as served:
        yield served


def test_the_other_practice_has_a_row_in_every_table(two: Neighbours) -> None:
    """Otherwise the rest would prove nothing."""
    assert [table for table, digest in two.their_rows().items() if not digest] == []


@dataclass(frozen=True, slots=True)
class Try:
    """One way of asking: which kind of id stands where; path places have their own by name."""

    slug: str
    kinds: Mapping[str, str]


NAMED = {"case": "case", "gate": "gate", "photo": "photo"}
LINKS = ("receipt", "confirm_contact", "withdraw", "check_details")


def _path_places(path: str) -> list[str]:
    return [name for name in re.findall(r"{(\w+)}", path) if name != "slug"]


@st.composite
def tries(draw: st.DrawFn, method: str, path: str) -> Try:
    """Ids of every kind in every place; of the right kind more often than not."""
    asked = ROUTES[method, path]
    kinds = {}
    for place in _path_places(path):
        own = NAMED.get(place, "case")
        right = st.sampled_from(LINKS) if place == "token" else st.just(own)
        kinds[place] = draw(right | right | st.sampled_from(KINDS))
    for place in asked.places:
        if draw(st.booleans()):
            kinds[place] = draw(st.sampled_from(KINDS))
    return Try(draw(st.sampled_from(SLUGS)) if "{slug}" in path else "", kinds)


@dataclass(frozen=True, slots=True)
class Answer:
    """What matters of an answer, with all that is random or was sent taken out."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _ask(two: Neighbours, by: By, method: str, path: str, how: Try, ids: Ids) -> Answer:
    """Send one request, with `ids` in all its places."""
    asked = ROUTES[method, path]
    sent = {place: getattr(ids, kind) for place, kind in how.kinds.items()}
    address = path.replace("{slug}", how.slug).replace("{path}", "nothing.css")
    for place in _path_places(path):
        address = address.replace(f"{{{place}}}", sent.get(place, "x").replace("/", "-"))
    token, csrf = two.cookie() if by is By.STAFF else ("", "")
    headers = {"Cookie": f"cleargate={token}"} if by is By.STAFF else {}
    if by is By.PROGRAM:
        headers["Authorization"] = f"Bearer {two.api_token}"
    form = {**({"csrf": csrf} if csrf else {}), **asked.form}
    placed = {place: sent[place] for place in asked.places if place in sent}
    query = {
        **asked.query,
        **{name: value for name, value in placed.items() if name in asked.query},
    }
    rest = {name: value for name, value in placed.items() if name not in asked.query}
    more: dict[str, object] = {}
    if asked.json:
        more["json"] = {**asked.json, **rest}
    elif method == "POST":
        more["data"] = {**form, **rest}
    else:
        query |= rest
    answer = two.client.request(method, address, params=query, headers=headers, **more)
    two.client.cookies.clear()
    in_path = {value.replace("/", "-") for value in sent.values()}
    return _plain(answer, {*sent.values(), *in_path, csrf} - {""})


_RANDOM = re.compile(
    rb'(name="nonce" value=")[^"]+|(/received/)[\w-]+|(/desk/cases/)[0-9a-f-]{36}'
    rb'|("case":")[0-9a-f-]{36}|(name="csrf" value=")[^"]+'
)


def _plain(answer: httpx2.Response, sent: set[str]) -> Answer:
    def clean(content: bytes) -> bytes:
        for value in sorted(sent, key=len, reverse=True):
            content = content.replace(value.encode(), b"<sent>")
        return _RANDOM.sub(lambda found: next(each for each in found.groups() if each), content)

    kept = {
        name: clean(value.encode()).decode()
        for name, value in answer.headers.items()
        if name not in ("date", "content-length", "set-cookie")
    }
    return Answer(answer.status_code, kept, clean(answer.content))


@pytest.mark.parametrize("examples", [2, pytest.param(40, marks=pytest.mark.long)])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_practice_s_ids_give_what_ids_of_nothing_give(
    two: Neighbours, method: str, path: str, examples: int
) -> None:
    """At the first practice's address with the other's ids, and at the other's with our own."""
    for slug in SLUGS:
        for link in LINKS if "{token}" in path else ("receipt",):
            kinds = {place: NAMED.get(place, link) for place in _path_places(path)}
            _play(two, method, path, Try(slug, kinds))

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tries(method, path))
    def play(how: Try) -> None:
        _play(two, method, path, how)

    play()


def _play(two: Neighbours, method: str, path: str, how: Try) -> None:
    """Ask with each credential: nothing is told, and nothing of the other practice changes."""
    inside = how.slug == SLUGS[0] or "{slug}" not in path
    foreign = two.theirs if inside else two.mine
    # Its own payers stand on its public form, and there anybody may leave something.
    expected, left = ((), ()) if inside else ((PAYER_NAME,), ROUTES[method, path].public)
    before = two.their_rows()
    for by in By:
        answer = _ask(two, by, method, path, how, foreign)
        assert answer == _ask(two, by, method, path, how, nobodys())
        if not inside:
            assert answer == _ask(two, By.NOTHING, method, path, how, foreign)
        assert answer.status < 500
        shown = answer.body.decode("utf-8", "replace")
        assert [text for text in TEXTS if text in shown and text not in expected] == []
    after = two.their_rows()
    assert [name for name in before if before[name] != after[name] and name not in left] == []
