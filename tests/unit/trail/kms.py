"""AWS KMS on loopback, as far as it signs: real HTTP, real keys, and its refusals."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
MESSAGE_BYTES_MAX = 4096
"""Source: KMS API reference, Sign."""


class Kms:
    """Its keys by id, and odd forms of some; `fault` is what calls get: "reset", or a code."""

    def __init__(self) -> None:
        seed = bytes(range(32))  # The same in every test of a house.
        self.keys: dict[str, PrivateKey] = {
            "ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        }
        self.forms: dict[str, bytes] = {}
        self.fault = ""

    def answer(self, call: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body."""
        key = self.keys.get(given["KeyId"])
        if self.fault:
            return 400, {"__type": self.fault, "message": "some value"}
        if key is None:
            return 400, {"__type": "NotFoundException", "message": "some value"}
        if call == "TrentService.GetPublicKey":
            der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            form = self.forms.get(given["KeyId"], der)
            return 200, {"PublicKey": base64.b64encode(form).decode()}
        assert call == "TrentService.Sign"
        message = base64.b64decode(given["Message"])
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            return 400, {"__type": "InvalidKeyUsageException", "message": "some value"}
        as_it_should = (given["SigningAlgorithm"], given["MessageType"]) == (
            "ED25519_SHA_512",
            "RAW",
        )
        if not as_it_should or not 0 < len(message) <= MESSAGE_BYTES_MAX:
            return 400, {"__type": "ValidationException", "message": "some value"}
        return 200, {"Signature": base64.b64encode(key.sign(message)).decode()}


@contextmanager
def kms_on_loopback() -> Iterator[tuple[Kms, str]]:
    """A KMS and its address."""
    kms = Kms()

    class Handler(BaseHTTPRequestHandler):
        timeout = 20

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert "AWS4-HMAC-SHA256" in self.headers["Authorization"]
            if kms.fault == "reset":
                self.close_connection = True
                return
            status, said = kms.answer(self.headers["X-Amz-Target"], given)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kms, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
