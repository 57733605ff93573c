"""The KMS key: it wraps and unwraps in one context, and its errors become ours without a value."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest

from cleargate.nouns.errors import BadSettings, KeyServiceDown, KeyServiceRefuses
from cleargate.store.database import Database
from cleargate.store.key_service import key_service
from cleargate.store.keyring import Keyring
from cleargate.store.kms import KmsKey
from tests.aws import fake_aws
from tests.house import House

DATA_KEY = b"data key of thirty-two bytes ...."


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with fake_aws():
        yield


@pytest.fixture
def key(_aws: None) -> str:
    made = boto3.client("kms").create_key()
    return str(made["KeyMetadata"]["KeyId"])


def test_what_was_wrapped_is_unwrapped_in_its_context_only(key: str) -> None:
    service = KmsKey(key)
    wrapped = service.wrap(DATA_KEY, "practice-1")
    assert DATA_KEY not in wrapped
    assert service.unwrap(wrapped, "practice-1") == DATA_KEY
    with pytest.raises(KeyServiceRefuses):
        service.unwrap(wrapped, "practice-2")


def test_what_another_key_wrapped_is_refused(key: str) -> None:
    other = str(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    with pytest.raises(KeyServiceRefuses, match="CLEARGATE_KMS_KEY"):
        KmsKey(key).unwrap(KmsKey(other).wrap(DATA_KEY, "practice-1"), "practice-1")


def test_a_key_is_named_by_its_alias_too(key: str) -> None:
    boto3.client("kms").create_alias(AliasName="alias/cleargate", TargetKeyId=key)
    service = KmsKey("alias/cleargate")
    assert service.unwrap(service.wrap(DATA_KEY, "engine"), "engine") == DATA_KEY
    assert service.name == "KMS key alias/cleargate"


def test_a_key_that_is_not_there_is_a_no() -> None:
    with pytest.raises(KeyServiceRefuses, match="NotFoundException") as caught:
        KmsKey("00000000-0000-0000-0000-000000000000").wrap(DATA_KEY, "practice-1")
    assert DATA_KEY.decode() not in str(caught.value)


def test_bytes_that_are_no_wrapped_key_are_a_no(key: str) -> None:
    with pytest.raises(KeyServiceRefuses):
        KmsKey(key).unwrap(b"nonsense", "practice-1")


def test_without_a_region_the_start_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BadSettings, match="AWS_DEFAULT_REGION"):
        KmsKey("alias/cleargate")


@pytest.mark.parametrize(("file", "kms"), [(None, ""), ("key", "alias/cleargate")])
def test_exactly_one_key_service_is_named(tmp_path: Path, file: str | None, kms: str) -> None:
    path = tmp_path / file if file else None
    with pytest.raises(BadSettings, match="either CLEARGATE_KEY_FILE or CLEARGATE_KMS_KEY"):
        key_service(path, kms)


def test_a_house_lives_on_a_kms_key(house: House, key: str) -> None:
    """A practice's first key, and every process after it."""
    sealed: list[bytes] = []
    for _ in range(2):
        database = Database(house.app_url, Keyring(key_service(None, key)))
        with database.session(house.practice) as session:
            sealed.append(session.sealer.seal(b"value", "t", "c", "row"))
            assert session.sealer.open(sealed[0], "t", "c", "row") == b"value"
        database.close()


class _Kms(BaseHTTPRequestHandler):
    """Answers every call with one error, as KMS does."""

    error = ""

    def do_POST(self) -> None:
        body = json.dumps({"__type": self.error, "message": "some value"}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def failing_kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Kms]]:
    """A KMS on loopback."""
    server = HTTPServer(("127.0.0.1", 0), _Kms)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{server.server_port}")
    yield _Kms
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ThrottlingException", KeyServiceDown),
        ("ExpiredTokenException", KeyServiceDown),
        ("KMSInternalException", KeyServiceDown),
        ("DependencyTimeoutException", KeyServiceDown),
        ("AccessDeniedException", KeyServiceRefuses),
        ("DisabledException", KeyServiceRefuses),
        ("KMSInvalidStateException", KeyServiceRefuses),
    ],
)
def test_what_passes_is_an_outage_and_what_does_not_is_a_no(
    failing_kms: type[_Kms], code: str, expected: type[KeyServiceDown]
) -> None:
    failing_kms.error = code
    with fake_aws(really=("kms",)), pytest.raises(KeyServiceDown) as caught:
        KmsKey("alias/cleargate").unwrap(b"wrapped", "practice-1")
    assert type(caught.value) is expected
    assert code in str(caught.value)
    assert "some value" not in str(caught.value)


def test_a_kms_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with fake_aws(really=("kms",)), pytest.raises(KeyServiceDown, match="by itself") as caught:
        KmsKey("alias/cleargate").unwrap(b"wrapped", "practice-1")
    assert type(caught.value) is KeyServiceDown
