"""Each fault befalls a naive client for real: an error, a lost effect or a double one."""

import json
import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from cleargate.nouns.errors import Refused
from cleargate.sandbox.faults import ANY_HTTP, Call, Fault, FaultPlan, Mix
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import whole
from cleargate.sandbox.world import SandboxOptions
from tests.unit.sandbox.peers import Peer, patient, question

CREATE = "ehr:riverside:create:Patient"


def patients(peer: Peer) -> int:
    return len(peer.ledger()["patients"])


def create_blindly(peer: Peer, tries: int = 2) -> int:
    """A client that sends the same again after any failure, as a retry switch does."""
    for _ in range(tries):
        try:
            if peer.create(patient()).status_code == 201:
                break
        except httpx2.TransportError:
            continue
    return patients(peer)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RESET_AFTER, httpx2.TransportError),
        (Fault.LOST_REPLY, httpx2.RemoteProtocolError),
        (Fault.TRUNCATED_BODY, httpx2.RemoteProtocolError),
    ],
)
def test_reply_lost_after_commit_fails_a_naive_client_and_doubles_for_a_blind_one(
    peer: Peer, fault: Fault, error: type[Exception]
) -> None:
    peer.plan(fault, CREATE, times=2)
    with pytest.raises(error):
        peer.create(patient())
    assert patients(peer) == 1
    assert create_blindly(peer) == 3
    kinds = [duplicate["kind"] for duplicate in peer.ledger()["duplicates"]]
    assert kinds == ["same_person"]


def test_500_says_no_although_it_was_done(peer: Peer) -> None:
    peer.plan(Fault.SERVER_ERROR, CREATE)
    assert peer.create(patient()).status_code == 500
    assert create_blindly(peer) == 2


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.HANG])
def test_failure_before_commit_loses_the_effect(peer: Peer, fault: Fault) -> None:
    peer.plan(fault, CREATE)
    with pytest.raises(httpx2.TransportError):
        peer.post(f"{peer.fhir}/Patient", json=patient(), timeout=0.3)
    assert patients(peer) == 0


def test_refused_connection_loses_the_effect(peer: Peer) -> None:
    peer.plan(Fault.REFUSED, "connect:http")
    with Peer(peer.sandbox) as stranger:
        with pytest.raises(httpx2.TransportError):
            stranger.get(f"{stranger.fhir}/metadata")
        assert stranger.get(f"{stranger.fhir}/metadata").status_code == 200


def test_the_sandboxs_own_pages_never_fail(peer: Peer) -> None:
    peer.plan(Fault.REFUSED, "connect:http")
    peer.plan(Fault.UNAVAILABLE, "*", times=99)
    with Peer(peer.sandbox) as stranger:
        for page in ("/_admin/health", "/mailbox", "/mailbox.json"):
            assert stranger.get(page).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.UNAUTHORIZED, 401), (Fault.TOO_MANY, 429), (Fault.UNAVAILABLE, 503)],
)
def test_refusing_status_loses_the_effect(peer: Peer, fault: Fault, status: int) -> None:
    peer.plan(fault, CREATE)
    answer = peer.create(patient())
    assert answer.status_code == status
    assert (answer.headers.get("Retry-After") == "1") == (fault is Fault.TOO_MANY)
    assert patients(peer) == 0


@pytest.mark.parametrize(("fault", "status"), [(Fault.CONFLICT, 409), (Fault.PRECONDITION, 412)])
def test_conflict_that_is_none_loses_the_slot(peer: Peer, fault: Fault, status: int) -> None:
    slot = peer.free_slot()
    peer.plan(fault, "ehr:riverside:update:Slot")
    assert peer.claim(slot, "a.claim.1").status_code == status
    assert peer.get(f"{peer.fhir}/Slot/{slot['id']}").json()["status"] == "free"


def test_malformed_reply_cannot_be_read_although_it_was_done(peer: Peer) -> None:
    peer.plan(Fault.MALFORMED, CREATE)
    answer = peer.create(patient())
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert patients(peer) == 1


def test_html_in_a_200_deceives_a_client_that_trusts_statuses(peer: Peer) -> None:
    peer.plan(Fault.HTML_200, CREATE)
    answer = peer.create(patient())
    assert answer.is_success
    assert answer.text.startswith("<!DOCTYPE html>")
    assert patients(peer) == 0


