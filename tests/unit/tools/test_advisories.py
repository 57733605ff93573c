"""tools/advisories.py with the real pip-audit, against a source of advisories on loopback."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.unit.tools.programs import TOOLS, TOOLS_PYTHON

pytestmark = pytest.mark.skipif(
    not TOOLS_PYTHON.exists(), reason="pip-audit is in .venv-tools, which `dev.py check` makes"
)

HASH = f"    --hash=sha256:{'0' * 64}\n"
LOCK = f"alpha==1.0 \\\n{HASH}beta==2.0 \\\n{HASH}gamma==3.0 ; sys_platform == 'win32' \\\n{HASH}"
HOLE = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "affected": [
        {
            "package": {"name": "beta", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}],
        }
    ],
}


@dataclass
class Source:
    """A source in OSV's form: what it says of whom, and the status it answers with."""

    holes: dict[str, object] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    answers_max: int = 1000
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def source() -> Iterator[Source]:
    """The source, listening until the test ends."""
    known = Source()

    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = question["package"]["name"]
            known.asked.append(name)
            away = len(known.asked) > known.answers_max
            body = json.dumps({"vulns": [known.holes[name]]} if name in known.holes else {})
            self.send_response(503 if away else known.statuses.get(name, 200))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        known.url = f"http://127.0.0.1:{server.server_port}/v1/query"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


@pytest.fixture
def audit(tmp_path):
    """Run the program, in a copy beside advisories that the test may write."""
    shutil.copytree(TOOLS, tmp_path / "tools")
    (tmp_path / "requirements.lock").write_text(LOCK)

    def run(url, ignored=""):
        (tmp_path / "tools" / "advisories.toml").write_text(f"[ignored]\n{ignored}\n")
        return subprocess.run(
            [TOOLS_PYTHON, tmp_path / "tools" / "advisories.py", tmp_path / "requirements.lock"],
            capture_output=True,
            text=True,
            timeout=60,
            env=dict(os.environ, PIP_AUDIT_OSV_URL=url, HOME=str(tmp_path)),
        )

    return run


def test_nothing_known_passes_after_every_pin_of_this_machine_was_asked_about(audit, source):
    done = audit(source.url)

    assert (done.returncode, done.stdout) == (0, "")
    assert set(source.asked) == {"pip", "alpha", "beta"}


def test_a_known_vulnerability_fails_and_says_the_way_out(audit, source):
    source.holes["beta"] = HOLE

    done = audit(source.url)

    assert done.returncode == 1
    assert done.stdout == (
        "VULNERABLE beta 2.0 (requirements.lock): PYSEC-2026-1, CVE-2026-1; take 2.1.\n"
    )


def test_an_advisory_that_was_looked_at_passes_by_any_of_its_names(audit, source):
    source.holes["beta"] = HOLE

    done = audit(source.url, '"CVE-2026-1" = { on = 2026-11-23, reason = "Never called." }')

    assert (done.returncode, done.stdout) == (0, "")


def test_an_ignored_advisory_without_a_reason_is_refused(audit, source):
    done = audit(source.url, '"CVE-2026-1" = { on = 2026-11-23, reason = "" }')

    assert done.returncode == 1
    assert done.stdout == "tools/advisories.toml ignores CVE-2026-1 without a date and a reason.\n"


def test_a_source_that_is_not_there_is_said_and_neither_passes_nor_fails(audit):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1/query"

    done = audit(url)

    assert done.returncode == 3
    assert done.stdout.startswith(f"not run: {url} cannot be reached")


def test_a_source_that_refuses_to_serve_is_not_run_either(audit, source):
    source.statuses["pip"] = 403

    done = audit(source.url)

    assert (done.returncode, done.stdout) == (3, f"not run: {source.url} answers 403\n")


def test_a_source_that_goes_away_in_the_middle_is_not_run(audit, source):
    source.answers_max = 2

    done = audit(source.url)

    assert (done.returncode, done.stdout) == (3, f"not run: {source.url} answers 503\n")


def test_an_audit_that_breaks_while_its_source_is_well_fails(audit, source):
    source.statuses["beta"] = 500

    done = audit(source.url)

    assert done.returncode == 1
    assert done.stdout.startswith("requirements.lock: pip-audit broke: ")


def test_no_source_elsewhere_is_asked_over_plain_http(audit):
    done = audit("http://osv.invalid/v1/query")

    assert done.returncode == 3
    assert "is neither https nor on this machine" in done.stdout
