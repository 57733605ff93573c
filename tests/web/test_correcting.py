"""The page on which staff correct a request, and what the trail says of it."""

from cleargate.nouns.gate import Choice
from cleargate.nouns.ids import CaseId
from cleargate.store import attachments, cases
from tests.trail import TRAIL
from tests.web.installation import OTHER, Site, Staff, filled_form, sample_gate
from tests.web.test_request_form import photo_with_exif

EDITABLE = sample_gate(choices=(Choice.EDIT, Choice.DECLINE))


def _at_gate(site: Site) -> CaseId:
    case = site.case()
    site.gate(case, EDITABLE)
    return case


def _member_id(site: Site, case: CaseId) -> str:
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    return found.request.insurances[0].member_id


def test_the_page_shows_what_the_patient_said(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    page = staff.get(f"/cases/{case}")
    assert f'href="/{staff.slug}/desk/cases/{case}/edit"' in page.text
    form = staff.get(f"/cases/{case}/edit")
    assert form.status_code == 200
    for typed in ("Testperson", "02/28/1990", _member_id(site, case)):
        assert f'value="{typed}"' in form.text


def test_a_corrected_request_takes_the_old_one_s_place(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    sent = filled_form(primary_member_id="MEMBER0099")
    answer = staff.post(f"/cases/{case}/edit?version=1", sent)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/{staff.slug}/desk/cases/{case}",
    )
    assert _member_id(site, case) == "MEMBER0099"
    with site.house.session() as session:
        found = cases.get(session, case)
    assert found is not None
    assert (found.phase, found.generation) == ("booking.receive", 2)


def test_the_trail_names_the_fields_and_never_what_they_hold(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    staff.post(f"/cases/{case}/edit?version=1", filled_form(primary_member_id="MEMBER0099"))
    [row] = site.rows(
        f"select actor, code from {TRAIL}"
        " where practice_id = :practice and case_id = :case and type = 'request.edit'",
        case=case,
    )
    assert row["actor"].startswith("staff:")
    assert "primary_member_id" in row["code"].split(",")
    assert "MEMBER0099" not in row["code"]


def test_mistakes_stand_beside_their_fields_and_change_nothing(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    before = _member_id(site, case)
    answer = staff.post(f"/cases/{case}/edit?version=1", filled_form(primary_member_id=""))
    assert answer.status_code == 422
    assert "Enter the member ID on the card." in answer.text
    assert _member_id(site, case) == before


def test_newer_information_is_told_and_what_was_typed_stays(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    site.gate(case, EDITABLE)
    sent = filled_form(primary_member_id="MEMBER0099")
    answer = staff.post(f"/cases/{case}/edit?version=1", sent)
    assert answer.status_code == 409
    assert "Newer information has come in" in answer.text
    assert 'value="MEMBER0099"' in answer.text
    assert "edit?version=2" in answer.text
    assert staff.post(f"/cases/{case}/edit?version=2", sent).status_code == 303


def test_where_no_correction_is_offered_there_is_no_page(site: Site, staff: Staff) -> None:
    case = site.case()
    site.gate(case)
    for answer in (
        staff.get(f"/cases/{case}/edit"),
        staff.post(f"/cases/{case}/edit?version=1", filled_form()),
    ):
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/{staff.slug}/desk/cases/{case}",
        )


def test_another_practice_s_request_is_not_there(site: Site) -> None:
    case = _at_gate(site)
    with site.staff(OTHER) as stranger:
        assert stranger.get(f"/cases/{case}/edit").status_code == 404
        assert stranger.post(f"/cases/{case}/edit?version=1", filled_form()).status_code == 404


def test_a_new_picture_of_the_card_is_kept_with_the_case(site: Site, staff: Staff) -> None:
    case = _at_gate(site)
    card = {"card_front": ("card.jpg", photo_with_exif(), "image/jpeg")}
    answer = staff.post(f"/cases/{case}/edit?version=1", filled_form(), files=card)
    assert answer.status_code == 303
    with site.house.session() as session:
        assert [kind for _, kind in attachments.of_case(session, case)] == ["card_front"]
