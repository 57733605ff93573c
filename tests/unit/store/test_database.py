"""A session sees one practice, commits at its end, and keeps its own trail."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate import __version__
from cleargate.store import attachments, audit, practices
from cleargate.store.audit import Action, Event
from cleargate.store.migrate import migrate
from cleargate.store.roles import APP_ROLE
from tests.house import APP_PASSWORD, House, TurnedClock, open_case

_COUNT = sa.text("select count(*) from cases")
_SETTING = sa.text("select current_setting('app.practice_id', true)")
_EVENT = sa.text("select * from audit_events where practice_id = :practice and id = :id")


def test_a_session_sees_its_practice_and_no_other(house: House, clock: TurnedClock) -> None:
    """Without any `where practice_id`: the policy does it."""
    with house.session() as session:
        open_case(session, clock.now())
        assert session.run(_COUNT).scalar_one() > 0
    with house.session(house.other) as session:
        assert session.run(_COUNT).scalar_one() == 0


def test_the_practice_does_not_stay_on_the_connection(house: House) -> None:
    with house.session() as session:
        backend = session.connection.connection.driver_connection
        assert session.run(_SETTING).scalar_one() == str(house.practice)
    with house.database.public() as connection:
        assert connection.connection.driver_connection is backend, "not the same connection"
        assert not connection.execute(_SETTING).scalar_one()
        assert connection.execute(_COUNT).scalar_one() == 0


def test_an_event_is_on_the_trail_with_the_software_s_version(
    house: House, clock: TurnedClock
) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        event = Event("case.view", Action.READ, "case", str(case), actor="staff", case=case)
        event_id = audit.record(session, event)
    with house.session() as session:
        row = session.one(_EVENT, id=event_id)
    assert row is not None
    assert (row["type"], row["actor"], row["case_id"]) == ("case.view", "staff", case)
    body = json.loads(row["body"])
    assert (body["id"], body["practice"]) == (str(event_id), str(house.practice))
    assert (body["action"], body["outcome"], body["software"]) == ("R", "ok", __version__)
    assert len(body["patient"]) == 32
    assert datetime.fromisoformat(body["recorded"]) == row["recorded"]
    assert hashlib.sha256(b"\x00" + row["body"].encode()).digest() == row["leaf"]


def test_nobody_chooses_an_event_s_time_id_practice_or_hash(house: House) -> None:
    """Whatever the app role claims, the database stamps over it."""
    claimed = json.dumps({"type": "sample", "recorded": "2001-01-01", "id": "x", "practice": "y"})
    with house.session() as session:
        session.run(
            sa.text(
                "insert into audit_events (practice_id, id, recorded, body, leaf, xid)"
                " values (:practice, :id, '2001-01-01', :body, decode(repeat('00', 32), 'hex'),"
                " cast('1' as xid8))"
            ),
            id=(event := uuid4()),
            body=claimed,
        )
        row = session.one(_EVENT, id=event)
    assert row is not None
    assert datetime.now(UTC) - row["recorded"] < timedelta(minutes=1)
    body = json.loads(row["body"])
    assert (body["id"], body["practice"]) == (str(event), str(house.practice))
    assert datetime.fromisoformat(body["recorded"]) == row["recorded"]
    assert hashlib.sha256(b"\x00" + row["body"].encode()).digest() == row["leaf"]


def test_an_event_follows_the_rollback_of_what_it_tells(house: House) -> None:
    event = Event("case.view", Action.READ, "case", "x")
    with pytest.raises(ZeroDivisionError), house.session() as session:
        event_id = audit.record(session, event)
        raise ZeroDivisionError
    with house.session() as session:
        assert session.one(_EVENT, id=event_id) is None


def test_an_attachment_comes_back_to_its_own_case(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case, other = open_case(session, clock.now()), open_case(session, clock.now())
        attachments.add(session, case, "card_front", b"\xff\xd8picture", clock.now())
        [(attachment, kind)] = attachments.of_case(session, case)
        assert kind == "card_front"
        assert attachments.get(session, case, attachment) == b"\xff\xd8picture"
        assert attachments.get(session, other, attachment) is None
        assert attachments.of_case(session, other) == []


def test_a_practice_s_id_follows_from_its_slug(house: House) -> None:
    slug = f"clinic-{uuid4().hex[:8]}"
    with house.database.public() as connection:
        first = practices.keep(connection, slug, "Clinic", "UTC")
        assert practices.keep(connection, slug, "Renamed Clinic", "UTC") == first
    assert practices.practice_id(slug) == first


def test_migrating_again_changes_nothing_but_the_password(house: House) -> None:
    migrate(house.owner_url, "another-one")
    refused = pytest.raises(sa.exc.OperationalError, match="password")
    with house.process() as stale, refused, stale.public():
        pass
    migrate(house.owner_url, APP_PASSWORD)
    with house.process() as database, database.public() as connection:
        assert connection.execute(sa.text("select current_user")).scalar_one() == APP_ROLE
