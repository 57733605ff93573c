"""A house's vault as its owner opens it, and a practice with a row in every sealed column."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, PracticeId, Ref
from cleargate.operations.keys.vault import Vault, open_vault
from cleargate.ports import Token
from cleargate.settings import Installation
from cleargate.store import attachments, cases, effects, gates, inquiries
from cleargate.store.connections import StoredTokens
from cleargate.store.database import Database, Session
from cleargate.store.inquiries import NewInquiry
from cleargate.store.schema import SEALED
from tests.house import House, TurnedClock, open_case
from tests.trail import TRAIL

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
PHOTO = b"a picture of a card"
RAW = RawAnswer(b"what the payer said", ContentKind.TEXT)
COVERAGE = Coverage("Sample Payer", Verdict.UNDETERMINED, (), member_id="MEMBER0001")


def installation(house: House, key_file: Path | None = None, bucket: str = "") -> Installation:
    """The settings of a house, as its owner has them."""
    return Installation(
        database_url=house.app_url,
        owner_database_url=house.owner_url,
        key_file=key_file or house.key_file,
        practices=Path(),
        attachments_bucket=bucket,
    )


@contextmanager
def vault(house: House, key_file: Path | None = None, bucket: str = "") -> Iterator[Vault]:
    with open_vault(installation(house, key_file, bucket)) as opened:
        yield opened


def console() -> tuple[Console, StringIO]:
    """A console, and what was printed on it."""
    printed = StringIO()
    return Console(file=printed, width=200), printed


def plant(house: House, database: Database, practice: PracticeId, count: int = 1) -> list[CaseId]:
    """Cases with a value in every sealed column."""
    planted = []
    for _ in range(count):
        with database.session(practice) as session:
            planted.append(_plant(session))
    tokens = StoredTokens(database, practice, TurnedClock(NOW))
    tokens.refresh("ehr", None, lambda: Token("sample", datetime(2031, 1, 1, tzinfo=UTC)))
    return planted


def _plant(session: Session) -> CaseId:
    case = open_case(session, NOW)
    new = NewInquiry(1, 1, "sample", "Sample Payer", "clearinghouse", "SAMPL", date(2030, 1, 7))
    inquiries.add(session, case, new)
    [inquiry] = inquiries.current(session, case)
    inquiries.postpone(
        session, inquiry.id, NOW, NOW, outcome="pending", code="", pending_token="token"
    )
    inquiries.keep_raw(session, inquiry.id, RAW, NOW)
    inquiries.settle(session, inquiry.id, COVERAGE, NOW, answered=True)
    effects.begin(session, Ref(case, "book"), "ehr", NOW)
    effects.finish(session, Ref(case, "book"), Receipt(uuid4().hex, Outcome.CREATED), NOW)
    attachments.add(session, case, "card_front", PHOTO, NOW)
    gate = gates.open_gate(
        session, case, Gate(GateReason.NO_OPENING, "tip", (), (Choice.DECLINE,), "x"), NOW
    )
    gates.decide(session, gate, Decision(Choice.DECLINE, 1, note="a note"), actor="x", now=NOW)
    return case


def read_all(session: Session, case: CaseId) -> None:
    """Open every sealed value of a planted case; fails when one does not, or says another thing."""
    found = cases.get(session, case)
    assert found is not None
    assert found.request.patient.name.family == "Testperson"
    [inquiry] = inquiries.current(session, case)
    assert (inquiry.pending_token, inquiry.coverage) == ("token", COVERAGE)
    assert inquiries.raw(session, inquiry.id) == RAW
    assert effects.done(session, case, "book") is not None
    [(photo, _)] = attachments.of_case(session, case)
    assert attachments.get(session, case, photo) == PHOTO
    [gate] = gates.of_case(session, case)
    assert gate.gate.reason is GateReason.NO_OPENING


def key_ids(house: House, practice: PracticeId) -> dict[str, set[int]]:
    """Under which keys the values of each sealed column are, by the bytes in the database."""
    found = {}
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
        for table, sealed in SEALED.items():
            for column in sealed.columns:
                rows = owner.execute(
                    f"select distinct substr({column}, 2, 4) from {table}"
                    f" where {column} is not null".encode()
                )
                found[f"{table}.{column}"] = {int.from_bytes(row[0], "big") for row in rows}
    return found


def trail(house: House, practice: PracticeId, kind: str = "key.") -> list[tuple[str, str, str]]:
    """What the trail says of keys: type, the key's id and code, oldest first."""
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
        rows = owner.execute(
            f"select type, entity_id, code from {TRAIL} where starts_with(type, %s)"
            " order by recorded",
            (kind,),
        )
        return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]
