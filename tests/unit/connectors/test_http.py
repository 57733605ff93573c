import json
import ssl
import threading
import time
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest
from cryptography import x509
from pydantic import ValidationError

from cleargate.connectors.wires.http import Http, HttpSettings, kind_of
from cleargate.nouns.errors import ErrorKind, PortError
from tests.unit.connectors.certificates import self_signed
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

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def make(url: str = "http://127.0.0.1:1", *, transport=None, budget=None, **settings) -> Http:
    settings = {"base_url": url, "deadline_s": 5, "connect_timeout_s": 2} | settings
    return Http(
        "ehr",
        HttpSettings(**settings),
        secrets=Secrets({"env:KEY": "s3cret"}),
        budget=budget or Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        transport=transport,
    )


def fails(http: Http, *, write: bool, content: bytes = b"") -> PortError:
    with pytest.raises(PortError) as caught:
        http.call(
            "POST", f"{http.settings.base_url}/x", operation="x", write=write, content=content
        )
    http.close()
    return caught.value


def over(*handlers, write: bool, **settings) -> PortError:
    with peer(*handlers) as port:
        return fails(make(f"http://127.0.0.1:{port}", **settings), write=write)


@pytest.mark.parametrize("write", [True, False])
def test_a_refused_connection_can_be_tried_again_even_for_a_write(write):
    error = fails(make(f"http://127.0.0.1:{unused_port()}"), write=write)
    assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "connect_failed")


