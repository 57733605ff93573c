"""Checkpoints by mail: one a day, whatever is started again; what was mailed is an anchor."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.nouns.errors import BadSettings
from cleargate.trail.aside import beside
from cleargate.trail.mail import RETRY_AFTER_S, MailAnchor
from cleargate.trail.saved import read_notes
from tests.house import TurnedClock
from tests.unit.connectors.mail_server import Server
from tests.unit.connectors.parts import Calls, Secrets, Unlimited, peer
from tests.unit.trail.notes import NOTES, OTHER, PRACTICE, note

DAY = timedelta(days=1)
WAIT_S = 30.0


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(datetime(2027, 1, 31, 23, 30, tzinfo=UTC))


def anchor(port: int, folder: Path, clock: TurnedClock) -> MailAnchor:
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@clinic.example.test"}
    messenger = SmtpMessenger(
        "checkpoint-mail",
        SmtpSettings.model_validate(settings),
        secrets=Secrets(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=clock,
    )
    return MailAnchor(messenger, "officer@practice.example.test", folder / "mail.sent", clock)


def kept_in(server: Server, folder: Path) -> dict[str, list[str]]:
    """What a person finds in the mail that came over the wire, and saved."""
    path = folder / "saved.eml"
    path.write_bytes(server.mail.removesuffix(b".\r\n"))
    found = read_notes(path)
    return {str(practice): [each.note for each in kept] for practice, kept in found.items()}


def test_one_mail_a_day_holds_the_newest_of_every_practice(
    tmp_path: Path, clock: TurnedClock
) -> None:
    first, second = Server(), Server()
    with capture_logs() as alerts, peer(first, second) as port:
        mails = anchor(port, tmp_path, clock)
        mails.keep(PRACTICE, NOTES[0])
        mails.keep(PRACTICE, NOTES[1])
        mails.keep(OTHER, note(7, OTHER))
        mails.look()
        assert kept_in(first, tmp_path) == {
            str(PRACTICE): [NOTES[1]],
            str(OTHER): [note(7, OTHER)],
        }
        mails.keep(PRACTICE, NOTES[2])
        mails.look()
        assert second.mail == b"", "today's has left"
        clock.turn(timedelta(hours=1))
        mails.look()
    assert kept_in(second, tmp_path)[str(PRACTICE)] == [NOTES[2]]
    assert str(OTHER) in kept_in(second, tmp_path), "nothing new of it, and it is told again"
    assert b"Subject: Checkpoints of the audit trail, 2027-02-01\r\n" in second.mail
    assert alerts == []


def test_what_is_started_again_sends_no_second_mail(tmp_path: Path, clock: TurnedClock) -> None:
    first, second = Server(), Server()
    with capture_logs() as alerts, peer(first, second) as port:
        for _ in range(3):
            mails = anchor(port, tmp_path, clock)
            with beside([mails]):
                mails.keep(PRACTICE, NOTES[0])
        assert (first.mail != b"", second.mail) == (True, b"")
        clock.turn(DAY)
        mails = anchor(port, tmp_path, clock)
        with beside([mails]):
            mails.keep(PRACTICE, NOTES[1])
    assert kept_in(second, tmp_path) == {str(PRACTICE): [NOTES[1]]}
    assert alerts == []


def test_a_clock_that_was_far_ahead_stops_no_mail(tmp_path: Path, clock: TurnedClock) -> None:
    first, second = Server(), Server()
    with peer(first, second) as port:
        mails = anchor(port, tmp_path, clock)
        mails.keep(PRACTICE, NOTES[0])
        clock.turn(400 * DAY)
        mails.look()
        clock.turn(-400 * DAY)
        mails.look()
    assert second.mail != b""


def test_a_mail_that_fails_is_told_and_tried_again_in_an_hour(
    tmp_path: Path, clock: TurnedClock
) -> None:
    full, well = Server({"dot": "452 full"}), Server()
    with peer(full, well) as port, capture_logs() as alerts:
        mails = anchor(port, tmp_path, clock)
        mails.keep(PRACTICE, NOTES[0])
        assert mails.look() == RETRY_AFTER_S
        assert [(line["event"], line["code"]) for line in alerts] == [("alert", "trail_not_mailed")]
        assert mails.look() == 0
    assert kept_in(well, tmp_path) == {str(PRACTICE): [NOTES[0]]}
    assert len(alerts) == 1


def test_a_mail_server_that_is_away_holds_up_neither_the_sealing_nor_the_end(
    tmp_path: Path, clock: TurnedClock
) -> None:
    over = threading.Event()
    silent = Server({"greeting": lambda _: over.wait(WAIT_S)})
    with peer(silent) as port, capture_logs() as alerts:
        mails = anchor(port, tmp_path, clock)
        with beside([mails], stop_s=0.2):
            mails.keep(PRACTICE, NOTES[0])
        assert [line["code"] for line in alerts] == ["trail_not_anchored"]
        over.set()
        until = time.monotonic() + WAIT_S
        while len(alerts) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    assert alerts[-1]["code"] == "trail_not_mailed"
    assert (tmp_path / "mail.sent").read_text() == ""


def test_without_a_place_for_its_note_it_does_not_start(tmp_path: Path, clock: TurnedClock) -> None:
    with pytest.raises(BadSettings, match=r"mail.sent: the sealer notes there .*No such file"):
        anchor(1, tmp_path / "nowhere", clock)


@pytest.mark.parametrize("content", ["", "x", "2027-13-45", "\u00fc" * 500])
def test_a_note_that_is_none_costs_a_mail_and_nothing_else(
    tmp_path: Path, clock: TurnedClock, content: str
) -> None:
    (tmp_path / "mail.sent").write_text(content)
    server = Server()
    with peer(server) as port:
        mails = anchor(port, tmp_path, clock)
        mails.keep(PRACTICE, NOTES[0])
        mails.look()
    assert server.mail != b""
    assert (tmp_path / "mail.sent").read_text() == "2027-01-31\n"
