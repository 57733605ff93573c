"""Every vendor's credentials: proven for nothing, and exchanged under way."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey

from cleargate.app import make_client, wire_practices
from cleargate.connectors.wires.renewal import Renewal, RenewedClearinghouse
from cleargate.directory.practice import Practice
from cleargate.house import House as Opened
from cleargate.house import open_house
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.patient import Contact, Name, PatientQuery
from cleargate.operations.credentials import forget_previous, rotate
from cleargate.ports import Stage, VendorClient
from cleargate.settings import Installation
from tests.conformance.clearinghouses import CLEARINGHOUSES, ClearinghouseCase, ask
from tests.conformance.conftest import KEY, TENANT, MessengerCase, SystemCase, new_ref
from tests.conformance.outside import World
from tests.conformance.test_clearinghouse import asked, member
from tests.house import House
from tests.trail import TRAIL
from tests.unit.connectors.test_renewal import Staged

FREE = {"availity", "optum", "pverify"}
"""Clearinghouses with a token, which costs nothing; of the others only a question tells."""


@pytest.fixture(autouse=True)
def _wired(world: World) -> None:
    world.told_elsewhere = True


def proof(client: VendorClient) -> str:
    """What a proof shows: ok, or the kind of its failure."""
    try:
        with closing(client):
            client.prove()
    except PortError as error:
        return str(error.kind)
    return "ok"


def test_a_clearinghouse_shows_for_nothing_whether_its_credential_is_good_or_says_that_it_cannot(
    desk: ClearinghouseCase,
) -> None:
    before = len(desk.world.ledger("questions"))
    free = any(desk.call.startswith(name) for name in FREE)
    shown = (proof(desk.make()), proof(desk.make(**desk.stranger)))
    assert shown == (("ok", "auth") if free else ("unsupported", "unsupported"))
    assert len(desk.world.ledger("questions")) == before, "nothing was asked"


def test_a_question_is_not_lost_to_a_password_that_has_just_been_exchanged(
    desk: ClearinghouseCase,
) -> None:
    staged, told = Staged(current="old", next="new"), []

    def build(secrets):
        return desk.make(**(desk.stranger if secrets.get("file:key") == "old" else {}))

    renewed = RenewedClearinghouse(Renewal(build, staged, told.append))
    inquiry = member(desk, "60054")
    with closing(renewed):
        answer = ask(renewed, inquiry, new_ref("ask"))
    assert answer.kind is desk.kind
    assert (told, asked(desk, inquiry)) == ([Stage.NEXT], 1)


def test_a_practice_system_and_a_mail_server_prove_it(
    practice: SystemCase, post: MessengerCase
) -> None:
    assert proof(practice.make()) == "ok"
    assert proof(post.make()) == ErrorKind.UNSUPPORTED, "it wants no sign-in"


PRACTICE = """
[practice]
slug = "sample-clinic"
name = "Sample Clinic"
npi = "1234567893"
phone = "+1 217 555 0100"
zone = "America/Chicago"

[[offices]]
code = "main"
name = "Main"
phone = "+1 217 555 0100"
line = "1 Sample Street"
city = "Springfield"
state = "IL"
zip = "62701"

[[providers]]
code = "sample"
name = "Dana Sample"
npi = "1234567893"
offices = ["main"]

[[visit_types]]
code = "eval"
name = "Evaluation"
duration_min = 60
providers = ["sample"]

[ehr]
name = "ehr"
vendor = "fhir"
[ehr.settings]
base_url = "{fhir}"
zone = "America/Chicago"
[ehr.settings.smart]
client_id = "cleargate"
private_key = "file:ehr-key"
key_id = "key-1"
algorithm = "ES384"
scope = "system/*.cruds"
token_url = "{token}"

[[clearinghouses]]
name = "optum"
vendor = "optum"
[clearinghouses.settings]
base_url = "{optum}"
client_id = "{client_id}"
client_secret = "file:optum-secret"

[[clearinghouses]]
name = "stedi"
vendor = "stedi_json"
[clearinghouses.settings]
base_url = "{stedi}"
api_key = "file:stedi-key"

