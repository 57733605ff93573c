"""The ledger tells what was done, finds what was done twice, and survives a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from cleargate.nouns.errors import Refused
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import Tree
from cleargate.sandbox.world import SandboxOptions
from tests.unit.sandbox.peers import REF, Peer, appointment, patient, question
from tests.unit.sandbox.test_mail import send


def book(peer: Peer, case: str, position: int = 0) -> str:
    """The whole walk of one booking; returns the Appointment's id."""
    who = peer.create(patient(f"{case}.patient.1", case.title()), f"{case}.patient.1").json()["id"]
    slot = peer.free_slot(position)
    assert peer.claim(slot, f"{case}.claim.1").status_code == 200
    made = peer.create(appointment(who, slot, f"{case}.book.1"), f"{case}.book.1")
    assert made.status_code == 201
    return str(made.json()["id"])


def kinds(ledger: Tree) -> list[tuple[str, str]]:
    return sorted((d["kind"], d["by"]) for d in ledger["duplicates"])


def test_clean_bookings_leave_no_duplicates(peer: Peer) -> None:
    for case in ("anna", "bert", "cleo"):
        book(peer, case)
    ledger = peer.ledger()
    assert ledger["duplicates"] == []
    assert len(ledger["bookings"]) == len(ledger["patients"]) == 3
    refs = [change["ref"] for change in ledger["slot_changes"]]
    assert refs == ["anna.claim.1", "bert.claim.1", "cleo.claim.1"]


def test_the_same_ref_twice_is_found(peer: Peer) -> None:
    peer.create(patient("anna.patient.1", "Anna"))
    peer.create(patient("anna.patient.1", "Other"))
    assert kinds(peer.ledger()) == [("patient", "ref")]


def test_the_same_person_twice_is_found_even_beside_a_seeded_record(peer: Peer) -> None:
    known = peer.get(f"{peer.fhir}/Patient/seed-1").json()
    again = patient("x.patient.1", name=known["name"], birthDate=known["birthDate"])
    peer.create(again, "x.patient.1")
    assert kinds(peer.ledger()) == [("same_person", "substance")]


def test_the_same_policy_twice_is_found(peer: Peer) -> None:
    who = peer.create(patient("anna.patient.1")).json()["id"]
    policy: Tree = {
        "resourceType": "Coverage",
        "status": "active",
        "subscriberId": "W001",
        "beneficiary": {"reference": f"Patient/{who}"},
        "payor": [{"display": "Sample Mutual"}],
    }
    for generation in "12":
        ref = f"anna.insurance.{generation}"
        peer.create({**policy, "identifier": [{"system": REF, "value": ref}]}, ref)
    assert kinds(peer.ledger()) == [("same_policy", "substance")]


def test_two_bookings_of_one_case_are_found(peer: Peer) -> None:
    who = peer.get(f"{peer.fhir}/Patient/{'seed-1'}").json()["id"]
    for generation in "12":
        slot = peer.free_slot()
        peer.claim(slot, f"anna.claim.{generation}")
        ref = f"anna.book.{generation}"
        peer.create(appointment(who, slot, ref), ref)
    assert kinds(peer.ledger()) == [("two_bookings_of_one_case", "substance")]


def test_slot_that_is_held_for_nobody_is_found_until_it_is_released(peer: Peer) -> None:
    slot = peer.free_slot()
    held = peer.claim(slot, "anna.claim.1").json()
    assert kinds(peer.ledger()) == [("slot_claimed_for_nothing", "substance")]
    free = {**held, "status": "free", "identifier": []}
    peer.put(f"{peer.fhir}/Slot/{slot['id']}", json=free, headers={"If-Match": 'W/"2"'})
    assert peer.ledger()["duplicates"] == []


def test_times_that_run_into_each_other_are_found(peer: Peer) -> None:
    first = book(peer, "anna")
    record = peer.get(f"{peer.fhir}/Appointment/{first}").json()
    schedule = record["slot"][0]["reference"].split("-")[1]
    params = {"status": "free", "schedule": f"Schedule/schedule-{schedule}"}
    slot = peer.get(f"{peer.fhir}/Slot", params=params).json()["entry"][0]["resource"]
    peer.claim(slot, "bert.claim.1")
    who = peer.create(patient("bert.patient.1", "Bert")).json()["id"]
    shifted = {**slot, "start": record["start"], "end": record["end"]}
    peer.create(appointment(who, {**shifted, "id": slot["id"]}, "bert.book.1"), "bert.book.1")
    assert kinds(peer.ledger()) == [("overlapping_provider", "substance")]


