"""The EHR answers as real FHIR servers do, unpleasant ways included."""

import pytest

from tests.unit.sandbox.peers import REF, Peer, appointment, patient


def test_conditional_create_makes_one_and_then_shows_it_without_a_location(peer: Peer) -> None:
    first = peer.create(patient("case1.patient.1"), "case1.patient.1")
    again = peer.create(patient("case1.patient.1"), "case1.patient.1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["Location"].endswith(f"/Patient/{first.json()['id']}/_history/1")
    assert "Location" not in again.headers
    assert again.json()["id"] == first.json()["id"]


def test_conditional_create_that_matches_many_is_refused(peer: Peer) -> None:
    peer.create(patient("a.patient.1"))
    peer.create(patient("b.patient.1"))
    refused = peer.create(patient(), **{"If-None-Exist": "birthdate=1970-01-02"})
    assert refused.status_code == 412


def test_unknown_search_parameter_is_ignored_so_that_a_superset_comes_back(peer: Peer) -> None:
    found = peer.post(
        f"{peer.fhir}/Patient/_search", data={"family": "foldersmith", "favourite-colour": "red"}
    )
    assert found.status_code == 200
    assert len(found.json()["entry"]) == 3


def test_search_pages_with_cursors_that_tell_nothing(peer: Peer) -> None:
    page = peer.post(f"{peer.fhir}/Patient/_search", data={"_count": "12"}).json()
    ids = [entry["resource"]["id"] for entry in page["entry"]]
    while page["link"]:
        url = page["link"][0]["url"]
        assert "_count" not in url
        page = peer.get(url).json()
        ids += [entry["resource"]["id"] for entry in page["entry"]]
    assert len(ids) == len(set(ids)) == 31
    assert peer.get(f"{peer.fhir}?_getpages=gone").status_code == 410


@pytest.mark.parametrize(
    ("params", "status"),
    [({"family": "recordholder", "birthdate": "1961-04-12"}, 2), ({"phone": "+13125550903"}, 2),
     ({"given": "al", "family": "RECORD"}, 2), ({"email": "nobody@example.test"}, 0)],
)  # fmt: skip
def test_patient_search_filters(peer: Peer, params: dict[str, str], status: int) -> None:
    assert len(peer.get(f"{peer.fhir}/Patient", params=params).json()["entry"]) == status


def test_slot_search_takes_a_window_in_the_office_zone(peer: Peer) -> None:
    slot = peer.free_slot(5)
    day = str(slot["start"])[:10]
    found = peer.get(
        f"{peer.fhir}/Slot",
        params=[("start", f"ge{day}"), ("start", f"le{day}"), ("_count", "100")],
    )
    days = {entry["resource"]["start"][:10] for entry in found.json()["entry"]}
    assert days == {day}
    starts = [entry["resource"]["start"] for entry in found.json()["entry"]]
    assert starts == sorted(starts)


def test_only_one_of_two_claims_of_a_slot_wins(peer: Peer) -> None:
    slot = peer.free_slot()
    assert peer.claim(slot, "a.claim.1").status_code == 200
    assert peer.claim(slot, "b.claim.1").status_code == 412
    held = peer.get(f"{peer.fhir}/Slot/{slot['id']}")
    assert held.headers["ETag"] == 'W/"2"'
    assert held.json()["identifier"] == [{"system": REF, "value": "a.claim.1"}]


def test_the_server_lets_two_clients_book_one_slot_and_never_touches_it(peer: Peer) -> None:
    slot = peer.free_slot()
    who = peer.create(patient("a.patient.1")).json()["id"]
    for ref in ("a.book.1", "b.book.1"):
        assert peer.create(appointment(who, slot, ref), ref).status_code == 201
    assert peer.get(f"{peer.fhir}/Slot/{slot['id']}").json()["status"] == "free"
    kinds = {duplicate["kind"] for duplicate in peer.ledger()["duplicates"]}
    assert kinds == {"double_booked_slot", "booked_on_free_slot"}


def test_appointment_needs_its_times_unless_it_is_only_proposed(peer: Peer) -> None:
    slot = peer.free_slot()
    who = peer.create(patient("a.patient.1")).json()["id"]
    timeless = {k: v for k, v in appointment(who, slot, "r").items() if k not in ("start", "end")}
    refused = peer.create(timeless)
    assert refused.status_code == 400
    assert [issue["expression"] for issue in refused.json()["issue"]] == [
        ["Appointment.start (app-3)"],
        ["Appointment.end (app-3)"],
    ]
    assert peer.create({**timeless, "status": "proposed"}).status_code == 201


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        (patient(favouriteColour="red"), "Patient.favouriteColour"),
        (patient(gender="F"), "Patient.gender"),
        (patient(birthDate="1970-02-30"), "Patient.birthDate"),
        ({"resourceType": "Patient", "birthDate": "1970-01-02"}, "Patient.name"),
        (
            {
                "resourceType": "Coverage",
                "status": "active",
                "payor": [{"display": "Sample Mutual"}],
                "beneficiary": {"reference": "Patient/nobody"},
            },
            "Coverage.beneficiary",
        ),
    ],
)
def test_bad_resource_is_refused_naming_the_element_only(
    peer: Peer, resource: dict[str, object], expression: str
) -> None:
    refused = peer.create(resource)
    assert refused.status_code == 400
    assert refused.json()["issue"][0]["expression"] == [expression]
    assert "1970-02-30" not in refused.text


