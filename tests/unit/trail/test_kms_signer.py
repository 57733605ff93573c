"""The signing key in KMS: what it signs is verified, and while it is away nothing is lost."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from structlog.testing import capture_logs

from cleargate.nouns.errors import BadSettings
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.roles import SEALER_ROLE
from cleargate.store.trail import TrailDatabase
from cleargate.trail.aws import KmsSigner
from cleargate.trail.places import signer
from cleargate.trail.sealer import Sealer
from cleargate.trail.verify import Given, Report, verify
from tests.aws import fake_aws
from tests.house import House
from tests.unit.trail.kms import Kms, kms_on_loopback


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    with kms_on_loopback() as (running, url):
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
        with fake_aws(really=("kms",)):
            yield running


@pytest.fixture
def sealing(house: House) -> Iterator[TrailDatabase]:
    with closing(TrailDatabase(house.as_role(SEALER_ROLE), "sealer")) as database:
        yield database


def write(house: House) -> None:
    with house.session() as session:
        audit.record(session, Event("case.view", Action.READ, "case", "x"))


def report(house: House, *keys: bytes) -> Report:
    with house.auditing() as database, database.session(house.practice) as session:
        return verify(session, Given(keys))


def test_what_kms_signs_is_verified_beside_what_a_key_file_signed(
    house: House, kms: Kms, sealing: TrailDatabase
) -> None:
    """After an exchange of keys both public keys are given, in whatever order."""
    write(house)
    house.seal()
    write(house)
    new = signer("kms:ed25519")
    assert Sealer(sealing, new, ()).round() == 1
    old = house.signing_key.public_key
    assert report(house, new.public_key, old).whole
    assert report(house, old, new.public_key).whole
    for known in (old, new.public_key):
        faults = report(house, known).faults
        assert "is not signed with this key" in faults[0].sentence


@pytest.mark.parametrize("kind", ["p256", "rsa", "unknown"])
def test_a_key_of_another_kind_is_refused_at_the_start(kms: Kms, kind: str) -> None:
    kms.keys["p256"] = ec.generate_private_key(ec.SECP256R1())
    kms.keys["unknown"] = kms.keys["ed25519"]
    kms.forms["unknown"] = b"a form that is not known yet"
    kms.keys["rsa"] = rsa.generate_private_key(65537, 2048)
    with pytest.raises(BadSettings, match="must be of the kind ECC_NIST_EDWARDS25519"):
        KmsSigner(kind)


@pytest.mark.parametrize("fault", ["reset", "AccessDeniedException"])
def test_a_key_that_cannot_be_asked_stops_the_start(kms: Kms, fault: str) -> None:
    kms.fault = fault
    with pytest.raises(BadSettings, match="the signing key in KMS cannot be used") as caught:
        KmsSigner("ed25519")
    assert "some value" not in str(caught.value)


def test_a_key_that_is_not_there_and_a_region_that_is_missing_stop_the_start(
    kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSettings, match="the signing key in KMS cannot be used"):
        KmsSigner("another")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BadSettings, match="NoRegionError"):
        KmsSigner("ed25519")


@pytest.mark.parametrize("fault", ["reset", "ThrottlingException", "KMSInternalException"])
def test_while_kms_is_away_it_is_told_and_the_sealing_goes_on_once_it_is_back(
    house: House, kms: Kms, sealing: TrailDatabase, fault: str
) -> None:
    key = KmsSigner("ed25519")
    sealer = Sealer(sealing, key, ())
    sealer.round()
    write(house)
    kms.fault = fault
    with capture_logs() as lines:
        assert sealer.round() == 0
    assert [(line["event"], line["code"]) for line in lines] == [("alert", "trail_not_sealed")]
    before = report(house, key.public_key)
    assert before.unsealed == 1
    kms.fault = ""
    assert sealer.round() == 1
    assert report(house, key.public_key).unsealed == 0


def test_an_alias_that_leads_to_another_key_seals_nothing_that_nobody_could_verify(
    house: House, kms: Kms, sealing: TrailDatabase
) -> None:
    first = kms.keys["ed25519"]
    key = KmsSigner("ed25519")
    kms.keys["ed25519"] = ed25519.Ed25519PrivateKey.generate()
    write(house)
    with capture_logs() as lines:
        assert Sealer(sealing, key, ()).round() == 0
    assert [line["code"] for line in lines] == ["trail_not_sealed"]
    kms.keys["ed25519"] = first
    assert Sealer(sealing, KmsSigner("ed25519"), ()).round() == 1
