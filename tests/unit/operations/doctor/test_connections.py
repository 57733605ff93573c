"""Lines to vendors and to our own pages: a real listener on loopback for each way to be wrong."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cleargate.app import connections
from cleargate.house import House as Opened
from cleargate.house import Wire
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.operations.doctor.clock import compared
from cleargate.operations.doctor.connections import connection_checks, encryption
from cleargate.operations.doctor.examine import examine
from cleargate.operations.doctor.finding import Finding, Level
from cleargate.operations.doctor.pages import pages
from cleargate.operations.doctor.tls import takes_old_tls
from cleargate.ports import Encryption, Line
from tests.unit.connectors.certificates import self_signed
from tests.unit.operations.doctor.conftest import told, well

NOW = datetime.now(UTC)


class _Pages(BaseHTTPRequestHandler):
    """Answers with the time that its server believes it is."""

    def do_HEAD(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.server.skew))  # type: ignore[attr-defined]
        self.end_headers()


@contextmanager
def listening(
    folder: Path,
    *,
    skew: timedelta = timedelta(0),
    prepare: Callable[[ssl.SSLContext], None] | None = None,
) -> Iterator[Line]:
    """An HTTPS server with a certificate of one day; `prepare` changes how it is encrypted."""
    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if prepare is not None:
        prepare(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.skew = skew  # type: ignore[attr-defined]
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Line("127.0.0.1", server.server_address[1], Encryption.TLS, certificate)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _old(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def test_a_certificate_that_ends_tomorrow_is_told(tmp_path: Path) -> None:
    with listening(tmp_path) as line:
        findings = list(encryption("the line", line))
    assert [each.level for each in findings] == [Level.OK, Level.WRONG, Level.OK]
    assert findings[0].what == "The line is encrypted with TLSv1.3."
    assert findings[1].what == "The line: the certificate ends in 0 days."
    assert "renews it now" in findings[1].way_out
    assert findings[2].what == "The clock agrees with that of 127.0.0.1."


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    with listening(tmp_path) as line:
        [(what, way_out)] = told(encryption("the line", replace(line, ca_file=None)))
    assert what.startswith("The line: the certificate is not good (self-signed certificate")
    assert "Nothing is sent there" in way_out


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_line_that_knows_no_encryption_of_today_is_told(tmp_path: Path) -> None:
    with listening(tmp_path, prepare=_old) as line:
        [(what, _)] = told(encryption("the line", line))
    assert what == "The line: no encryption of today was agreed on (TLS 1.2 or later)."


def test_a_port_at_which_nobody_listens_is_told() -> None:
    [(what, way_out)] = told(encryption("the line", Line("127.0.0.1", 9, Encryption.TLS)))
    assert what == "The line: nobody answers on port 9 (ConnectionRefusedError)."
    assert "firewall" in way_out


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_is_told(tmp_path: Path, hours: int) -> None:
    with listening(tmp_path, skew=timedelta(hours=hours)) as line:
        found = told(encryption("the line", line))
    assert "The clock of this machine and that of 127.0.0.1 are 60 minutes apart." in dict(found)
    assert compared("it", NOW, NOW).level is Level.OK
    assert "26 hours" in compared("it", NOW + timedelta(hours=26), NOW).what


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_whether_old_encryption_is_taken_is_seen_from_the_first_answer(tmp_path: Path) -> None:
    with listening(tmp_path, prepare=_old) as line:
        assert takes_old_tls(line.host, line.port)
    with listening(tmp_path) as line:
        assert not takes_old_tls(line.host, line.port)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_our_own_pages_are_looked_at_as_a_browser_would(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(url: str) -> Opened:
        public = opened.installation.model_copy(update={"public_url": url})
        return replace(opened, installation=public)

    assert well(pages(opened))
    [(plain, way_out)] = told(pages(at("http://book.example.test")))
    assert plain == "The pages are not encrypted on their way to patients."
    assert "https://" in way_out

    def both(context: ssl.SSLContext) -> None:
        _old(context)
        context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED

    with listening(tmp_path, prepare=both) as line:
        monkeypatch.setenv("SSL_CERT_FILE", str(line.ca_file))
        found = dict(told(pages(at(f"https://127.0.0.1:{line.port}"))))
    assert any("TLS 1.1 or 1.0, which are broken" in each for each in found)
    with listening(tmp_path) as line:
        monkeypatch.setenv("SSL_CERT_FILE", str(line.ca_file))
        whats = [each.what for each in pages(at(f"https://127.0.0.1:{line.port}"))]
    assert "The pages refuse TLS 1.1 and 1.0." in whats


class _Access:
    """A vendor's client, as far as the doctor sees it."""

    lines = (Line("127.0.0.1", 9, Encryption.NONE),)

    def __init__(self, outcome: bool | PortError) -> None:
        self._outcome = outcome

    def prove(self) -> None:
        if isinstance(self._outcome, PortError):
            raise self._outcome
        if not self._outcome:
            raise PortError(ErrorKind.UNSUPPORTED, "sample")

    def close(self) -> None:
        pass


