"""`cleargate keys rotate-credential`: a vendor's new credential proven, and only then put to use.

The workers need not be told: whoever is refused reads the secrets again, and tries the old one too.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from cleargate import secret_stages
from cleargate.connection_table import ConnectionTable
from cleargate.connectors.wires.renewal import AtStage
from cleargate.connectors.wires.smart import new_key, public_keys
from cleargate.directory.practice import Profile
from cleargate.house import House
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import PracticeId
from cleargate.ports import SecretStore, Stage, VendorClient
from cleargate.secrets import ReferencedSecrets
from cleargate.store import credentials

MakeClient = Callable[[House, PracticeId, ConnectionTable, SecretStore], VendorClient]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Rotation:
    """One connection of one practice, and who changes its credential."""

    house: House
    profile: Profile
    table: ConnectionTable
    secrets: ReferencedSecrets
    actor: str

    def note(self, what: str, stage: Stage, outcome: str = "ok") -> None:
        with self.house.database.session(self.profile.id) as session:
            credentials.note(
                session, self.table.name, what, stage, actor=self.actor, outcome=outcome
            )


def rotate(
    house: House, practice: str, connection: str, make: MakeClient, *, actor: str, tell: Tell
) -> None:
    """Prove the credential to come and put it to use; the old one stays beside it.

    Refused, and nothing changed, when there is none yet or the vendor does not take it. May be
    broken off anywhere and run again.
    """
    rotation = _find(house, practice, connection, actor)
    new = _to_come(rotation)
    if not new:
        _begin(rotation, tell)
        return
    _prove(rotation, make, tell)
    for reference in new:
        left = secret_stages.promote(rotation.secrets, reference)
        rotation.note("left" if left else "rotated", Stage.NEXT)
        tell(f"{reference}: {left or 'the new one is in use, the old one is kept beside it'}.")
    tell(
        f"When {connection} has worked for a day, take the old one back at the vendor, and"
        f" then here: cleargate keys rotate-credential {connection} --forget-previous"
    )


def forget_previous(
    house: House, practice: str, connection: str, *, actor: str, tell: Tell
) -> None:
    """Take away what a connection signed in with before."""
    rotation = _find(house, practice, connection, actor)
    found = rotation.table.references
    gone = [each for each in found if secret_stages.forget_previous(rotation.secrets, each)]
    if not gone:
        raise Refused(f"{connection}: there is no file of an earlier secret.")
    rotation.note("forgotten", Stage.PREVIOUS)
    tell(f"The earlier secret of {connection} is gone.")


def _find(house: House, practice: str, connection: str, actor: str) -> _Rotation:
    profiles = [each for each in house.profiles.values() if practice in ("", each.slug)]
    if len(profiles) != 1:
        raise Refused("--practice: name one of this installation's practices.")
    settings = house.settings[profiles[0].id]
    tables = {each.name: each for _, each in settings.file.connections}
    if connection not in tables:
        raise Refused(f"there is no connection {connection}; there are: {', '.join(tables)}.")
    secrets = ReferencedSecrets(settings.path.parent)
    return _Rotation(house, profiles[0], tables[connection], secrets, actor)


def _to_come(rotation: _Rotation) -> list[str]:
    """The references beside which another secret stands."""
    secrets = rotation.secrets
    found = rotation.table.references
    if not found:
        raise Refused(f"{rotation.table.name} signs in with no secret.")
    return [
        each for each in found if secrets.staged(each, Stage.NEXT) not in (None, secrets.get(each))
    ]


def _begin(rotation: _Rotation, tell: Tell) -> None:
    """Make the new key where it is ours to make, else say where the vendor's new secret goes."""
    smart = rotation.table.settings.get("smart")
    if not isinstance(smart, dict) or "private_key" not in smart:
        ways = [
            secret_stages.where_next(rotation.secrets, each) for each in rotation.table.references
        ]
        raise Refused(f"get a new secret from the vendor and {', or '.join(ways)}; then run again.")
    key = new_key(_algorithm(smart))
    secret_stages.put_next(rotation.secrets, smart["private_key"], key)
    rotation.note("made", Stage.NEXT)
    tell("A new key is made. Register it with the EHR beside the old one, then run this again:")
    tell(public_keys(key, _algorithm(smart)))


def _show_key_again(rotation: _Rotation, tell: Tell) -> None:
    """A key of ours may be refused because nobody has registered it yet."""
    smart = rotation.table.settings.get("smart")
    if not isinstance(smart, dict):
        return
    key = rotation.secrets.staged(smart["private_key"], Stage.NEXT)
    if key is not None and key.startswith("{"):
        tell("The EHR does not know this key yet:")
        tell(public_keys(key, _algorithm(smart)))


def _algorithm(smart: dict[str, str]) -> str:
    return "ES384" if smart.get("algorithm") == "ES384" else "RS384"


def _prove(rotation: _Rotation, make: MakeClient, tell: Tell) -> None:
    """Sign in with the credential to come, where that costs nothing."""
    name = rotation.table.name
    staged = AtStage(rotation.secrets, Stage.NEXT)
    client = make(rotation.house, rotation.profile.id, rotation.table, staged)
    try:
        with closing(client):
            client.prove()
    except PortError as error:
        if error.kind is ErrorKind.UNSUPPORTED:
            tell(f"{name} has no free call: its next question proves the new credential. Should it")
            tell("be refused, the old one is used again, and an alert says so.")
            return
        if error.kind is ErrorKind.AUTH:
            rotation.note("refused", Stage.NEXT, "refused")
            _show_key_again(rotation, tell)
            raise Refused(
                f"{name} refuses the new credential ({error.vendor_code}): nothing was changed,"
                " the old one stays in use."
            ) from None
        raise Refused(
            f"{name} could not be asked ({error.vendor_code}): nothing was changed, try again."
        ) from None
    rotation.note("proven", Stage.NEXT)
    tell(f"{name} takes the new credential.")