[mail]
name = "mail"
vendor = "smtp"
[mail.settings]
host = "127.0.0.1"
port = 1
tls = "none"
sender = "desk@riverside.example.test"
"""


class Office:
    """An installation in the sandbox's world, and the person who looks after it."""

    def __init__(self, opened: Opened, folder: Path, house: House) -> None:
        self.opened, self.folder, self._house = opened, folder, house
        self.said: list[str] = []

    def keep(self, name: str, secret: str) -> None:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(secret)

    def kept(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text() if path.exists() else None

    def rotate(self, connection: str) -> None:
        rotate(self.opened, "", connection, make_client, actor="cli:sample", tell=self.said.append)

    def trail(self, connection: str) -> list[tuple[str, str, str, str]]:
        query = sa.text(
            f"select type, code, outcome, actor from {TRAIL} where practice_id = :practice"
            " and connection = :name and type like 'credential.%' order by recorded"
        )
        with self._house.session() as session:
            found = session.all(query, name=connection)
        return [(row["type"], row["code"], row["outcome"], row["actor"]) for row in found]


@contextmanager
def clinic_of(office: Office) -> Iterator[Practice]:
    """The practice as a worker has it."""
    (clinic,) = wire_practices(office.opened).values()
    yield clinic
    for client in (clinic.ehr, clinic.mail, *clinic.clearinghouses.values()):
        client.close()


@pytest.fixture
def office(house: House, world: World, tmp_path: Path) -> Iterator[Office]:
    with opened(house, world, tmp_path) as office:
        yield office


@contextmanager
def opened(house: House, world: World, tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "sample-clinic"
    folder.mkdir()
    tenant = world.ready["tenants"][TENANT]
    (folder / "practice.toml").write_text(
        PRACTICE.format(
            fhir=tenant["fhir"],
            token=tenant["token"],
            optum=world.ready["optum"]["url"],
            client_id=world.ready["optum"]["client_id"],
            stedi=world.ready["stedi"]["url"],
        )
    )
    installation = Installation(
        database_url=house.app_url, key_file=house.key_file, practices=tmp_path
    )
    opened = open_house(installation)
    office = Office(opened, folder, house)
    office.keep("ehr-key", KEY.as_pem(private=True).decode())
    office.keep("optum-secret", "the old one, which is not good any more")
    office.keep("stedi-key", world.ready["stedi"]["api_key"])
    yield office
    opened.database.close()


def test_without_a_new_secret_the_way_is_told(office: Office) -> None:
    with pytest.raises(Refused, match=r"optum-secret\.next \(mode 0600\)"):
        office.rotate("optum")
    with pytest.raises(Refused, match="there are: ehr, optum, stedi, mail"):
        office.rotate("nobody")
    with pytest.raises(Refused, match="signs in with no secret"):
        office.rotate("mail")


def test_a_new_secret_that_the_vendor_refuses_changes_nothing(office: Office) -> None:
    old = office.kept("optum-secret")
    office.keep("optum-secret.next", "wrong")
    with pytest.raises(Refused, match=r"refuses the new credential \(token:401\).*old one stays"):
        office.rotate("optum")
    assert (office.kept("optum-secret"), office.kept("optum-secret.next")) == (old, "wrong")
    assert office.trail("optum")[-1] == ("credential.refused", "next", "refused", "cli:sample")


def test_a_vendor_that_does_not_answer_changes_nothing(office: Office, world: World) -> None:
    office.keep("optum-secret.next", world.ready["optum"]["client_secret"])
    world.fail("optum:token", "500", 9)
    with pytest.raises(Refused, match=r"could not be asked .* try again"):
        office.rotate("optum")
    assert office.kept("optum-secret.previous") is None


def test_a_new_secret_is_proven_put_to_use_and_the_old_one_kept_until_told(
    office: Office, world: World
) -> None:
    old, new = office.kept("optum-secret"), world.ready["optum"]["client_secret"]
    office.keep("optum-secret.next", new)
    office.rotate("optum")
    assert office.kept("optum-secret") == new
    assert (office.kept("optum-secret.next"), office.kept("optum-secret.previous")) == (None, old)
    assert [each[0] for each in office.trail("optum")][-2:] == [
        "credential.proven",
        "credential.rotated",
    ]
    assert new not in "".join(office.said)
    forget_previous(office.opened, "", "optum", actor="cli:sample", tell=office.said.append)
    assert office.kept("optum-secret.previous") is None
    assert office.trail("optum")[-1][:2] == ("credential.forgotten", "previous")


def test_where_no_call_is_free_the_old_one_is_used_again_should_the_new_one_be_refused(
    office: Office, world: World
) -> None:
    desk = next(each for each in CLEARINGHOUSES if each.__name__ == "_stedi_json")(world)
    office.keep("stedi-key.next", "wrong, as only a question can tell")
    office.rotate("stedi")
    assert "has no free call" in " ".join(office.said)
    with clinic_of(office) as clinic:
        answer = ask(clinic.clearinghouses["stedi"], member(desk, "60054"), new_ref("ask"))
    assert answer.kind is desk.kind
    assert office.trail("stedi")[-1] == ("credential.used", "previous", "ok", "system")


def test_a_new_key_for_the_ehr_is_made_here_and_used_once_the_ehr_knows_it(
    office: Office, world: World
) -> None:
    office.rotate("ehr")
    assert (office.folder / "ehr-key.next").stat().st_mode & 0o777 == 0o600
    (public,) = json.loads(office.said[-1])["keys"]
    assert {"kty", "kid", "x", "y", "alg", "use", "crv"} == set(public)
    with pytest.raises(Refused, match="refuses the new credential"):
        office.rotate("ehr")
    assert json.loads(office.said[-1])["keys"] == [public], "shown again, not made again"
    old = KEY.as_dict(private=False) | {"kid": "key-1", "alg": "ES384", "use": "sig"}
    client = {"tenant": TENANT, "client_id": "cleargate", "jwks": {"keys": [old, public]}}
    world.admin("clients", client)
    office.rotate("ehr")
    assert ECKey.import_key(json.loads(office.kept("ehr-key") or "")).is_private
    contact = Contact(email="no@mail.example.test")
    nobody = PatientQuery(Name("Nobody", "Here"), date(1987, 2, 20), contact)
    with clinic_of(office) as clinic:
        assert list(clinic.ehr.find_patients(nobody)) == []
