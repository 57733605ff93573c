"""What stays behind in a browser that the front desk shares, and on the server's disk: nothing.

An address, a title and a filled field outlive the session in a browser's history.
"""

import re
import tempfile
from pathlib import Path

import pytest

from cleargate.nouns.gate import Choice
from tests.web.installation import SLUG, Site, Staff, filled_form, sample_gate

NAME = "Żółwińska"


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, str]:
    """Every page of the desk about one patient, as the browser gets it."""
    with site.visitor() as patient:
        sent = filled_form(family=NAME, given="Ñandú")
        assert patient.post(f"/{SLUG}/", data=sent).status_code == 303
    [row] = site.rows(
        "select id from cases where practice_id = :practice order by created_at desc limit 1"
    )
    case = row["id"]
    site.gate(case, sample_gate(choices=(Choice.EDIT, Choice.GO_ON)))
    with site.staff() as staff:
        addresses = ["", "/phone", f"/cases/{case}", f"/cases/{case}/edit"]
        found = {each: staff.get(each) for each in addresses}
        wrong = staff.post("/phone", {"family": NAME})
    found["wrong"] = wrong
    assert all("no-store" in each.headers["cache-control"] for each in found.values())
    return {name: answer.text for name, answer in found.items()}


def test_no_title_names_a_patient(pages: dict[str, str]) -> None:
    assert any(NAME in page for page in pages.values())
    for page in pages.values():
        [title] = re.findall(r"<title>(.*?)</title>", page, re.DOTALL)
        assert NAME not in title
        assert "Ñandú" not in title


def test_no_field_of_the_desk_is_kept_or_filled_in_by_the_browser(pages: dict[str, str]) -> None:
    forms = 0
    for page in pages.values():
        for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL):
            typed = re.findall(
                r'<(?:input|textarea)\b(?![^>]*type="(?:hidden|radio|submit)")', form
            )
            if typed:
                forms += 1
                assert 'autocomplete="off"' in form.split(">", 1)[0]
            found = set(re.findall(r'autocomplete="([^"]*)"', form))
            assert found <= {"off"}
    assert forms >= 3


def test_a_patients_own_browser_may_help(site: Site) -> None:
    with site.visitor() as patient:
        assert 'autocomplete="given-name"' in patient.get(f"/{SLUG}/").text


def test_what_is_typed_goes_into_no_address(site: Site, staff: Staff) -> None:
    """A form or a search that goes by GET would put it there."""
    with site.visitor() as patient:
        form = patient.get(f"/{SLUG}/").text
        assert patient.get(f"/{SLUG}/payers", params={"primary_payer": NAME}).status_code == 405
    for page in (form, staff.get("/phone").text, staff.get("").text):
        assert all('method="post"' in tag for tag in re.findall(r"<form\b[^>]*>", page))
        asking = re.findall(r"<(\w+)\b[^>]*\bhx-get=", page)
        assert set(asking).isdisjoint({"form", "input", "select", "textarea"})


def test_a_large_photo_never_touches_the_disk(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where no temporary file can be made, the upload arrives all the same."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    files = {"card_front": ("card.jpg", b"\xff\xd8" + b"x" * (2 * 1024 * 1024), "image/jpeg")}
    with site.visitor() as patient:
        answer = patient.post(f"/{SLUG}/", data=filled_form(), files=files)
    assert answer.status_code == 422
    assert "This photo is larger than 2 MB" in answer.text
