"""Somebody rewrites the trail: as the app role it is refused, as superuser it is found.

Each attack is what docs/hipaa.md names. The superuser of the cluster stands for whoever owns the
database server; the insider also holds the key that signs checkpoints.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from rich.console import Console

from cleargate.nouns.errors import Refused
from cleargate.operations.trail_checkpoint import print_checkpoints
from cleargate.operations.trail_verify import VerifyOptions, verify_trail
from cleargate.settings import TrailSettings
from cleargate.store import audit, trail
from cleargate.store.audit import Action, Event
from cleargate.store.embedded import SUPERUSER, EmbeddedPostgres
from cleargate.store.migrate import role_url
from cleargate.store.roles import AUDITOR_ROLE, SEALER_ROLE
from cleargate.trail.anchors import FileAnchor, read_anchors
from cleargate.trail.note import Checkpoint, sign, verifier_key
from cleargate.trail.tree import Range, leaf_hash
from cleargate.trail.verify import Given, Report, verify
from tests.house import House, open_house
from tests.postgres import connect

EVENTS = 12


@dataclass(frozen=True)
class Crime:
    """One house with a sealed and anchored trail, and what its log named."""

    cluster: EmbeddedPostgres
    house: House
    anchors: Path
    logged: list[UUID]

    def report(self, *, against: bool = True, logged: bool = False) -> Report:
        """What a verification finds."""
        practice = self.house.practice
        anchored = read_anchors(self.anchors, practice) if against else []
        key = self.house.signing_key.public_key
        given = Given([key], anchored, self.logged if logged else [], against)
        with self.house.auditing() as database, database.session(practice) as session:
            return verify(session, given)

    def write(self, count: int) -> list[UUID]:
        """Some more events, as everyday work makes them."""
        written = []
        for number in range(count):
            with self.house.session() as session:
                event = Event("case.view", Action.READ, "case", f"sample-{number}", actor="staff")
                written.append(audit.record(session, event))
        self.logged.extend(written)
        return written

    def seal(self) -> None:
        """Seal, and anchor the newest checkpoint."""
        self.house.seal()
        practice = self.house.practice
        with self.house.auditing() as database, database.session(practice) as session:
            newest = trail.newest(session)
        assert newest is not None
        FileAnchor(self.anchors).keep(practice, newest.note)

    def superuser(self) -> psycopg.Connection:
        """Whoever owns the server: no policy, no grant, no trigger holds them back."""
        password = (self.cluster.home / "passwords" / SUPERUSER).read_text()
        return connect(role_url(self.house.owner_url, SUPERUSER, password))

    def event(self, position: int) -> UUID:
        """The event at a place."""
        with self.house.auditing() as database, database.session(self.house.practice) as session:
            [leaf] = trail.leaves(session, position, position + 1)
            return leaf.event


@pytest.fixture
def crime(
    cluster: EmbeddedPostgres, template: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Crime]:
    """Twelve events, sealed in three rounds, the last two of them anchored."""
    (tmp_path / "anchors").mkdir()
    with open_house(cluster, template, "trail_attacks", tmp_path / "key") as house:
        crime = Crime(cluster, house, tmp_path / "anchors", [])
        crime.write(EVENTS // 3)
        house.seal()
        crime.write(EVENTS // 3)
        crime.seal()
        crime.write(EVENTS // 3)
        crime.seal()
        yield crime


def test_a_trail_that_nobody_touched_is_whole(crime: Crime) -> None:
    report = crime.report(logged=True)
    assert (report.faults, report.events, report.checkpoints) == ([], EVENTS, 3)
    assert (report.anchors, report.unsealed) == (2, 0)


# -- as the app role, and as the other roles of ours: refused


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_events set body = '{}'",
        "update audit_events set leaf = leaf",
        "delete from audit_events",
        "truncate audit_events",
        "alter table audit_events disable trigger audit_stamp",
        "drop trigger audit_stamp on audit_events",
        "create or replace function audit_stamp() returns trigger language plpgsql as"
        " 'begin return new; end'",
        "set session_replication_role = replica",
        "update audit_leaves set position = 0",
        "delete from audit_leaves",
        "insert into audit_leaves values (gen_random_uuid(), 0, '1', gen_random_uuid(), '')",
        "update audit_checkpoints set note = ''",
        "delete from audit_checkpoints",
        "insert into audit_checkpoints values (gen_random_uuid(), 1, '', '', 1, '1')",
    ],
)
def test_the_app_role_rewrites_nothing(crime: Crime, statement: str) -> None:
    with connect(crime.house.app_url) as app, pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.encode())
    assert crime.report().whole


@pytest.mark.parametrize(
    "statement",
    [
        "select body from audit_events",
        "insert into audit_events (practice_id, id, body) values (gen_random_uuid(),"
        " gen_random_uuid(), '{}')",
        "delete from audit_events",
        "update audit_leaves set position = 0",
        "delete from audit_leaves",
        "update audit_checkpoints set note = ''",
        "delete from audit_checkpoints",
        "select * from cases",
        "select * from data_keys",
    ],
)
def test_the_sealer_adds_seals_and_does_nothing_else(crime: Crime, statement: str) -> None:
    sealer = connect(crime.house.as_role(SEALER_ROLE))
    with sealer, pytest.raises(errors.InsufficientPrivilege):
        sealer.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_events set body = ''",
        "delete from audit_events",
        "delete from audit_leaves",
        "update audit_checkpoints set note = ''",
        "select * from cases",
        "select * from data_keys",
    ],
)
def test_the_auditor_reads_and_adds_that_it_did(crime: Crime, statement: str) -> None:
    auditor = connect(crime.house.as_role(AUDITOR_ROLE))
    with auditor, pytest.raises(errors.InsufficientPrivilege):
        auditor.execute(statement.encode())


# -- as superuser: found


Attack = Callable[[Crime, psycopg.Connection], None]


def _edit(crime: Crime, root: psycopg.Connection) -> None:
    root.execute(
        "update audit_events set body = replace(body, 'staff', 'nobody') where id = %s",
        (crime.event(5),),
    )


def _edit_with_leaf(crime: Crime, root: psycopg.Connection) -> None:
    _edit(crime, root)
    root.execute(
        "update audit_events set leaf = sha256('\\x00'::bytea || convert_to(body, 'UTF8'))"
        " where id = %s",
        (crime.event(5),),
    )


def _edit_with_leaf_and_seal(crime: Crime, root: psycopg.Connection) -> None:
    _edit_with_leaf(crime, root)
    root.execute(
        "update audit_leaves l set leaf = e.leaf from audit_events e"
        " where e.id = l.event_id and l.position = 5"
    )


def _delete(crime: Crime, root: psycopg.Connection) -> None:
    root.execute("delete from audit_events where id = %s", (crime.event(5),))


def _delete_with_seal(crime: Crime, root: psycopg.Connection) -> None:
    _delete(crime, root)
    root.execute("delete from audit_leaves where position = 5")


def _delete_and_renumber(crime: Crime, root: psycopg.Connection) -> None:
    _delete_with_seal(crime, root)
    for position in range(6, EVENTS):
        root.execute(
            "update audit_leaves set position = %s where position = %s", (position - 1, position)
        )


def _reorder(crime: Crime, root: psycopg.Connection) -> None:
    for old, new in ((5, 99), (6, 5), (99, 6)):
        root.execute("update audit_leaves set position = %s where position = %s", (new, old))


def _exchange_ids(crime: Crime, root: psycopg.Connection) -> None:
    first, second, spare = crime.event(5), crime.event(6), UUID(int=1)
    for old, new in ((first, spare), (second, first), (spare, second)):
        root.execute("update audit_events set id = %s where id = %s", (new, old))


def _forge_a_checkpoint(crime: Crime, root: psycopg.Connection) -> None:
    root.execute("update audit_checkpoints set note = replace(note, '8', '9') where size = 8")


def _drop_the_last_checkpoint(crime: Crime, root: psycopg.Connection) -> None:
    root.execute(f"delete from audit_checkpoints where size = {EVENTS}".encode())


FOUND: dict[str, tuple[Attack, int, str]] = {
    "edit": (_edit, 5, "was changed"),
    "edit with leaf": (_edit_with_leaf, 5, "was changed"),
    "edit with leaf and seal": (_edit_with_leaf_and_seal, 4, "events 4 to 7"),
    "delete": (_delete, 5, "is gone"),
    "delete with seal": (_delete_with_seal, 5, "seal of this place is gone"),
    "renumber": (_delete_and_renumber, 4, "events 4 to 7"),
    "reorder": (_reorder, 4, "events 4 to 7"),
    "exchange ids": (_exchange_ids, 5, "is gone"),
    "forge a checkpoint": (_forge_a_checkpoint, -1, "not signed with this key"),
    "drop the last checkpoint": (_drop_the_last_checkpoint, 8, "no checkpoint covers"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_superuser_s_attack_is_found_in_the_database_alone(crime: Crime, name: str) -> None:
    """And the first fault says where."""
    attack, position, words = FOUND[name]
    with crime.superuser() as root:
        attack(crime, root)
    report = crime.report(against=False)
    assert report.faults
    first = report.faults[0]
    assert (first.position, words in first.sentence) == (position, True), report.faults
    if "changed" in words or words == "is gone":
        assert first.event is not None


def _truncate_to_an_old_checkpoint(crime: Crime, root: psycopg.Connection) -> None:
    gone = [crime.event(position) for position in range(8, EVENTS)]
    root.execute("delete from audit_events where id = any(%s)", (gone,))
    root.execute("delete from audit_leaves where position >= 8")
    root.execute("delete from audit_checkpoints where size > 8")


def _sign_everything_anew(crime: Crime, root: psycopg.Connection) -> None:
    """An insider with the signing key rewrites an event and every seal after it."""
    _edit_with_leaf_and_seal(crime, root)
    rows = root.execute(
        "select e.body from audit_leaves l join audit_events e on e.id = l.event_id"
        " order by l.position"
    ).fetchall()
    sizes = root.execute("select size from audit_checkpoints order by size").fetchall()
    tree = Range()
    for row in rows:
        tree.append(leaf_hash(row[0].encode()))
        if (tree.size,) in sizes:
            checkpoint = Checkpoint(crime.house.practice, tree.size, tree.root())
            root.execute(
                "update audit_checkpoints set note = %s, peaks = %s where size = %s",
                (sign(checkpoint, crime.house.signing_key), tree.peaks, tree.size),
            )


def _restore_an_old_backup(crime: Crime, root: psycopg.Connection) -> None:
    """Back to how it was after the second seal, and work goes on as if nothing had been."""
    _truncate_to_an_old_checkpoint(crime, root)
    crime.write(EVENTS)
    crime.house.seal()


OUTSIDE: dict[str, tuple[Attack, int, str]] = {
    "truncate to an old checkpoint": (_truncate_to_an_old_checkpoint, 8, "was cut back"),
    "sign everything anew": (_sign_everything_anew, 0, "the anchor of"),
    "restore an old backup": (_restore_an_old_backup, 8, "the anchor of"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_the_database_cannot_show_is_found_with_the_anchors(crime: Crime, name: str) -> None:
    attack, position, words = OUTSIDE[name]
    with crime.superuser() as root:
        attack(crime, root)
    assert crime.report(against=False).whole, "the database alone shows it: say so in docs/hipaa.md"
    report = crime.report()
    assert (report.faults[0].position, words in report.faults[0].sentence) == (position, True)


def test_a_cut_is_found_with_the_checkpoints_in_the_log_too(crime: Crime) -> None:
    """A log that was sent elsewhere is an anchor, should the others be spoiled."""
    anchored = read_anchors(crime.anchors, crime.house.practice)
    with crime.superuser() as root:
        _truncate_to_an_old_checkpoint(crime, root)
    key = crime.house.signing_key.public_key
    given = Given([key], anchored[:1], logged_checkpoints=anchored)
    with crime.house.auditing() as database, database.session(crime.house.practice) as session:
        [fault] = verify(session, given).faults
    assert (fault.position, "was cut back" in fault.sentence) == (8, True)


def test_an_event_deleted_before_its_seal_is_found_with_the_log(crime: Crime) -> None:
    [event] = crime.write(1)
    with crime.superuser() as root:
        root.execute("delete from audit_events where id = %s", (event,))
    crime.seal()
    assert crime.report().whole
    assert [fault.event for fault in crime.report(logged=True).faults] == [event]


def test_with_the_trigger_disabled_a_forged_event_is_found(crime: Crime) -> None:
    """Without a hash it cannot be added; with a wrong one it is sealed, and found."""
    with crime.superuser() as root:
        root.execute("alter table audit_events disable trigger audit_stamp")
        forged = (
            "insert into audit_events (practice_id, id, recorded, body, leaf, xid)"
            " values (%s, gen_random_uuid(), now(), '{}', %s, pg_current_xact_id())"
        )
        with pytest.raises(errors.NotNullViolation):
            root.execute(forged.encode(), (crime.house.practice, None))
        root.execute(forged.encode(), (crime.house.practice, hashlib.sha256().digest()))
    assert any("trigger that stamps" in fault.sentence for fault in crime.report().faults)
    with crime.superuser() as root:
        root.execute("alter table audit_events enable trigger audit_stamp")
    crime.seal()
    assert [fault.position for fault in crime.report().faults] == [EVENTS]


def test_seals_that_are_taken_away_are_missed_after_a_minute(crime: Crime) -> None:
    crime.write(1)
    assert crime.report().whole
    with crime.superuser() as root:
        root.execute("alter table audit_events disable trigger audit_stamp")
        root.execute(
            "update audit_events set recorded = %s where not exists"
            " (select 1 from audit_leaves where event_id = id)",
            (datetime.now(UTC) - timedelta(minutes=5),),
        )
        root.execute("alter table audit_events enable trigger audit_stamp")
    [fault] = crime.report().faults
    assert "wait for their seal" in fault.sentence


_TABLES = (
    "select table_name from information_schema.columns join information_schema.tables"
    " using (table_schema, table_name) where table_schema = 'public'"
    " and column_name = 'practice_id' and table_type = 'BASE TABLE'"
)


def _delete_the_practice(crime: Crime, root: psycopg.Connection) -> None:
    """Every row of it, its name in `practices` too."""
    root.execute("set session_replication_role = replica")
    tables = [name for (name,) in root.execute(_TABLES).fetchall()]
    assert {"audit_events", "audit_leaves", "audit_checkpoints"} < set(tables)
    for table in tables:
        root.execute(
            f"delete from {table} where practice_id = %s".encode(), (crime.house.practice,)
        )
    root.execute("delete from practices where id = %s", (crime.house.practice,))


def test_a_practice_that_is_deleted_whole_is_found_with_the_anchors(crime: Crime) -> None:
    """Nothing in the database names it any more; a directory, a bucket or a saved mail does."""
    saved = crime.anchors.parent / "saved.txt"
    [kept] = crime.anchors.iterdir()
    saved.write_text("\n".join(json.loads(line)["note"] for line in kept.read_text().splitlines()))
    with crime.superuser() as root:
        _delete_the_practice(crime, root)
    settings = TrailSettings(
        auditor_database_url=crime.house.as_role(AUDITOR_ROLE),
        trail_public_key=verifier_key(crime.house.signing_key.public_key),
    )

    def said(against: str) -> tuple[int, str]:
        console = Console(file=StringIO(), width=400)
        code = verify_trail(settings, VerifyOptions(against=against), console)
        assert isinstance(console.file, StringIO)
        return code, console.file.getvalue()

    code, alone = said("")
    assert (code, str(crime.house.practice) in alone) == (0, False)
    for place in (crime.anchors, saved):
        code, found = said(str(place))
        assert code == 1
        assert f"{crime.house.practice}: NOT WHOLE (0 events, 0 checkpoints, 2 anchors)" in found
        assert f"gone from the database, and its anchor is over {EVENTS} events" in found
    with pytest.raises(Refused, match="nothing is sealed yet"):
        print_checkpoints(settings, "", None, Console(file=StringIO()))


def test_another_practice_s_trail_and_anchors_are_another_matter(crime: Crime) -> None:
    """An anchor of one practice under the other's name proves nothing."""
    [path] = crime.anchors.iterdir()
    path.rename(path.with_name(f"{crime.house.other}.jsonl"))
    with crime.house.session(crime.house.other) as session:
        audit.record(session, Event("case.view", Action.READ, "case", "x"))
    crime.house.seal(crime.house.other)
    anchored = read_anchors(crime.anchors, crime.house.other)
    given = Given([crime.house.signing_key.public_key], anchored)
    with crime.house.auditing() as database, database.session(crime.house.other) as session:
        report = verify(session, given)
    assert report.events == 1
    assert all("not signed with this key" in fault.sentence for fault in report.faults)
    assert len(report.faults) == 2
