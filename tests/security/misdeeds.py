"""What people and programs do to a practice's pages that nobody meant them to do."""

from collections.abc import Iterator, Mapping
from uuid import uuid4

import httpx2

from cleargate.operations.demo import Demo
from cleargate.operations.rehearsal.play import SETTLE_S_MIN
from cleargate.sandbox.population import SyntheticPerson
from cleargate.scheduling.request_fields import fields_of
from tests.postgres import until
from tests.security.planted import NOTE, TYPED, photo

SLUG = "riverside"
TOO_LARGE = 7 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"


def misdeeds(demo: Demo) -> Iterator[httpx2.Response]:
    """What ends at an error; none of the answers may repeat what was sent."""
    broken, address = TYPED["typed into a broken form"], TYPED["typed into an address"]
    query, call = TYPED["typed into a query"], TYPED["typed into a program's call"]
    token = {"Authorization": f"Bearer {demo.home.secret(f'api-token-{SLUG}')}"}
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    form = f"/{SLUG}/"
    with httpx2.Client(base_url=demo.web_url, timeout=60) as client:
        for path in (
            f"{form}{address}",
            f"/{address}/",
            f"{form}desk/cases/{address}",
            f"{form}x?q={query}",
        ):
            yield client.get(path)
        for page in ("received", "confirm", "status", "check", "withdraw"):
            yield client.get(f"{form}{page}/{address}")
            yield client.post(
                f"{form}{page}/{address}", data={"birth_date": TYPED["typed as a birth date"]}
            )
        yield client.delete(form, headers={"X-Patient": broken})
        yield client.post(form, content=f"--b\r\nbroken {broken}".encode(), headers=multipart)
        yield client.post(form, data={f"{broken}{number}": broken for number in range(200)})
        yield client.post(
            form,
            content=broken.encode() * (TOO_LARGE // len(broken)),
            headers={"Content-Type": FORM},
        )
        yield client.get(f"/api/cases/{call}")
        yield client.get(f"/api/cases/{call}", headers=token)
        yield client.get(f"/api/cases/{uuid4()}", headers={"Authorization": f"Bearer {call}"})
        yield client.post("/api/requests", content=f'{{"{call}'.encode(), headers=token)
        bodies: list[Mapping[str, object]] = [
            {call: call},
            {"nonce": call, "form": call},
            {"nonce": uuid4().hex, "form": {"given": call, "birth_date": call, call: call}},
        ]
        for body in bodies:
            yield client.post("/api/requests", json=body, headers=token)
        wrong = {"choice": call, "evidence_version": call, "note": NOTE}
        yield client.post(f"/api/gates/{uuid4()}/decision", json=wrong, headers=token)


def shown_again(demo: Demo) -> None:
    """What a page shows again to who typed it: a form with mistakes, a sign-in, a search."""
    with httpx2.Client(base_url=demo.web_url, timeout=60) as client:
        client.post(f"/{SLUG}/", data={"family": TYPED["typed into a broken form"]})
        client.post(f"/{SLUG}/payers", data={"primary_payer": TYPED["typed for a payer"]})
        sent = {"username": TYPED["wrong name at the desk"], "password": TYPED["wrong password"]}
        assert client.post(f"/{SLUG}/desk/sign-in", data=sent).status_code == 403


def send_with_photos(demo: Demo, person: SyntheticPerson) -> str:
    """A request with two photos of the card; gives the receipt."""
    files = {name: ("card.jpg", photo(), "image/jpeg") for name in ("card_front", "card_back")}
    with httpx2.Client(base_url=demo.web_url, timeout=60) as client:
        sent = {**fields_of(person.request), "nonce": uuid4().hex}
        answer = client.post(f"/{SLUG}/", data=sent, files=files)
        assert answer.status_code == 303, answer.text
        born = {"birth_date": f"{person.request.patient.birth_date:%m/%d/%Y}"}
        receipt = answer.headers["location"].rpartition("/")[2]
        for page in (born, {"birth_date": TYPED["typed as a birth date"]}):
            client.post(f"/{SLUG}/status/{receipt}", data=page)
    return str(receipt)


def decide_by_program(demo: Demo, person: SyntheticPerson) -> None:
    """A request over the API that comes to a gate, and a decision with a note."""
    headers = {"Authorization": f"Bearer {demo.home.secret(f'api-token-{SLUG}')}"}
    with httpx2.Client(base_url=demo.web_url, timeout=60, headers=headers) as client:
        asked = {"nonce": uuid4().hex, "form": fields_of(person.request)}
        case = client.post("/api/requests", json=asked).raise_for_status().json()["case"]
        until(
            lambda: _gate(client, case) is not None,
            "the request came to no gate",
            within_s=SETTLE_S_MIN,
            every_s=0.5,
        )
        gate = _gate(client, case)
        assert gate is not None
        body = {
            "choice": person.expected.gates[0][1].value,
            "evidence_version": gate["version"],
            "note": NOTE,
        }
        client.post(f"/api/gates/{gate['id']}/decision", json=body).raise_for_status()


def _gate(client: httpx2.Client, case: str) -> dict[str, str] | None:
    found: dict[str, str] | None = (
        client.get(f"/api/cases/{case}").raise_for_status().json()["gate"]
    )
    return found