@pytest.mark.parametrize(
    ("write", "kind"), [(True, ErrorKind.AMBIGUOUS), (False, ErrorKind.RETRYABLE)]
)
class TestAfterTheRequestHadLeft:
    def test_a_reset_leaves_a_write_in_doubt(self, write, kind):
        def handler(connection):
            read_request(connection)
            reset(connection)

        assert over(handler, write=write).kind is kind

    def test_a_close_without_a_reply_leaves_a_write_in_doubt(self, write, kind):
        error = over(lambda connection: read_request(connection), write=write)
        assert (error.kind, error.vendor_code) == (kind, "connection_lost")

    def test_a_body_that_breaks_off_leaves_a_write_in_doubt(self, write, kind):
        def handler(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")

        assert over(handler, write=write).kind is kind

    def test_silence_ends_at_the_deadline(self, write, kind):
        def handler(connection):
            read_request(connection)
            connection.recv(1)

        error = over(handler, write=write, deadline_s=0.3)
        assert (error.kind, error.vendor_code) == (kind, "timeout")

    def test_a_kept_alive_connection_that_is_closed_under_a_request_counts_as_sent(
        self, write, kind
    ):
        def handler(connection):
            read_request(connection)
            connection.sendall(OK)
            read_request(connection)

        with peer(handler) as port:
            http = make(f"http://127.0.0.1:{port}")
            assert (
                http.call("GET", http.settings.base_url, operation="x", write=False).status == 200
            )
            assert fails(http, write=write).kind is kind


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_trickles_does_not_outlive_the_deadline(part):
    def handler(connection):
        read_request(connection)
        if part == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(400):
            connection.sendall(b"x" if part == "body" else b"H")
            time.sleep(0.05)

    began = time.monotonic()
    error = over(handler, write=False, deadline_s=0.5)
    assert error.vendor_code == "timeout"
    assert time.monotonic() - began < 10


def test_an_answer_over_the_limit_is_not_read_to_its_end():
    def handler(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x" * 1000)

    assert over(handler, write=False, answer_bytes_max=2048).vendor_code == "answer_too_large"


def test_a_redirect_is_an_answer_and_is_not_followed():
    seen = []

    def answer(request):
        seen.append(request.url)
        return httpx2.Response(302, headers={"Location": "http://127.0.0.1:9/elsewhere"})

    http = make(transport=httpx2.MockTransport(answer))
    reply = http.call("POST", http.settings.base_url, operation="x", write=True)
    assert (reply.status, len(seen)) == (302, 1)
    assert http.failure(reply, write=True).kind is ErrorKind.REJECTED


@pytest.mark.parametrize(
    ("status", "written", "read"),
    [
        (400, "rejected", "rejected"),
        (401, "auth", "auth"),
        (403, "auth", "auth"),
        (404, "rejected", "rejected"),
        (405, "unsupported", "unsupported"),
        (408, "ambiguous", "retryable"),
        (409, "conflict", "conflict"),
        (412, "conflict", "conflict"),
        (422, "rejected", "rejected"),
        (429, "rate_limited", "rate_limited"),
        (500, "ambiguous", "retryable"),
        (501, "unsupported", "unsupported"),
        (502, "ambiguous", "retryable"),
        (503, "ambiguous", "retryable"),
        (504, "ambiguous", "retryable"),
    ],
)
def test_every_status_says_what_happens_next(status, written, read):
    assert (kind_of(status, write=True), kind_of(status, write=False)) == (written, read)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("99999999", 86_400.0),
        ("soon", None),
        ("-3", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    answer = httpx2.Response(429, headers={"Retry-After": header, "X-Request-Id": "req-1"})
    http = make(transport=httpx2.MockTransport(lambda request: answer))
    reply = http.call("GET", http.settings.base_url, operation="x", write=False)
    error = http.failure(reply, write=False)
    assert (error.retry_after_s, error.request_id) == (seconds, "req-1")


def test_no_error_shows_what_was_sent_or_received():
    secret = b"Testperson 1987-02-20"

    def handler(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + secret + b"\r\n\r\n")

    with peer(handler) as port:
        error = fails(make(f"http://127.0.0.1:{port}"), write=True, content=secret)
    shown = repr(error) + json.dumps(vars(error)) + repr(error.__cause__)
    assert "Testperson" not in shown
    assert error.__suppress_context__


def test_no_address_is_logged_however_talkative_the_log(caplog):
    caplog.set_level("DEBUG")
    http = make(transport=httpx2.MockTransport(lambda request: httpx2.Response(200)))
    http.call("GET", f"{http.settings.base_url}/page?family=Testperson", operation="x", write=False)
    assert "Testperson" not in caplog.text


def tls_server(directory, *names):
    certificate, key = self_signed(directory, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def handler(connection):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            read_request(encrypted)
            encrypted.sendall(OK)

    return handler, certificate


class TestTls:
    def test_a_private_authority_is_trusted_by_its_file(self, tmp_path):
        handler, authority = tls_server(tmp_path)
        with peer(handler) as port:
            http = make(f"https://127.0.0.1:{port}", ca_file=authority)
            assert (
                http.call("GET", http.settings.base_url, operation="x", write=False).content
                == b"ok"
            )
            http.close()

    def test_an_unknown_authority_gets_nothing_and_nothing_is_in_doubt(self, tmp_path):
        handler, _ = tls_server(tmp_path)
        with peer(handler) as port:
            error = fails(make(f"https://127.0.0.1:{port}"), write=True)
        assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "tls_failed")

    def test_a_certificate_for_another_name_gets_nothing(self, tmp_path):
        handler, authority = tls_server(tmp_path, x509.DNSName("other.example.test"))
        with peer(handler) as port:
            error = fails(make(f"https://127.0.0.1:{port}", ca_file=authority), write=True)
        assert error.vendor_code == "tls_failed"


def test_a_request_id_in_which_a_value_could_hide_is_dropped():
    answer = httpx2.Response(500, headers={"X-Request-Id": "for Testperson, born 1987"})
    http = make(transport=httpx2.MockTransport(lambda request: answer))
    assert http.call("GET", http.settings.base_url, operation="x", write=False).request_id == ""


def test_at_most_so_many_calls_are_on_their_way_at_once():
    running, most, lock = 0, 0, threading.Lock()
    two_wait = threading.Barrier(2, timeout=20)

    def answer(request):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        two_wait.wait()
        with lock:
            running -= 1
        return httpx2.Response(200)

    http = make(transport=httpx2.MockTransport(answer), concurrency_max=2)
    threads = [
        threading.Thread(
            target=http.call,
            args=("GET", http.settings.base_url),
            kwargs={"operation": "x", "write": False},
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert most == 2


def test_a_call_that_finds_no_place_before_its_deadline_has_not_been_sent():
    entered, leave = threading.Event(), threading.Event()

    def answer(request):
        entered.set()
        leave.wait(20)
        return httpx2.Response(200)

    http = make(transport=httpx2.MockTransport(answer), concurrency_max=1, deadline_s=0.2)
    first = threading.Thread(
        target=http.call,
        args=("GET", http.settings.base_url),
        kwargs={"operation": "x", "write": True},
    )
    first.start()
    assert entered.wait(20)
    error = fails(http, write=True)
    leave.set()
    first.join(timeout=20)
    assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "busy")


def test_nothing_is_sent_when_the_budget_is_spent():
    class Spent:
        def take(self, connection):
            raise PortError(ErrorKind.RATE_LIMITED, connection, retry_after_s=60)

    sent = []
    http = make(transport=httpx2.MockTransport(sent.append), budget=Spent())
    error = fails(http, write=True)
    assert (error.kind, error.retry_after_s, sent) == (ErrorKind.RATE_LIMITED, 60, [])


def test_headers_of_the_settings_go_with_every_call_and_secrets_come_by_reference():
    seen = {}

    def answer(request):
        seen.update(request.headers)
        return httpx2.Response(200)

    http = make(
        transport=httpx2.MockTransport(answer),
        headers={"X-Practice": "riverside"},
        secret_headers={"Authorization": "env:KEY"},
    )
    http.call("GET", http.settings.base_url, operation="x", write=False)
    assert (seen["x-practice"], seen["authorization"]) == ("riverside", "s3cret")


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example.test/fhir",
        "https://user:word@ehr.example.test",
        "https://ehr.example.test/?a=1",
        "ehr.example.test",
        "ftp://127.0.0.1/",
    ],
)
def test_an_address_that_would_leak_is_refused(url):
    with pytest.raises(ValidationError, match="base_url"):
        HttpSettings(base_url=url, deadline_s=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_is_for_this_machine(host):
    assert HttpSettings(base_url=f"http://{host}:8080/fhir/", deadline_s=1).base_url.endswith(
        "/fhir"
    )
