"""Checkpoints in what people save, print and type: found again, whatever became of the text."""

import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.trail import saved
from cleargate.trail.note import read
from cleargate.trail.printed import Printable, printed
from cleargate.trail.saved import read_notes
from tests.unit.trail.notes import KEY, NOTES, OTHER, PRACTICE

TEXT = "Hello,\n\n" + "\n\n".join(NOTES) + "\nBye\n"


def found(path: Path, practice: PracticeId = PRACTICE) -> list[str]:
    """The notes of a file, each of them with a good signature."""
    kept = read_notes(path).get(practice, [])
    assert [read(each.note, KEY.public_key).size for each in kept] == [each.size for each in kept]
    return [each.note for each in kept]


def mail(cte: str = "8bit", text: str = TEXT) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "sealer@practice.example.test"
    message["Subject"] = "Checkpoints"
    message.set_content(text, cte=cte)
    return message


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_checkpoints_are_found_in_any_text(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(TEXT.replace("\n", ends).encode())
    assert found(path) == NOTES
    assert found(path, OTHER) == []


@pytest.mark.parametrize("cte", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("where", ["saved", "attached", "mailbox"])
def test_they_are_found_in_a_mail_however_it_is_coded(tmp_path: Path, cte: str, where: str) -> None:
    message = mail(cte)
    path = tmp_path / "checkpoint.eml"
    if where == "mailbox":
        box = mailbox.mbox(path)
        box.add(mail(cte, "From here on: nothing of ours.\n"))
        box.add(message)
        box.close()
    elif where == "attached":
        outer = mail(text="See the mail that I forward.\n")
        outer.add_attachment(message)
        path.write_bytes(bytes(outer))
    else:
        path.write_bytes(bytes(message))
    assert found(path) == NOTES


@pytest.mark.parametrize("charset", ["windows-1252", "no-such-charset", "undefined", "hex"])
def test_a_charset_that_is_another_one_or_none_hides_nothing(tmp_path: Path, charset: str) -> None:
    path = tmp_path / "checkpoint.eml"
    path.write_bytes(bytes(mail("base64")).replace(b'"utf-8"', f'"{charset}"'.encode()))
    assert found(path) == NOTES


def test_an_answer_that_quotes_the_mail_twice_gives_each_once(tmp_path: Path) -> None:
    path = tmp_path / "answer.eml"
    quoted = "\n".join(f"> > {line}" for line in TEXT.splitlines())
    path.write_bytes(bytes(mail(text=f"{quoted}\n\nand again\n\n{quoted}\n")))
    assert found(path) == NOTES


def test_paper_is_typed_back_with_other_spaces_dashes_and_lines(tmp_path: Path) -> None:
    at = datetime(2027, 1, 31, 10, tzinfo=UTC)
    text = printed([Printable(PRACTICE, at, each, "sample-clinic") for each in NOTES])
    assert "Practice sample-clinic (00000000-0000-0000-0000-000000000005)\n3 events," in text
    head, dash, signature = NOTES[2].rpartition("\u2014 cleargate-trail ")
    assert dash
    typed = f"{head}-- cleargate-trail\n  {signature[:40]}\n  {signature[40:]}"
    path = tmp_path / "typed.txt"
    path.write_text(text.replace(NOTES[2], typed))
    assert found(path) == NOTES


def test_a_slip_in_typing_is_said_and_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "typed.txt"
    path.write_text(TEXT.replace(NOTES[1].split("\n")[2], "AAAA"))
    with pytest.raises(BadSettings, match="checkpoint 2, of practice"):
        read_notes(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"From \n",
        b"From x\nFrom y\n",
        b"\xff\xfe\x00",
        b"From: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\n--x\n",
        b"From: a\nContent-Type: text/plain; charset=\x00\n\n\xe2",
        b"From: a\nContent-Transfer-Encoding: base64\n\n!!!",
        b"From: a\n"
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (each, each)
            for each in range(3000)
        ),
    ],
)
def test_nothing_that_is_in_a_file_ends_in_a_fault_of_ours(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    try:
        assert read_notes(path) == {}
    except BadSettings as error:
        assert "cannot be read" in str(error)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(saved.BYTES_MAX + 1)
    with pytest.raises(BadSettings, match="keep the mails apart"):
        read_notes(path)