def test_status_changes_by_patch_and_a_stale_version_loses(peer: Peer) -> None:
    who = peer.create(patient("a.patient.1")).json()["id"]
    slot = peer.free_slot()
    made = peer.create(appointment(who, slot, "a.book.1", status="pending")).json()["id"]
    url = f"{peer.fhir}/Appointment/{made}"
    headers = {"Content-Type": "application/json-patch+json", "If-Match": 'W/"1"'}
    change = b'[{"op":"replace","path":"/status","value":"booked"}]'
    assert peer.patch(url, content=change, headers=headers).json()["status"] == "booked"
    assert peer.patch(url, content=change, headers=headers).status_code == 412
    assert (
        peer.patch(url, content=b"[]", headers={**headers, "If-Match": 'W/"2"'}).status_code == 400
    )
    bookings = peer.ledger()["bookings"]
    assert [booking["history"] for booking in bookings] == [["pending", "booked"]]


def test_transaction_bundle_is_not_atomic_and_answers_200(peer: Peer) -> None:
    slot = peer.free_slot()
    peer.claim(slot, "other.claim.1")
    who = peer.create(patient("a.patient.1")).json()["id"]
    entries = [
        {
            "resource": {**slot, "status": "busy"},
            "request": {"method": "PUT", "url": f"Slot/{slot['id']}", "ifMatch": 'W/"1"'},
        },
        {
            "resource": appointment(who, slot, "a.book.1"),
            "request": {"method": "POST", "url": "Appointment"},
        },
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = peer.post(peer.fhir, json=bundle)
    assert answer.status_code == 200
    statuses = [entry["response"]["status"] for entry in answer.json()["entry"]]
    assert statuses == ["412", "201"]


def test_bundle_entries_may_refer_to_each_other(peer: Peer) -> None:
    entries = [
        {
            "fullUrl": "urn:uuid:one",
            "resource": patient("a.patient.1"),
            "request": {"method": "POST", "url": "Patient"},
        },
        {
            "resource": {
                "resourceType": "Coverage",
                "status": "active",
                "payor": [{"display": "Sample Mutual"}],
                "beneficiary": {"reference": "urn:uuid:one"},
            },
            "request": {"method": "POST", "url": "Coverage"},
        },
    ]
    answer = peer.post(
        peer.fhir, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    ).json()
    made = answer["entry"][0]["resource"]["id"]
    assert answer["entry"][1]["resource"]["beneficiary"]["reference"] == f"Patient/{made}"


def test_eligibility_takes_a_logical_reference_as_its_request(peer: Peer) -> None:
    who = peer.create(patient("a.patient.1")).json()["id"]
    response = {
        "resourceType": "CoverageEligibilityResponse",
        "identifier": [{"system": REF, "value": "a.eligibility.1"}],
        "status": "active",
        "purpose": ["benefits"],
        "patient": {"reference": f"Patient/{who}"},
        "created": "2026-11-22",
        "request": {"identifier": {"system": REF, "value": "a.eligibility.1"}},
        "outcome": "complete",
        "insurer": {"display": "Sample Mutual"},
        "disposition": "active",
    }
    assert peer.create(response, "a.eligibility.1").status_code == 201
    found = peer.get(
        f"{peer.fhir}/CoverageEligibilityResponse", params={"identifier": f"{REF}|a.eligibility.1"}
    )
    assert len(found.json()["entry"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Patient/nobody", 404),
        ("GET", "/Observation", 404),
        ("DELETE", "/Patient/nobody", 404),
        ("POST", "/Slot", 405),
        ("PATCH", "/Patient/nobody", 405),
    ],
)
def test_what_is_not_there_or_not_supported(
    peer: Peer, method: str, path: str, status: int
) -> None:
    assert peer.request(method, peer.fhir + path).status_code == status


def test_other_content_types_are_refused(peer: Peer) -> None:
    answer = peer.post(
        f"{peer.fhir}/Patient", content=b"<Patient/>", headers={"Content-Type": "application/xml"}
    )
    assert answer.status_code == 415


def test_metadata_says_what_it_can_do_without_a_token(peer: Peer) -> None:
    statement = peer.get(f"{peer.fhir}/metadata", headers={"Authorization": ""}).json()
    slot = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Slot")
    assert slot["conditionalCreate"] is False
    assert {"code": "update"} in slot["interaction"]
