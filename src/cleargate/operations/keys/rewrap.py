"""`cleargate keys rotate --key-file NEW`: every wrapped key under another master key, at once.

All or none: one transaction wraps every data key and the engine's key anew, and opens each again
before it commits. The order is such that a crash leaves one master key in force and no doubt which:

1. The new key file is made, if it is not there, and is on the disk. The former is in force.
2. The transaction commits. From this moment the new one is in force; `keys status` names it.
3. You set CLEARGATE_KEY_FILE (or CLEARGATE_KMS_KEY) to it and restart. Processes that run go on
   with the data keys that they hold, which have not changed; they can make no new ones.

Started again after a crash, the command finds either nothing done or everything. The former key
still opens what backups of before hold: keep it as long as them, elsewhere.
"""

from pathlib import Path

from rich.console import Console

from cleargate.operations.keys.vault import Vault
from cleargate.ports import KeyService
from cleargate.store import data_keys, key_changes, practices
from cleargate.store.key_service import key_service
from cleargate.store.keyfile import LocalKeyFile


def rewrap(vault: Vault, key_file: Path | None, kms_key: str, console: Console) -> int:
    """Put another master key in force, and say what to do next."""
    if key_file is not None:
        LocalKeyFile.create(key_file)
    new = key_service(key_file, kms_key)
    with vault.database.watching() as connection, key_changes.only_one(connection):
        done = key_changes.in_force(connection) == new.name
        count = 0 if done else _wrap_all(vault, new)
    if done:
        say = f"{new.name} is in force already; nothing was changed."
    else:
        say = f"{count} keys are wrapped by the {new.name} now, and by no other."
    setting = f"CLEARGATE_KEY_FILE={key_file}" if key_file else f"CLEARGATE_KMS_KEY={kms_key}"
    console.print(
        f"{say}\nNext: set {setting} and restart `serve` and `work`.\n"
        "Keep the former key, apart, as long as a backup that was made under it.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _wrap_all(vault: Vault, new: KeyService) -> int:
    """One transaction, in which nobody makes a key; gives how many there are."""
    with vault.database.across() as (connection, turn_to):
        data_keys.alone(connection)
        key_changes.rewrap_engine(connection, vault.keys, new)
        return 1 + sum(
            key_changes.rewrap(turn_to(each.id), vault.keys, new, vault.actor)
            for each in practices.known(connection)
        )
