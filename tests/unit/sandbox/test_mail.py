"""The mail sink keeps whatever it accepts, and shows it."""

import smtplib
from email.message import EmailMessage

from cleargate.sandbox.trees import whole
from tests.unit.sandbox.peers import Peer

CALENDAR = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:visit-1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def send(peer: Peer, message_id: str = "<1@clinic.example.test>", to: str = "a") -> None:
    mail = EmailMessage()
    mail["From"] = "clinic@clinic.example.test"
    mail["To"] = f"{to}@mail.example.test"
    mail["Subject"] = "Your visit <soon>"
    mail["Message-ID"] = message_id
    mail.set_content("Confirm: http://127.0.0.1:9/confirm/abc. See you, Zoë.\n")
    mail.add_attachment(CALENDAR.encode(), "text", "calendar", filename="visit.ics")
    with smtplib.SMTP("127.0.0.1", whole(peer.sandbox.ready, "smtp", "port"), timeout=5) as smtp:
        smtp.send_message(mail)


def test_accepted_mail_is_shown_with_links_and_calendar(peer: Peer) -> None:
    send(peer)
    send(peer, "<2@clinic.example.test>", "b")
    (mail,) = peer.get("/mailbox.json", params={"to": "a@mail.example.test"}).json()
    assert mail["subject"] == "Your visit <soon>"
    assert mail["message_id"] == "<1@clinic.example.test>"
    assert mail["links"] == ["http://127.0.0.1:9/confirm/abc"]
    assert "Zoë" in mail["text"]
    assert mail["calendar"].splitlines() == CALENDAR.splitlines()
    assert len(peer.get("/mailbox.json").json()) == 2


def test_pages_show_mail_escaped_with_links_to_click(peer: Peer) -> None:
    send(peer)
    assert '<a href="/mailbox/1">Your visit &lt;soon&gt;</a>' in peer.get("/mailbox").text
    page = peer.get("/mailbox/1").text
    assert '<a href="http://127.0.0.1:9/confirm/abc">' in page
    assert peer.get("/mailbox/2").status_code == 404
    assert peer.get("/mailbox/x").status_code == 404


def test_repeats_are_kept_and_counted(peer: Peer) -> None:
    send(peer)
    send(peer)
    ledger = peer.ledger()
    assert ledger["mail_repeats"] == 1
    assert ledger["duplicates"] == []
    assert [mail["uid"] for mail in ledger["mails"]] == ["visit-1", "visit-1"]


def test_same_mail_under_another_id_is_a_duplicate(peer: Peer) -> None:
    send(peer)
    send(peer, "<other@clinic.example.test>")
    (duplicate,) = peer.ledger()["duplicates"]
    assert duplicate["kind"] == "same_mail_other_id"
