"""The public form, over HTTP: what is stored, and what never is."""

import io
import socket
from datetime import timedelta

import pytest
from PIL import Image

from cleargate.operations.rehearsal.patient import Inputs
from cleargate.store import attachments
from cleargate.web.server import BODY_BYTES_MAX
from tests.web.installation import (
    OTHER,
    OTHERS_POSTS_PER_HOUR,
    SLUG,
    Site,
    Staff,
    filled_form,
)

CANARY = b"canary-in-the-camera"


def test_a_request_is_stored_before_it_is_answered_and_sealed(site: Site) -> None:
    before = site.count_cases()
    with site.visitor() as patient:
        page = patient.get(f"/{SLUG}/")
        nonce = Inputs(page.text).values["nonce"]
        answer = patient.post(f"/{SLUG}/", data=filled_form(nonce=nonce, family="Canaryperson"))
    assert answer.status_code == 303
    assert site.count_cases() == before + 1
    [row] = site.rows(
        "select * from cases where practice_id = :practice order by created_at desc, id limit 1"
    )
    assert b"Canaryperson" not in bytes(row["request"])
    assert row["phase"] == "booking.receive"


@pytest.mark.parametrize(
    ("field", "sent", "sentence"),
    [
        ("birth_date", "31/31/1990", "Enter a date as month, day and four-digit year"),
        ("family", "", "Enter the patient&#39;s last name."),
        ("email", "toni@nowhere", "Enter an e-mail address such as"),
        ("primary_member_id", "", "Enter the member ID on the card."),
        ("visit_type", "surgery", "Choose a kind of visit from the list."),
        ("reason", "x" * 501, "Use at most 500 characters."),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nothing_is_stored(
    site: Site, field: str, sent: str, sentence: str
) -> None:
    before = site.count_cases()
    with site.visitor() as patient:
        answer = patient.post(f"/{SLUG}/", data=filled_form(**{field: sent}))
    assert answer.status_code == 422
    beside = answer.text.partition(f'id="{field}-error"')[2].partition("</span></")[0]
    assert sentence in beside[:300]
    assert 'value="Toni"' in answer.text, "what was right is kept"
    assert site.count_cases() == before


def test_sending_a_form_twice_makes_one_case_and_gives_the_same_receipt(site: Site) -> None:
    before = site.count_cases()
    form = filled_form()
    with site.visitor() as patient:
        first = patient.post(f"/{SLUG}/", data=form)
        second = patient.post(f"/{SLUG}/", data=form)
    assert first.headers["location"] == second.headers["location"]
    assert site.count_cases() == before + 1


def test_a_form_without_a_nonce_of_ours_is_shown_again_with_one(site: Site) -> None:
    before = site.count_cases()
    with site.visitor() as patient:
        answer = patient.post(f"/{SLUG}/", data=filled_form(nonce="short"))
        assert answer.status_code == 422
        assert len(Inputs(answer.text).values["nonce"]) >= 20
        assert site.count_cases() == before
        again = patient.post(
            f"/{SLUG}/", data=filled_form(nonce=Inputs(answer.text).values["nonce"])
        )
    assert again.status_code == 303


def test_a_machine_in_the_trap_is_told_the_same_and_nothing_is_stored(site: Site) -> None:
    before = site.count_cases()
    with site.visitor() as patient:
        honest = patient.post(f"/{SLUG}/", data=filled_form())
        trapped = patient.post(f"/{SLUG}/", data=filled_form(website="https://spam.invalid"))
        assert (honest.status_code, set(honest.headers)) == (
            trapped.status_code,
            set(trapped.headers),
        )
        shape = [len(each.headers["location"]) for each in (honest, trapped)]
        assert shape[0] == shape[1]
        assert patient.get(trapped.headers["location"]).status_code == 200
    assert site.count_cases() == before + 1


def test_posts_of_one_address_are_limited_by_the_hour(site: Site) -> None:
    site.clock.turn(site.clock.now().replace(minute=59, second=59) - site.clock.now())
    with site.visitor() as patient:
        said = [patient.post(f"/{OTHER}/", data=filled_form()) for _ in range(4)]
        assert [each.status_code for each in said] == [303] * OTHERS_POSTS_PER_HOUR + [429]
        assert "(217) 555-0100" in said[-1].text, "whoever is told to call gets the number"
        site.clock.turn(timedelta(minutes=1))
        assert patient.post(f"/{OTHER}/", data=filled_form()).status_code == 303


@pytest.mark.parametrize("path", [f"/{SLUG}/", "/api/requests"])
def test_a_body_that_says_it_is_too_large_is_refused_unread(site: Site, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    assert _raw(site, [(head + kind).encode()]).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_grows_too_large_is_refused_while_it_comes(site: Site) -> None:
    kind = "multipart/form-data; boundary=b"
    head = f"POST /{SLUG}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    start = b'--b\r\nContent-Disposition: form-data; name="card_front"; filename="x"\r\n\r\n'
    megabyte = b"x" * 1024 * 1024
    chunks = [start, *[megabyte] * (BODY_BYTES_MAX // len(megabyte))]
    said = _raw(
        site,
        [
            f"{head}Content-Type: {kind}\r\n\r\n".encode(),
            *(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks),
        ],
    )
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"The photos are too large" in said


def _raw(site: Site, parts: list[bytes]) -> bytes:
    """What the server says to these bytes, after which it has heard enough."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        for each in parts:
            wire.sendall(each)
        said = b""
        while b"</html>" not in said and b'"}' not in said:
            more = wire.recv(65536)
            if not more:
                break
            said += more
    return said


def test_photos_are_written_anew_without_exif_and_sealed(site: Site, staff: Staff) -> None:
    upload = photo_with_exif()
    assert CANARY in upload
    form = filled_form()
    with site.visitor() as patient:
        answer = patient.post(
            f"/{SLUG}/", data=form, files={"card_front": ("card.jpg", upload, "image/jpeg")}
        )
    assert answer.status_code == 303
    [row] = site.rows("select * from attachments where practice_id = :practice")
    assert b"JFIF" not in bytes(row["content"])
    with site.house.session() as session:
        kept = attachments.get(session, row["case_id"], row["id"])
    assert kept is not None
    assert CANARY not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.format == "JPEG"
        assert not picture.getexif()
    shown = staff.get(f"/cases/{row['case_id']}/photos/{row['id']}")
    assert (shown.content, shown.headers["content-type"]) == (kept, "image/jpeg")
    assert ("attachment.read", "ok") in [(kind, ok) for kind, _, ok in site.trail(row["case_id"])]


def test_a_photo_that_is_none_is_a_mistake_beside_its_field(site: Site) -> None:
    before = site.count_cases()
    with site.visitor() as patient:
        answer = patient.post(
            f"/{SLUG}/", data=filled_form(), files={"card_back": ("card.jpg", b"%PDF-", "x/y")}
        )
    assert answer.status_code == 422
    assert 'id="card_back-error"' in answer.text
    assert site.count_cases() == before


def photo_with_exif() -> bytes:
    picture = Image.new("RGB", (40, 30), "teal")
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    ("typed", "found"), [("etna", "Aetna"), ("united health", "UnitedHealthcare")]
)
def test_the_payer_search_offers_names_close_to_what_was_typed(
    site: Site, typed: str, found: str
) -> None:
    with site.visitor() as patient:
        answer = patient.post(f"/{SLUG}/payers", data={"primary_payer": typed})
        nothing = patient.post(f"/{SLUG}/payers", data={"primary_payer": "Aetna"})
        too_much = patient.post(f"/{SLUG}/payers", data={"primary_payer": "x" * 101})
    assert found in answer.text
    assert 'name="primary_payer_id"' in answer.text
    assert nothing.text.strip() == "", "an exact name needs no choice"
    assert (too_much.status_code, too_much.text.strip()) == (200, "")


def test_null_characters_are_not_stored_and_break_nothing(site: Site) -> None:
    with site.visitor() as patient:
        answer = patient.post(f"/{SLUG}/", data=filled_form(given="To\0ni", reason="a\0b"))
        assert answer.status_code == 303
        sent = {"username": "nobody\0", "password": "\0"}
        assert patient.post(f"/{SLUG}/desk/sign-in", data=sent).status_code == 403
