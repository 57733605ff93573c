"""Keys, seals, backups and endings: broken in each way, told, and mended."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cleargate.house import House as Opened
from cleargate.operations import backup_folder
from cleargate.operations.backup_folder import Manifest
from cleargate.operations.doctor.keeping import backups, endings, keys, seals
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from tests.house import House
from tests.unit.operations.doctor.conftest import told, well


def _as_owner(house: House, statement: str, *values: object) -> None:
    """A change that only the owner can make; to the first practice's rows."""
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(house.practice),))
        owner.execute(statement.encode(), values)


def test_a_key_that_is_old_is_told(house: House, opened: Opened) -> None:
    with house.session():
        pass  # Its first use makes the practice's first key.
    assert well(keys(opened))
    age = "update data_keys set created_at = now() - interval '400 days'"
    _as_owner(house, age)
    [(what, way_out)] = told(keys(opened))
    assert what == "sample-clinic: the newest key is older than a year."
    assert "keys rotate" in way_out
    _as_owner(house, "update data_keys set created_at = now()")
    assert well(keys(opened))


def _event(house: House) -> None:
    for practice in (house.practice, house.other):
        with house.session(practice) as session:
            audit.record(session, Event("case.view", Action.READ, "case", "x"))


def test_events_that_wait_for_their_seal_are_told(
    house: House, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARGATE_ANCHORS", str(tmp_path))
    _event(house)
    _as_owner(house, "update audit_events set recorded = now() - interval '5 minutes'")
    said = dict(told(seals(opened)))
    [late] = [what for what in said if "wait for their seal" in what]
    assert late.startswith("sample-clinic: ")
    assert "audit seal" in said[late]
    house.seal()
    house.seal(house.other)
    assert well(seals(opened))


def test_a_trail_whose_trigger_is_off_is_told(
    house: House, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARGATE_ANCHORS", str(tmp_path))
    _event(house)
    house.seal()
    house.seal(house.other)
    _as_owner(house, "alter table audit_events disable trigger audit_stamp")
    assert any("trigger or its grants" in what for what, _ in told(seals(opened)))
    _as_owner(house, "alter table audit_events enable trigger audit_stamp")
    assert well(seals(opened))


def test_no_place_for_anchors_is_told(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARGATE_ANCHORS", raising=False)
    assert any("CLEARGATE_ANCHORS" in way_out for _, way_out in told(seals(opened)))


def _keep(folder: Path, age: timedelta, faults: tuple[str, ...] = ()) -> None:
    """A backup of that age, with a manifest that says how its test went."""
    made = datetime.now(UTC) - age
    name = f"sample-{int(age.total_seconds())}{backup_folder.SUFFIX}"
    (folder / name).write_bytes(b"x")
    backup_folder.describe(folder, Manifest(name, made, 1, "", verified=made, faults=faults))


def test_the_age_of_the_newest_good_backup_is_told(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARGATE_BACKUPS", raising=False)
    assert "names no folder" in told(backups(opened))[0][0]
    monkeypatch.setenv("CLEARGATE_BACKUPS", str(tmp_path))
    assert "There is no good backup" in told(backups(opened))[0][0]
    _keep(tmp_path, timedelta(hours=1), faults=("damaged",))
    assert "There is no good backup" in told(backups(opened))[0][0]
    _keep(tmp_path, timedelta(days=3))
    assert "is 3 days old" in told(backups(opened))[0][0]
    _keep(tmp_path, timedelta(hours=30))
    assert "older than a day" in told(backups(opened))[0][0]
    _keep(tmp_path, timedelta(hours=2))
    assert well(backups(opened))


@pytest.mark.parametrize(("days", "words"), [(6, "in 6 days"), (-2, "ended on")])
def test_what_ends_soon_or_has_ended_is_told(opened: Opened, days: int, words: str) -> None:
    assert well(endings(opened))
    practice, settings = next(iter(opened.settings.items()))
    last_day = date.today() + timedelta(days=days)  # noqa: DTZ011 - a day more or less is told too
    [clearinghouse, *others] = settings.file.clearinghouses
    ends = clearinghouse.model_copy(update={"credential_expires": last_day})
    changed = settings.file.model_copy(update={"clearinghouses": (ends, *others)})
    settings_ = type(settings)(settings.path, changed, settings.path.read_text())
    broken = replace(opened, settings={**opened.settings, practice: settings_})
    assert any(words in what or str(last_day) in what for what, _ in told(endings(broken)))