def test_truncated_271_keeps_its_envelope_and_loses_its_end(peer: Peer) -> None:
    peer.enrol()
    whole_answer = peer.ask_payer(question()).text
    peer.plan(Fault.TRUNCATED_271, "core:60054")
    answer = peer.ask_payer(question()).text
    assert "<ErrorCode>Success</ErrorCode>" in answer
    assert "IEA*" in whole_answer
    assert "IEA*" not in answer


def test_delay_exceeds_an_impatient_deadline_although_it_was_done(peer: Peer) -> None:
    body = {"fault": "delay", "match": CREATE, "delay_ms": 400}
    assert peer.post("/_admin/faults", json=body).status_code == 200
    with pytest.raises(httpx2.ReadTimeout):
        peer.post(f"{peer.fhir}/Patient", json=patient(), timeout=0.1)
    assert patients(peer) == 1


def send(peer: Peer) -> None:
    port = whole(peer.sandbox.ready, "smtp", "port")
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        mail = "Subject: Visit\r\nMessage-ID: <1@clinic.example.test>\r\n\r\nSee you.\r\n"
        smtp.sendmail("clinic@clinic.example.test", ["a@mail.example.test"], mail)


def test_smtp_451_loses_the_mail_of_a_naive_client(peer: Peer) -> None:
    peer.plan(Fault.SMTP_451, "smtp:data")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(peer)
    assert caught.value.smtp_code == 451
    assert peer.ledger()["mails"] == []


def test_smtp_lost_repeats_the_mail_of_a_blind_client(peer: Peer) -> None:
    peer.plan(Fault.SMTP_LOST, "smtp:data")
    with pytest.raises((smtplib.SMTPException, ConnectionError)):
        send(peer)
    send(peer)
    assert peer.ledger()["mail_repeats"] == 1


def test_refused_smtp_connection_loses_the_mail(peer: Peer) -> None:
    peer.plan(Fault.REFUSED, "connect:smtp")
    with pytest.raises((smtplib.SMTPException, ConnectionError)):
        send(peer)
    assert peer.ledger()["mails"] == []


def test_planned_fault_can_be_aimed_at_one_request(peer: Peer) -> None:
    peer.plan(Fault.UNAVAILABLE, CREATE, contains="Wilma")
    assert peer.create(patient()).status_code == 201
    assert peer.create(patient(given="Wilma")).status_code == 503
    assert peer.get("/_admin/faults").json() == {"mix": "none", "planned": [], "drawn": {"503": 1}}


def test_planned_faults_are_forgotten_on_request(peer: Peer) -> None:
    peer.plan(Fault.UNAVAILABLE, CREATE, times=9)
    peer.post("/_admin/faults", json={"clear": True})
    assert peer.create(patient()).status_code == 201


def test_mix_can_be_changed_while_it_runs(peer: Peer) -> None:
    peer.post("/_admin/faults", json={"mix": "503=1"})
    assert [peer.create(patient()).status_code for _ in range(3)] == [503, 503, 201]
    assert peer.post("/_admin/faults", json={"mix": "odd=1"}).status_code == 400


def test_general_delay_holds_every_reply(peer: Peer) -> None:
    peer.post("/_admin/faults", json={"mix": "delay_ms=50"})
    before = time.monotonic()
    peer.create(patient())
    assert time.monotonic() - before >= 0.05


