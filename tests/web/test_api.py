"""The API: what the pages do, for programs."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from cleargate.nouns.gate import Choice, Fact
from cleargate.store import api_tokens
from cleargate.store.links import token_hash
from tests.web.installation import (
    OTHER,
    OTHERS_CALLS_PER_MINUTE,
    Site,
    filled_form,
    lookalike_gate,
    sample_gate,
)

OPERATIONS = {
    ("post", "/api/requests"),
    ("get", "/api/cases/{case}"),
    ("post", "/api/gates/{gate}/decision"),
}


@pytest.fixture
def program(site: Site) -> Iterator[httpx2.Client]:
    """A program that calls for the first practice."""
    yield from _program(site, site.api_token())


def _program(site: Site, token: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=site.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def other_program(site: Site) -> Iterator[httpx2.Client]:
    """A program that calls for the other practice."""
    yield from _program(site, site.api_token(OTHER))


def _asked(**changes: str) -> dict[str, Any]:
    form = filled_form(**changes)
    return {"nonce": form.pop("nonce"), "form": form}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic bm9ib2R5Og=="}],
)
def test_nobody_calls_without_a_known_token(site: Site, headers: dict[str, str]) -> None:
    before = site.count_cases()
    case = site.case()
    with site.visitor() as stranger:
        for method, path, body in (
            ("POST", "/api/requests", _asked()),
            ("GET", f"/api/cases/{case}", None),
            (
                "POST",
                f"/api/gates/{site.gate(case)}/decision",
                {"choice": "decline", "evidence_version": 1},
            ),
        ):
            answer = stranger.request(method, path, json=body, headers=headers)
            assert answer.status_code == 401
            assert set(answer.json()) == {"detail"}
    assert site.count_cases() == before + 1
    assert [kind for kind, *_ in site.trail(case)] == ["case.open", "gate.open"]


def test_a_revoked_token_opens_nothing_and_its_use_is_on_the_trail(site: Site) -> None:
    """Once a minute from an address, whatever it calls and however often."""
    token, name = uuid4().hex, f"program-{uuid4().hex[:8]}"
    with site.house.session() as session:
        api_tokens.keep(session, token_hash(token), name)
        api_tokens.revoke(session, name, site.clock.now())
    with contextmanager(_program)(site, token) as program:
        for _ in range(3):
            answer = program.get(f"/api/cases/{site.case()}")
            assert (answer.status_code, answer.json()) == (
                401,
                {"detail": "this token is not known"},
            )
    refused = site.told("door.refused", actor=f"api:{name}")
    assert [(each["outcome"], each["code"], each["address"]) for each in refused] == [
        ("refused", "revoked_token", "127.0.0.1")
    ]


def test_a_token_that_calls_too_often_waits_for_the_next_minute(site: Site) -> None:
    """Each token for itself; the trail says so once a minute."""
    case = site.case(OTHER)
    with contextmanager(_program)(site, site.api_token(OTHER, "busy")) as program:
        answers = [program.get(f"/api/cases/{case}") for _ in range(OTHERS_CALLS_PER_MINUTE + 3)]
        kept = [each.status_code for each in answers]
        assert kept == [200] * OTHERS_CALLS_PER_MINUTE + [429] * 3
        assert answers[-1].json() == {"detail": "too many calls in this minute"}
        wait = int(answers[-1].headers["retry-after"])
        assert 0 < wait <= 60
        with contextmanager(_program)(site, site.api_token(OTHER, "unhurried")) as unhurried:
            assert unhurried.get(f"/api/cases/{case}").status_code == 200
        site.clock.turn(timedelta(seconds=wait))
        assert program.get(f"/api/cases/{case}").status_code == 200
    told = site.told("door.refused", OTHER, actor="api:busy")
    assert [each["code"] for each in told] == ["calls_limit"]


def test_a_request_becomes_a_case_once(site: Site, program: httpx2.Client) -> None:
    asked = _asked()
    first = program.post("/api/requests", json=asked)
    second = program.post("/api/requests", json=asked)
    assert (first.status_code, first.json()) == (201, second.json())
    case = program.get(f"/api/cases/{first.json()['case']}").json()
    assert (case["state"], case["phase"], case["gate"]) == ("open", "booking.receive", None)
    assert site.trail(first.json()["case"])[0][:2] == ("case.open", "api:sample")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (_asked(birth_date="13/13/1990"), "birth_date"),
        (_asked(given="x" * 101), "form.given"),
        ({"nonce": "short", "form": {}}, "nonce"),
        ({"nonce": "n" * 20, "form": {"given": 7}}, "form.given"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_never_repeated(
    site: Site, program: httpx2.Client, body: dict[str, Any], field: str
) -> None:
    before = site.count_cases()
    answer = program.post("/api/requests", json=body)
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    for sent in ("13/13/1990", "x" * 101, "Testperson"):
        assert sent not in answer.text
    assert site.count_cases() == before


def test_a_body_that_is_no_json_is_refused_in_a_sentence(program: httpx2.Client) -> None:
    answer = program.post(
        "/api/requests", content=b"{Testperson", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert "Testperson" not in answer.text


def test_a_read_case_holds_nothing_of_the_patient_and_is_on_the_trail_once(
    site: Site, program: httpx2.Client
) -> None:
    case = site.case()
    site.gate(case)
    text = program.get(f"/api/cases/{case}").text
    for said in ("Testperson", "Toni", "1990-02-28", "MEMBER0001", "2025550123"):
        assert said not in text
    reads = [each for each in site.trail(case) if each[0] == "case.read"]
    assert reads == [("case.read", "api:sample", "ok")]


def test_another_practices_case_and_gate_are_not_there(
    site: Site, program: httpx2.Client, other_program: httpx2.Client
) -> None:
    case = site.case()
    gate = site.gate(case)
    body = {"choice": "decline", "evidence_version": 1}
    for path, nobodys, sent in (
        (f"/api/cases/{case}", f"/api/cases/{uuid4()}", None),
        (f"/api/gates/{gate}/decision", f"/api/gates/{uuid4()}/decision", body),
    ):
        method = "POST" if sent else "GET"
        theirs = other_program.request(method, path, json=sent)
        nothing = other_program.request(method, nobodys, json=sent)
        assert (theirs.status_code, theirs.text) == (404, nothing.text)
    assert program.get(f"/api/cases/{case}").json()["gate"]["id"] == str(gate)


def test_a_decision_tells_why_it_was_not_carried_out(site: Site, program: httpx2.Client) -> None:
    case = site.case()
    gate = site.gate(case)
    site.gate(case, sample_gate(facts=(Fact("Newer", "fact"),)))
    shown = program.get(f"/api/cases/{case}").json()["gate"]
    assert (shown["id"], shown["version"]) == (str(gate), 2)

    def decide(choice: str, version: int) -> httpx2.Response:
        body = {"choice": choice, "evidence_version": version}
        return program.post(f"/api/gates/{gate}/decision", json=body)

    assert decide("burn_it", 2).status_code == 422
    stale = decide("go_on", 1)
    assert (stale.status_code, "Newer information" in stale.json()["detail"]) == (409, True)
    assert decide("ask_again", 2).status_code == 409, "not a choice of this gate"
    done = decide("go_on", 2)
    assert (done.status_code, done.json()) == (200, {"case": str(case)})
    twice = decide("go_on", 2)
    assert (twice.status_code, "your decision stands" in twice.json()["detail"]) == (409, True)


def test_an_offer_has_to_be_one_of_those_shown(site: Site, program: httpx2.Client) -> None:
    case = site.case()
    gate = site.gate(case, lookalike_gate())
    body = {"choice": Choice.USE_EXISTING.value, "evidence_version": 1, "detail": "record-9"}
    assert program.post(f"/api/gates/{gate}/decision", json=body).status_code == 409
    offers = program.get(f"/api/cases/{case}").json()["gate"]["offers"]
    body["detail"] = next(iter(offers))
    assert program.post(f"/api/gates/{gate}/decision", json=body).status_code == 200


def test_the_description_lists_the_three_operations_and_all_that_it_refers_to(
    site: Site,
) -> None:
    with site.visitor() as reader:
        described = reader.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    found = {(method, path) for path, item in described["paths"].items() for method in item}
    assert found == OPERATIONS
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(described)):
        place = described
        for part in reference.split("/"):
            place = place[part]
        assert place
    for method, path in OPERATIONS:
        operation = described["paths"][path][method]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert {"401", "422"} <= set(operation["responses"])
        named = {each["name"] for each in operation.get("parameters", [])}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_answers_are_of_the_shape_that_is_described(site: Site, program: httpx2.Client) -> None:
    described = program.get("/api/openapi.json").json()
    schemas = described["components"]["schemas"]
    case = site.case()
    site.gate(case)
    answer = program.get(f"/api/cases/{case}").json()
    assert set(answer) == set(schemas["CaseBody"]["properties"])
    assert set(answer["gate"]) == set(schemas["GateBody"]["properties"])
    wrong = program.post("/api/requests", json=_asked(family="")).json()
    assert set(wrong) == set(schemas["Mistakes"]["properties"]) == {"errors"}
