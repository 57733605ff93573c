"""Every call is told to the recorder: what was to leave, what came, and whether it left at all."""

import hashlib
import threading
from dataclasses import astuple

import httpx2
import pytest

from cleargate.connectors.wires.http import Http, HttpSettings
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.outside import Left, OutsideCall
from tests.unit.connectors.parts import (
    NOW,
    Calls,
    FixedClock,
    Secrets,
    Unlimited,
    peer,
    read_request,
    reset,
    unused_port,
)

BODY = b"family=Testperson&birthdate=1990-02-28"
NEEDLES = ("Testperson", "1990-02-28", "MEMBER0001", "s3cret", "4711")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make(url: str, calls: Calls, *, transport=None, budget=None, **settings) -> Http:
    chosen = {"base_url": url, "deadline_s": 5, "connect_timeout_s": 2} | settings
    return Http(
        "ehr",
        HttpSettings(**chosen),
        secrets=Secrets(),
        budget=budget or Unlimited(),
        recorder=calls,
        clock=FixedClock(),
        transport=transport,
    )


def told(*handlers, content: bytes = BODY, **settings) -> OutsideCall:
    """The one call that a post over the wire is told as, whatever became of it."""
    calls = Calls()
    with peer(*handlers) as port:
        http = make(f"http://127.0.0.1:{port}", calls, **settings)
        try:
            http.call(
                "POST", f"{http.settings.base_url}/x", operation="ask", write=True, content=content
            )
        except PortError:
            pass
        finally:
            http.close()
    [call] = calls
    return call


def test_an_answered_call_has_the_digests_of_the_very_bytes():
    seen = []

    def handler(connection):
        seen.append(read_request(connection))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Request-Id: r-1\r\n\r\nMEMBER"
        )

    call = told(handler)
    [received] = seen
    assert call.digest_out == sha256(received.partition(b"\r\n\r\n")[2])
    assert call == OutsideCall(
        connection="ehr",
        operation="ask",
        host="127.0.0.1",
        started=NOW,
        duration_ms=call.duration_ms,
        outcome="200",
        left=Left.YES,
        bytes_out=len(BODY),
        bytes_in=6,
        digest_out=sha256(BODY),
        digest_in=sha256(b"MEMBER"),
        request_id="r-1",
    )
    assert call.started.tzinfo is not None
    assert 0 <= call.duration_ms < 5000


def test_without_a_body_the_address_is_what_was_told():
    seen = []

    def answer(request):
        seen.append(request.url.raw_path)
        return httpx2.Response(200)

    calls = Calls()
    http = make("https://ehr.example.test/fhir", calls, transport=httpx2.MockTransport(answer))
    http.call(
        "GET",
        f"{http.settings.base_url}/Patient/4711?name=Testpérson",
        operation="read:Patient",
        write=False,
    )
    [call] = calls
    assert seen == [b"/fhir/Patient/4711?name=Testp%C3%A9rson"]
    assert call.digest_out == sha256(seen[0])
    assert (call.host, call.operation) == ("ehr.example.test", "read:Patient")
    assert (call.bytes_in, call.digest_in) == (0, "")


def test_a_refusal_is_told_with_its_status():
    def handler(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\n{}")

    call = told(handler)
    assert (call.outcome, call.left, call.answered) == ("422", Left.YES, False)


def test_a_lost_answer_is_told_as_unsure():
    def handler(connection):
        read_request(connection)
        reset(connection)

    call = told(handler)
    assert (call.outcome, call.left, call.bytes_in) == ("connection_lost", Left.UNSURE, 0)
    assert call.digest_out == sha256(BODY)


def test_a_timeout_is_told_with_what_was_to_be_sent():
    over = threading.Event()

    def handler(connection):
        read_request(connection)
        over.wait(1)

    try:
        call = told(handler, deadline_s=0.3)
    finally:
        over.set()
    assert (call.outcome, call.left) == ("timeout", Left.UNSURE)
    assert (call.bytes_out, call.digest_out) == (len(BODY), sha256(BODY))
    assert call.duration_ms >= 300


def test_an_answer_that_breaks_off_is_told_as_far_as_it_came():
    def handler(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    call = told(handler)
    assert (call.outcome, call.left) == ("connection_lost", Left.YES)
    assert (call.bytes_in, call.digest_in) == (4, sha256(b"half"))


def test_an_answer_that_is_too_large_is_told_as_far_as_it_was_read():
    def handler(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2048\r\n\r\n" + b"x" * 2048)

    call = told(handler, answer_bytes_max=1024)
    assert (call.outcome, call.left) == ("answer_too_large", Left.YES)
    assert call.bytes_in > 1024


def test_a_refused_connection_is_told_as_not_left():
    calls = Calls()
    http = make(f"http://127.0.0.1:{unused_port()}", calls)
    with pytest.raises(PortError):
        http.call("POST", http.settings.base_url, operation="ask", write=True, content=BODY)
    [call] = calls
    assert (call.outcome, call.left) == ("connect_failed", Left.NO)
    assert call.digest_out == sha256(BODY)


def test_a_bug_of_ours_is_told_too():
    def breaks(request):
        raise RuntimeError

    calls = Calls()
    http = make("https://ehr.example.test", calls, transport=httpx2.MockTransport(breaks))
    with pytest.raises(RuntimeError):
        http.call("POST", http.settings.base_url, operation="ask", write=True)
    assert [(call.outcome, call.left) for call in calls] == [("program_error", Left.UNSURE)]


def test_what_our_own_budget_holds_back_is_no_call():
    class Spent:
        def take(self, connection):
            raise PortError(ErrorKind.RATE_LIMITED, connection, vendor_code="own_budget")

    calls = Calls()
    http = make("https://ehr.example.test", calls, budget=Spent())
    with pytest.raises(PortError):
        http.call("POST", http.settings.base_url, operation="ask", write=True)
    assert calls == []


@pytest.mark.parametrize("name", ["Patient/4711", "read:Patient/4711", "read:", "", "x" * 60])
def test_a_name_with_room_for_a_value_stops_the_call_before_it_leaves(name):
    sent, calls = [], Calls()
    http = make("https://ehr.example.test", calls, transport=httpx2.MockTransport(sent.append))
    with pytest.raises(ValueError, match=r"^an operation is a fixed name$"):
        http.call("GET", http.settings.base_url, operation=name, write=False)
    assert (sent, calls) == ([], [])


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_no_field_of_a_call_holds_a_value(status):
    """Not even when the vendor's answer, its headers or the address are full of them."""

    def answer(request):
        said = {"X-Request-Id": "Testperson MEMBER0001", "Location": "/Patient/4711"}
        return httpx2.Response(status, headers=said, content=b"Testperson 1990-02-28 MEMBER0001")

    calls = Calls()
    http = make("https://ehr.example.test", calls, transport=httpx2.MockTransport(answer))
    http.call(
        "POST",
        f"{http.settings.base_url}/Patient/4711?family=Testperson",
        operation="update:Patient",
        write=True,
        headers={"Authorization": "Bearer s3cret"},
        content=BODY,
    )
    told = repr([astuple(call) for call in calls])
    assert calls
    assert not [needle for needle in NEEDLES if needle in told]