def test_cancelled_booking_gives_its_slot_back_without_a_trace_of_trouble(peer: Peer) -> None:
    made = book(peer, "anna")
    url = f"{peer.fhir}/Appointment/{made}"
    record = peer.get(url).json()
    peer.put(url, json={**record, "status": "cancelled"}, headers={"If-Match": 'W/"1"'})
    slot_url = f"{peer.fhir}/{record['slot'][0]['reference']}"
    slot = peer.get(slot_url).json()
    peer.put(slot_url, json={**slot, "status": "free"}, headers={"If-Match": 'W/"2"'})
    assert peer.ledger()["duplicates"] == []


def test_everything_comes_back_after_a_restart(options: SandboxOptions) -> None:
    with Sandbox(options) as first, Peer(first) as peer:
        peer.sign_in()
        made = book(peer, "anna")
        peer.enrol(state="aaa_42_then_active", tries=2)
        peer.ask_payer(question())
        send(peer)
        peer.plan("503", "*:create:Patient")
        assert peer.create(patient("bert.patient.1")).status_code == 503
        known: Tree = {"tenant": "riverside", "family": "Sample", "given": "Kim"}
        known |= {"birth_date": "1990-01-01", "sex": "female"}
        people = {"members": [], "patients": [known]}
        resident = peer.post("/_admin/people", json=people).json()["patients"]
        before = peer.ledger()
    with Sandbox(options) as second, Peer(second) as peer:
        assert peer.ledger() == before
        assert peer.get(f"{peer.fhir}/Appointment/{made}").status_code == 401
        token = peer.ask_token().json()["access_token"]
        peer.headers["Authorization"] = f"Bearer {token}"
        assert peer.get(f"{peer.fhir}/Appointment/{made}").headers["ETag"] == 'W/"1"'
        again = peer.create(patient("anna.patient.1"), "anna.patient.1")
        assert again.status_code == 200
        assert peer.post("/_admin/people", json=people).json()["patients"] == resident
        asked = [peer.ask_payer(question(trace=str(n))).text for n in range(2)]
        assert ["AAA*Y**42" in answer for answer in asked] == [True, False]


def test_line_that_a_crash_tore_off_is_dropped(options: SandboxOptions) -> None:
    with Sandbox(options) as first, Peer(first) as peer:
        peer.sign_in().create(patient("anna.patient.1"))
    journal = options.data / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"kind":"put","ten')
    with Sandbox(options) as second, Peer(second) as peer:
        assert len(peer.ledger()["patients"]) == 1
    assert journal.read_bytes() == whole


def test_one_data_directory_serves_one_sandbox(sandbox: Sandbox, options: SandboxOptions) -> None:
    with pytest.raises(Refused, match="Another sandbox"):
        Sandbox(options).start()


def test_port_in_use_is_told_in_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    port = int(str(sandbox.ready["base_url"]).rsplit(":", 1)[1])
    with pytest.raises(Refused, match=f"cannot listen on port {port}"):
        Sandbox(SandboxOptions(tmp_path / "other", port=port)).start()


class Command:
    """The command in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.ready_file = folder / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        arguments = ("--data", str(folder / "data"), "--ready-file", str(self.ready_file))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cleargate.sandbox", *arguments, "--faults", "none"]
        )
        until = time.monotonic() + 20
        while not self.ready_file.exists():
            assert self.process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        self.base_url = str(json.loads(self.ready_file.read_text())["base_url"])

    def end(self, number: int) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(20)


def test_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    command = Command(tmp_path)
    member = {"payer": "60054", "member_id": "W1", "family": "Sample", "given": "Kim"}
    try:
        known = {
            "tenant": "lakeside",
            "family": "Sample",
            "given": "Kim",
            "birth_date": "1990-01-01",
        }
        body = {"members": [member], "patients": [{**known, "sex": "female"}]}
        first = httpx2.post(f"{command.base_url}/_admin/people", json=body).json()
        assert first["members"] == 1
    finally:
        command.end(signal.SIGKILL)
    command = Command(tmp_path)
    try:
        again = httpx2.post(f"{command.base_url}/_admin/people", json=body).json()
        assert again == {"members": 0, "patients": first["patients"]}
    finally:
        assert command.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--faults", "odd=1"], "'odd' is no fault"),
        (["--tenants", "a b"], "names of letters"),
        (["--data", "/proc/nowhere"], "cannot write to /proc/nowhere"),
        (["--ready-file", "/proc/nowhere/ready"], "cannot write /proc/nowhere/ready"),
    ],
)
def test_wrong_option_gives_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cleargate.sandbox", "--data", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1
