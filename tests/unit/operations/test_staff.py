"""`cleargate staff` and `cleargate token`, as whoever runs the installation types them."""

import os
import pwd
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from rich.console import Console
from typer.testing import CliRunner

import cleargate
from cleargate.__main__ import app
from cleargate.house import House, opened
from cleargate.nouns.errors import Refused
from cleargate.operations import staff, tokens
from cleargate.operations.checks import actor
from cleargate.operations.password_prompt import ask_twice, ask_unseen, first_line
from cleargate.operations.staff import Member
from cleargate.people.sign_in import sign_in, signed_in
from cleargate.settings import Installation
from cleargate.store import api_tokens, people
from cleargate.store.links import token_hash
from cleargate.store.people import SignIn
from tests.house import House as Rooms
from tests.postgres import until
from tests.trail import TRAIL
from tests.web.installation import OTHER, SLUG, read_profiles

FIRST, SECOND = "three otters under glass", "seven kettles on the moon"


@pytest.fixture(scope="module")
def installed(house: Rooms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The installation as a command opens it."""
    folder = tmp_path_factory.mktemp("practices")
    read_profiles(folder)
    settings = Installation(database_url=house.app_url, key_file=house.key_file, practices=folder)
    with opened(settings) as house_:
        yield house_


@pytest.fixture
def name() -> str:
    return f"robin-{uuid4().hex[:8]}"


def _console() -> Console:
    return Console(file=StringIO(), width=300)


def _said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def _give(password: str) -> Callable[[], str]:
    return lambda: password


def _add(installed: House, name: str, slug: str = SLUG, *, again: bool = False) -> None:
    who = Member(slug, name, "Robin Frontdesk")
    staff.add(installed, who, _give(FIRST), _console(), again=again)


def _enter(installed: House, house: Rooms, name: str, password: str) -> str | None:
    now = installed.clock.now()
    return sign_in(installed.database, house.practice, name, password, now)


def _is_in(installed: House, house: Rooms, token: str | None) -> bool:
    now = installed.clock.now()
    return signed_in(installed.database, house.practice, token or "", now) is not None


def _trail(house: Rooms, kind: str, entity: str) -> list[tuple[str, str, str]]:
    """Action, outcome and kind of actor of the events of a type about an entity."""
    query = f"select * from {TRAIL} where practice_id = :practice and type = :kind"
    with house.session() as session:
        found = session.all(sa.text(query + " and entity_id = :entity"), kind=kind, entity=entity)
    return [(row["action"], row["outcome"], row["actor"].partition(":")[0]) for row in found]


def _member(house: Rooms, name: str) -> str:
    with house.session() as session:
        [found] = session.all(
            sa.text("select id from staff where practice_id = :practice and username = :name"),
            name=name,
        )
    return str(found["id"])


def test_whoever_is_taken_on_may_sign_in_and_it_is_on_the_trail(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name)
    assert _is_in(installed, house, _enter(installed, house, name, FIRST))
    assert _trail(house, "staff.add", _member(house, name)) == [("C", "ok", "cli")]
    with house.session(house.other) as session:
        assert people.by_username(session, name) is None


def test_the_same_user_name_in_another_practice_is_somebody_else(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name)
    _add(installed, name, OTHER)
    console = _console()
    staff.show(installed, OTHER, console)
    assert name in _said(console)


def test_a_new_password_ends_every_session_of_the_old_one(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name)
    before = [_enter(installed, house, name, FIRST) for _ in range(2)]
    console = _console()
    staff.set_password(installed, Member(SLUG, name), _give(SECOND), console)
    assert "Sessions ended: 2" in _said(console)
    assert not any(_is_in(installed, house, each) for each in before)
    assert _enter(installed, house, name, FIRST) is None
    assert _is_in(installed, house, _enter(installed, house, name, SECOND))
    assert _trail(house, "staff.password", _member(house, name)) == [("U", "ok", "cli")]


def test_whoever_signs_in_while_the_password_changes_is_out_as_well(
    installed: House, house: Rooms, name: str
) -> None:
    """The old one was right when it was looked at; the session comes after the change was asked."""
    _add(installed, name)
    token, now = uuid4().hex, installed.clock.now()
    who = Member(SLUG, name)
    with ThreadPoolExecutor(1) as pool:
        with house.session() as session:
            member = people.by_username(session, name)
            assert member is not None
            changed = pool.submit(staff.set_password, installed, who, _give(SECOND), _console())
            until(lambda: _somebody_waits(house), "the change did not wait for the sign-in")
            new = SignIn(house.practice, member.id, "csrf", now, now + timedelta(hours=1))
            people.sign_in(session.connection, token_hash(token), new)
        changed.result(30)
    assert not _is_in(installed, house, token)


def _somebody_waits(house: Rooms) -> bool:
    waits = sa.text(
        "select exists (select 1 from pg_stat_activity where wait_event_type = 'Lock'"
        " and datname = current_database())"
    )
    with house.database.public() as connection:
        return bool(connection.execute(waits).scalar_one())


def test_whoever_leaves_is_out_at_once_and_stays_known(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name)
    token = _enter(installed, house, name, FIRST)
    assert _is_in(installed, house, token)
    staff.leave(installed, Member(SLUG, name), _console())
    assert not _is_in(installed, house, token)
    assert _enter(installed, house, name, FIRST) is None
    assert _trail(house, "staff.leave", _member(house, name)) == [("U", "ok", "cli")]
    console = _console()
    staff.show(installed, SLUG, console)
    [line] = [each for each in _said(console).splitlines() if name in each]
    assert "has left" in line
    with pytest.raises(Refused, match="left before"):
        staff.leave(installed, Member(SLUG, name), _console())


def test_only_the_same_person_gets_a_user_name_back(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name)
    with pytest.raises(Refused, match="has not left"):
        _add(installed, name, again=True)
    staff.leave(installed, Member(SLUG, name), _console())
    with pytest.raises(Refused, match="--again"):
        _add(installed, name)
    with pytest.raises(Refused, match="has left"):
        staff.set_password(installed, Member(SLUG, name), _give(SECOND), _console())
    _add(installed, name, again=True)
    assert _is_in(installed, house, _enter(installed, house, name, FIRST))
    actions = [action for action, *_ in _trail(house, "staff.add", _member(house, name))]
    assert actions == ["C", "U"]


def test_the_last_one_may_leave_and_a_warning_says_what_that_means(
    installed: House, house: Rooms, name: str
) -> None:
    _add(installed, name, OTHER)
    with house.session(house.other) as session:
        others = sa.text(
            "update staff set active = false where practice_id = :practice and username <> :name"
        )
        session.run(others, name=name)
    console = _console()
    staff.leave(installed, Member(OTHER, name), console)
    assert f"Nobody can sign in at /{OTHER}/desk any more" in _said(console)


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (Member(SLUG, "Robin", "Robin"), "USERNAME"),
        (Member(SLUG, "", "Robin"), "USERNAME"),
        (Member(SLUG, "robin frontdesk", "Robin"), "USERNAME"),
        (Member(SLUG, "r" * 101, "Robin"), "USERNAME"),
        (Member(SLUG, "robin", ""), "--name"),
        (Member(SLUG, "robin", "R\nF"), "--name"),
        (Member("nowhere", "robin", "Robin"), "--practice"),
    ],
)
def test_what_is_wrong_is_refused_with_the_place_and_nobody_is_taken_on(
    installed: House, house: Rooms, who: Member, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        staff.add(installed, who, _give(FIRST), _console(), again=False)
    with house.session() as session:
        assert people.by_username(session, who.username) is None


def test_an_easy_password_changes_nothing(installed: House, house: Rooms, name: str) -> None:
    _add(installed, name)
    for easy in ("short", f"{name}{name}", "SampleClinic2026!"):
        with pytest.raises(Refused, match=r"too short|easily guessed"):
            staff.set_password(installed, Member(SLUG, name), _give(easy), _console())
    assert _is_in(installed, house, _enter(installed, house, name, FIRST))


def test_nobody_of_that_name_is_told(installed: House, name: str) -> None:
    with pytest.raises(Refused, match="cleargate staff list"):
        staff.leave(installed, Member(SLUG, name), _console())


def test_a_password_is_typed_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("no terminal"))
    typed = iter([FIRST, FIRST, FIRST, SECOND])
    assert ask_twice(lambda _: next(typed)) == FIRST
    with pytest.raises(Refused, match="not the same"):
        ask_twice(lambda _: next(typed))
    with pytest.raises(Refused, match="--password-stdin"):
        ask_unseen("Password")
    assert FIRST not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sent", "read"),
    [(b"a b\n", "a b"), (b"a b\r\nsecond\n", "a b"), (b" a ", " a "), (b"", "")],
)
def test_the_first_line_of_standard_input_is_taken_as_it_is(sent: bytes, read: str) -> None:
    assert first_line(BytesIO(sent)) == read


def test_what_is_no_text_on_standard_input_is_refused() -> None:
    with pytest.raises(Refused, match="UTF-8"):
        first_line(BytesIO(b"\xff\xfe\n"))
    assert len(first_line(BytesIO(b"x" * 1_000_000))) < 1000


def test_a_password_on_the_command_line_is_no_option(house: Rooms) -> None:
    """There it would stand in `ps` and in the shell's history."""
    done = CliRunner().invoke(app, ["staff", "password", "robin", "--password", FIRST])
    assert done.exit_code == 2
    assert "No such option" in done.output


def test_nobody_at_the_terminal_chooses_their_name_on_the_trail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    assert actor() == f"cli:{pwd.getpwuid(os.getuid()).pw_name}" != "cli:somebody-else"
    sources = Path(cleargate.__file__).parent.rglob("*.py")
    assert [each.name for each in sources if "getuser" in each.read_text()] == []


def test_a_token_is_shown_once_and_kept_as_a_hash(
    installed: House, house: Rooms, name: str
) -> None:
    made, listed = _console(), _console()
    tokens.add(installed, SLUG, name, made)
    token = _said(made).splitlines()[-1]
    with house.database.public() as connection:
        found = api_tokens.find(connection, token_hash(token))
        rows = connection.execute(sa.text("select t::text from api_tokens t")).scalars().all()
    assert found is not None
    assert (found.practice, found.name) == (house.practice, name)
    assert not any(token in row or token.encode().hex() in row for row in rows)
    tokens.show(installed, "", listed)
    assert name in _said(listed)
    assert token not in _said(listed)
    assert _trail(house, "token.add", name) == [("C", "ok", "cli")]


def test_a_revoked_token_is_over_and_another_one_may_take_its_name(
    installed: House, house: Rooms, name: str
) -> None:
    tokens.add(installed, SLUG, name, _console())
    with pytest.raises(Refused, match="in force"):
        tokens.add(installed, SLUG, name, _console())
    with pytest.raises(Refused, match="cleargate token list"):
        tokens.revoke(installed, OTHER, name, _console())
    tokens.revoke(installed, SLUG, name, _console())
    assert _trail(house, "token.revoke", name) == [("D", "ok", "cli")]
    with pytest.raises(Refused, match="cleargate token list"):
        tokens.revoke(installed, SLUG, name, _console())
    tokens.add(installed, SLUG, name, _console())
    with pytest.raises(Refused, match="NAME"):
        tokens.add(installed, SLUG, "Two Words", _console())