@pytest.mark.parametrize(
    ("mix", "told"),
    [
        ("503=x", "'503=x' needs a number"),
        ("503=1.5", "'503=1.5' needs a number"),
        ("599=0.1", "'599' is no fault"),
        ("503=0.6,500=0.6", "more than 1"),
    ],
)
def test_wrong_mix_gives_one_plain_sentence(mix: str, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        Mix.parse(mix)
    assert "\n" not in str(caught.value)


def fates(seed: int, order: list[str]) -> dict[str, list[Fault | None]]:
    plan = FaultPlan(seed, Mix.parse("heavy"))
    drawn: dict[str, list[Fault | None]] = {}
    for subject in order:
        drawn.setdefault(subject, []).append(plan.draw(Call("n", subject, ANY_HTTP)).fault)
    return drawn


def test_fate_of_a_call_does_not_hang_on_the_order_of_others() -> None:
    one_by_one = [f"p{n}" for n in range(50) for _ in range(5)]
    interleaved = [f"p{n}" for _ in range(5) for n in reversed(range(50))]
    assert fates(7, one_by_one) == fates(7, interleaved)
    assert fates(7, one_by_one) != fates(8, one_by_one)


def test_one_subject_fails_at_most_twice_in_a_row() -> None:
    drawn = fates_of_one(Mix.parse("503=1"))
    assert drawn == [Fault.UNAVAILABLE, Fault.UNAVAILABLE, None] * 4


def test_one_subject_never_gets_two_401_in_a_row() -> None:
    assert fates_of_one(Mix.parse("401=1")) == [Fault.UNAUTHORIZED, None] * 6


def fates_of_one(mix: Mix) -> list[Fault | None]:
    plan = FaultPlan(7, mix)
    call = Call("n", "p", ANY_HTTP | {Fault.UNAUTHORIZED})
    return [plan.draw(call).fault for _ in range(12)]


def test_light_and_heavy_come_about_as_often_as_they_say() -> None:
    for name, low, high in (("none", 0, 0), ("light", 40, 80), ("heavy", 300, 500)):
        plan = FaultPlan(7, Mix.parse(name))
        calls = [Call("n", f"p{n}", ANY_HTTP) for n in range(2000)]
        assert low <= sum(plan.draw(call).fault is not None for call in calls) <= high


def test_slot_claim_is_about_the_patient_of_its_case(peer: Peer) -> None:
    peer.create(patient("cafe.patient.1", "Wilma"), "cafe.patient.1")
    slot = peer.free_slot()
    peer.plan(Fault.UNAVAILABLE, "ehr:riverside:update:Slot")
    assert peer.claim(slot, "cafe.claim.1").status_code == 503
    journal = peer.sandbox.options.data / "journal.jsonl"
    faults = [line for line in journal.read_text().splitlines() if '"kind":"fault"' in line]
    key = json.loads(faults[-1])["key"]
    assert key == "ehr:riverside:update:Slot|samplewright|wilma|1970-01-02"


def run_in_threads(sandbox: Sandbox, salt: str) -> tuple[list[str], int]:
    """Twelve clients at once, each trying until it is done; the faults' keys, and the patients."""

    def insist(number: int) -> None:
        ref = f"{salt}{number}.patient.1"
        with Peer(sandbox) as client:
            client.headers["Authorization"] = authorization
            for _ in range(20):
                with suppress(httpx2.TransportError):
                    if client.create(patient(ref, f"N{number}"), ref).status_code < 300:
                        return

    with Peer(sandbox) as peer:
        authorization = peer.sign_in().headers["Authorization"]
        peer.post("/_admin/faults", json={"mix": "503=0.2,500=0.2,reset_after_commit=0.2"})
        with ThreadPoolExecutor(6) as pool:
            order = range(12) if salt == "a" else reversed(range(12))
            list(pool.map(insist, order))
        journal = (sandbox.options.data / "journal.jsonl").read_text().splitlines()
        faults = [json.loads(line) for line in journal if '"kind":"fault"' in line]
        assert peer.ledger()["duplicates"] == []
        return sorted(f"{f['key']} {f['tries']} {f['fault']}" for f in faults), patients(peer)


def test_the_same_seed_gives_the_same_faults_to_threads_in_any_order(tmp_path: Path) -> None:
    runs = []
    for salt in ("a", "b"):
        options = SandboxOptions(tmp_path / salt, faults="none", tenants=("riverside",))
        with Sandbox(options) as sandbox:
            runs.append(run_in_threads(sandbox, salt))
    assert runs[0] == runs[1]
    assert runs[0][1] == 12
    assert len(runs[0][0]) > 5


def test_subject_of_a_case_is_its_patient_whatever_its_random_ref(peer: Peer) -> None:
    """Two runs with other Refs draw the same faults, because the subject is the person."""
    peer.post("/_admin/faults", json={"mix": "503=0.5"})

    def statuses(case: str, given: str) -> list[int]:
        told = patient(f"{case}.patient.1", given)
        return [peer.create(told, f"{case}.patient.1").status_code for _ in range(6)]

    first = statuses("aaaa", "Wilma")
    peer.post("/_admin/faults", json={"mix": "none"})
    assert set(first) <= {503, 201, 200}
    again = FaultPlan(7, Mix.parse("503=0.5"))
    call = Call(CREATE, "samplewright|wilma|1970-01-02", ANY_HTTP)
    assert [again.draw(call).fault is not None for _ in range(6)] == [s == 503 for s in first]