def _looked(opened: Opened, wire: Wire) -> list[Finding]:
    [report] = examine(opened, connection_checks([wire]))
    assert report.check == "sample-clinic/ehr"
    return list(report.findings)


def _wire(
    opened: Opened, outcome: bool | PortError = True, baa_signed: date | None = None, host: str = ""
) -> Wire:
    first = next(each for each in connections(opened) if each.practice == "sample-clinic")
    table = first.table.model_copy(
        update={"baa_signed": baa_signed, "settings": {"base_url": host or "http://127.0.0.1"}}
    )
    return Wire(first.practice, table, lambda: _Access(outcome))


def test_every_connection_of_every_practice_is_looked_at(opened: Opened) -> None:
    names = [each.name for each in connection_checks(connections(opened))]
    assert names == [
        f"{slug}/{name}"
        for slug in ("other-clinic", "sample-clinic")
        for name in ("ehr", "clearinghouse", "mail")
    ]


def test_an_agreement_is_missing_to_come_or_there(opened: Opened) -> None:
    far = "https://ehr.example.test"
    [(missing, way_out)] = told(_looked(opened, _wire(opened, host=far)))
    assert missing.startswith("There is no date of a business associate agreement")
    assert "baa_signed" in way_out
    [(early, _)] = told(_looked(opened, _wire(opened, baa_signed=date(2999, 1, 1), host=far)))
    assert early.endswith("2999-01-01, which is still to come.")
    assert well(_looked(opened, _wire(opened, baa_signed=date(2026, 1, 5), host=far)))
    assert well(_looked(opened, _wire(opened)))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (
            PortError(ErrorKind.AUTH, "ehr", vendor_code="token:401"),
            "does not let us in (token:401)",
        ),
        (
            PortError(ErrorKind.RETRYABLE, "ehr", vendor_code="timeout"),
            "cannot be tried (retryable",
        ),
    ],
)
def test_credentials_that_do_not_work_are_told(
    opened: Opened, outcome: PortError, said: str
) -> None:
    [(what, _)] = told(_looked(opened, _wire(opened, outcome)))
    assert said in what


def test_where_only_a_paid_question_shows_it_is_said_so(opened: Opened) -> None:
    findings = _looked(opened, _wire(opened, False))
    assert well(findings)
    assert "was not tried" in findings[-1].what


def test_a_connection_whose_settings_are_wrong_is_told_and_stops_no_other(opened: Opened) -> None:
    def refuses() -> _Access:
        raise BadSettings("practice.toml:41: ehr.settings: the secret file:gone is not there")

    wire = replace(_wire(opened), build=refuses)
    broken, fine = examine(opened, connection_checks([wire, _wire(opened)]))
    assert told(broken.findings)[0][0].startswith("practice.toml:41")
    assert well(fine.findings)
