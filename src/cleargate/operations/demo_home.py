"""The demo's home: database, keys, practices and staff, made once and found again.

Everything is synthetic. Nothing of it has a default password: each home makes its own.
"""

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from cleargate.engine import durable
from cleargate.house import keep_practices, open_house
from cleargate.nouns.errors import Refused
from cleargate.operations.processes import Ready
from cleargate.people.passwords import hash_of
from cleargate.settings import Installation
from cleargate.store import api_tokens, staff
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.links import token_hash
from cleargate.store.migrate import migrate, role_url
from cleargate.store.roles import APP_ROLE, AUDITOR_ROLE, OTHERS, SEALER_ROLE
from cleargate.trail.keys import SigningKey
from cleargate.trail.note import verifier_key

DEADLINE_S = 5
"""The demo's vendors are on this machine; a hung call should not hold its show for minutes."""

PRACTICES = {
    "riverside": ("Riverside Physical Therapy", "1234567893", "+1 217 555 0100", "America/Chicago"),
    "lakeside": ("Lakeside Rehab", "1245319599", "+1 212 555 0100", "America/New_York"),
}
STAFF = "frontdesk"


@dataclass(frozen=True, slots=True)
class DemoHome:
    """The folders and secrets of one demo."""

    data: Path

    def __post_init__(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self.data.chmod(0o755)
        except OSError as error:
            msg = f"the data directory {self.data} cannot be used ({error.strerror}); try --data"
            raise Refused(msg) from None
        LocalKeyFile.create(self.key_file)

    @property
    def key_file(self) -> Path:
        """The key that wraps the practices' data keys."""
        return self.data / "key"

    @property
    def practices(self) -> Path:
        """Where the practices' settings are."""
        return self.data / "practices"

    def secret(self, name: str) -> str:
        """A secret of this home, made on first use and kept with mode 0600."""
        path = self.data / name
        try:
            return path.read_text()
        except FileNotFoundError:
            value = secrets.token_urlsafe(12)
            write_private(path, value)
            return value

    def prepare_database(self, owner_url: str) -> str:
        """Bring the database to today's schema; gives the app role's URL."""
        password = self.secret("app-password")
        others = {role: self.secret(f"{role}-password") for role in OTHERS.values()}
        migrate(owner_url, password, others)
        durable.migrate(owner_url)
        return role_url(owner_url, APP_ROLE, password)

    def prepare_trail(self, owner_url: str) -> dict[str, str]:
        """The settings of who seals the trail and who verifies it; makes what they need."""
        key = self.data / "trail-key.pem"
        if not key.exists():
            SigningKey.create(key)
        self.anchors.mkdir(exist_ok=True)
        urls = {
            role: role_url(owner_url, role, self.secret(f"{role}-password"))
            for role in OTHERS.values()
        }
        return {
            "sealer_database_url": urls[SEALER_ROLE],
            "auditor_database_url": urls[AUDITOR_ROLE],
            "trail_key": str(key),
            "trail_public_key": verifier_key(SigningKey(key).public_key),
            "anchors": str(self.anchors),
        }

    @property
    def anchors(self) -> Path:
        """Where checkpoints of the trail are kept. Not elsewhere: this is a demo."""
        return self.data / "anchors"

    def write_practices(self, sandbox: Ready) -> None:
        """Write each practice's settings for the addresses that the sandbox has this time."""
        template = resources.files("cleargate.operations").joinpath("demo_practice.toml")
        text = template.read_text("utf-8")
        for slug, (name, npi, phone, zone) in PRACTICES.items():
            folder = self.practices / slug
            folder.mkdir(parents=True, exist_ok=True)
            tenant = sandbox["tenants"][slug]
            core = sandbox["clearinghouse"]
            (folder / "practice.toml").write_text(
                text.format(
                    slug=slug,
                    name=name,
                    npi=npi,
                    phone=phone,
                    zone=zone,
                    fhir=tenant["fhir"],
                    token=tenant["token"],
                    core=core["url"],
                    core_username=core["username"],
                    core_receiver=core["receiver_id"],
                    smtp_host=sandbox["smtp"]["host"],
                    smtp_port=sandbox["smtp"]["port"],
                    deadline_s=DEADLINE_S,
                )
            )
            write_private(folder / "clearinghouse-password", core["password"])
            self._register_client(folder, slug, sandbox["base_url"])

    def _register_client(self, folder: Path, slug: str, sandbox_url: str) -> None:
        """Let the practice's EHR know our key, as an administrator there would."""
        path = folder / "ehr-key.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP384R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            write_private(path, pem.decode())
        public = ECKey.import_key(path.read_text()).as_dict(private=False)
        jwk = {**public, "kid": "demo", "alg": "ES384", "use": "sig"}
        body = {"tenant": slug, "client_id": "cleargate-demo", "jwks": {"keys": [jwk]}}
        httpx2.post(f"{sandbox_url}/_admin/clients", json=body).raise_for_status()

    def seed(self, installation: Installation) -> None:
        """Make the practices, a staff member for each, and an API token for each."""
        house = open_house(installation)
        keep_practices(house)
        for profile in house.profiles.values():
            password = hash_of(self.secret("staff-password"))
            token = self.secret(f"api-token-{profile.slug}")
            with house.database.session(profile.id) as session:
                staff.add(session, STAFF, "Robin Frontdesk", password)
                api_tokens.keep(session, token_hash(token), "demo")
        house.database.close()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def remembered_port(data: Path, name: str) -> int:
    """The port that a server of this demo had last time, so that old links still lead there."""
    try:
        ports: dict[str, int] = json.loads((data / "ports.json").read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return ports.get(name, 0)


def discard(data: Path) -> None:
    """Take away a demo that has ended, its database included."""
    if data.exists():
        shutil.rmtree(embedded(data).home, ignore_errors=True)
        shutil.rmtree(data)


def embedded(data: Path) -> EmbeddedPostgres:
    """The demo's own database server."""
    return EmbeddedPostgres(data / "postgres")
