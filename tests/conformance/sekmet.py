"""A FHIR R4 server that nobody here wrote, run beside the tests where it is installed.

sekmet-fhir is no dependency of ours: CONTRIBUTING.md says how to let these tests find it.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import httpx2

_found = shutil.which(os.environ.get("CLEARGATE_SEKMET") or "sekmet")
EXECUTABLE = str(Path(_found).absolute()) if _found else ""
START_LIMIT_S = 60


@dataclass(frozen=True)
class Sekmet:
    """A running server. `desk` is somebody who works at it: by a token of its own, not by ours."""

    base: str
    folder: Path
    desk: httpx2.Client

    def workflow(self, name: str, **arguments: str) -> dict:
        """Let its own software do a piece of hospital work, over HTTP as another client."""
        command = [EXECUTABLE, "workflow", "run", name, "-t", "rest:self", "-c", "settings.yaml"]
        for each in arguments.items():
            command += ["-a", "=".join(each)]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=START_LIMIT_S
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def put(self, kind: str, record_id: str, **members) -> dict:
        return self.replace({"resourceType": kind, "id": record_id, **members})

    def replace(self, resource: dict) -> dict:
        url = f"{self.base}/{resource['resourceType']}/{resource['id']}"
        answer = self.desk.put(url, json=resource)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def delete(self, kind: str, record_id: str) -> None:
        answer = self.desk.delete(f"{self.base}/{kind}/{record_id}")
        assert answer.status_code < 300, answer.text

    def get(self, kind: str, record_id: str) -> dict:
        answer = self.desk.get(f"{self.base}/{kind}/{record_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, kind: str, **parameters: str) -> list[dict]:
        answer = self.desk.get(f"{self.base}/{kind}", params=parameters | {"_count": "1000"})
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    def traffic(self) -> list[tuple[str, str, int]]:
        """What was asked of it, in order: method, address and the status of the answer."""
        with closing(sqlite3.connect(self.folder / "data" / "sekmet.db")) as database:
            found = database.execute("SELECT method, url, status FROM traffic ORDER BY id")
            return list(found.fetchall())


@contextmanager
def key_page(jwks: dict) -> Iterator[str]:
    """Our public keys at an address, as a server that registered us by `jwks_url` asks for them."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(jwks).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            server.shutdown()
            thread.join(timeout=20)


@contextmanager
def running(folder: Path, port: int, clients: list[dict], **settings) -> Iterator[Sekmet]:
    """A server with its data in `folder`, which ends with the block."""
    desk_token = uuid4().hex
    base = f"http://127.0.0.1:{port}/fhir"
    auth = {"types": ["smart", "bearer"], "tokens": [desk_token], "smart_clients": clients}
    chosen = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": "data",
        "server_auth": auth,
        "simulator": {"enabled": False},
    }
    # JSON is YAML, so that we need no library to write it.
    (folder / "settings.yaml").write_text(json.dumps(chosen | settings))
    command = [EXECUTABLE, "serve", "-c", "settings.yaml"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        headers = {"Authorization": f"Bearer {desk_token}"}
        with httpx2.Client(headers=headers, trust_env=False, timeout=20) as desk:
            _wait_for(process, desk, f"{base}/metadata", folder / "serve.log")
            yield Sekmet(base, folder, desk)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


def _wait_for(process: subprocess.Popen, desk: httpx2.Client, url: str, log: Path) -> None:
    ends = time.monotonic() + START_LIMIT_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            if desk.get(url).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"sekmet did not start:\n{log.read_text()[-2000:]}")
