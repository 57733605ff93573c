"""Two practices of one installation, each with a row in every table: what a stranger may try."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import sqlalchemy as sa

from cleargate.directory.payers import load_directory
from cleargate.directory.practice import IntakePolicy
from cleargate.nouns.case import Attempt, Memo, Outcome, Receipt
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.ids import PracticeId, Ref
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from cleargate.people.sign_in import LONGEST
from cleargate.store import (
    api_tokens,
    attachments,
    attempts,
    audit,
    connections,
    effects,
    gates,
    holds,
    inquiries,
    links,
    outages,
    people,
    restores,
    staff,
    throttle,
)
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database, Session
from cleargate.store.holds import HoldReason
from cleargate.store.inquiries import NewInquiry
from cleargate.store.links import LinkPurpose, token_hash
from cleargate.store.people import SignIn
from cleargate.web.site import Pages
from tests.house import House, TurnedClock, open_case, visit_request
from tests.web.installation import OTHER, SLUG, Served, read_profiles, sample_gate

PAYER, PAYER_NAME = "quaggaville", "Quaggaville"
TEXTS = (
    *("Otherperson", "Odalys", "other-patient", "2025550188", "(202) 555-0188", "OTHERMEMBER9"),
    *("9 Other Street", "1944-03-05", "03/05/1944", "other reason", PAYER_NAME, "Other Staff"),
)
"""What the other practice alone has; none of it may be in an answer to a stranger."""

PATIENT = Patient(
    Name("Otherperson", "Odalys"),
    date(1944, 3, 5),
    Sex.FEMALE,
    Contact(
        "other-patient@example.invalid",
        "+12025550188",
        Address("9 Other Street", "Springfield", "IL", "62701"),
    ),
)


@dataclass(frozen=True, slots=True)
class Ids:
    """What one would have to know of a practice to do harm there."""

    case: str
    gate: str
    photo: str
    inquiry: str
    staff: str
    username: str
    csrf: str
    nonce: str
    offer: str
    payer: str
    birth_date: str
    receipt: str
    confirm_contact: str
    withdraw: str
    check_details: str


KINDS = tuple(Ids.__dataclass_fields__)


def nobodys() -> Ids:
    """Ids of the same shapes that lead nowhere."""
    uuids = [str(uuid4()) for _ in range(5)]
    tokens = [secrets.token_urlsafe(32) for _ in range(4)]
    word = "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(11))
    return Ids(
        *uuids,
        f"staff-{uuid4().hex[:8]}",
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(16),
        f"record-{uuid4().hex[:8]}",
        word,
        "04/06/1955",
        *tokens,
    )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The served pages of both; `mine` is the first practice, `theirs` the other."""

    client: httpx2.Client
    house: House
    clock: TurnedClock
    mine: Ids
    theirs: Ids
    api_token: str

    def cookie(self) -> tuple[str, str]:
        """A new session of the first practice's staff: the cookie's token and the forms' token."""
        return _signed_in(self.house, self.house.practice, self.mine, self.clock)

    def their_rows(self) -> dict[str, str]:
        """A digest of the other practice's rows in each table, empty where there is none."""
        with self.house.session(self.house.other) as session:
            tables = session.run(_TABLES).scalars().all()
            every = " union all ".join(map(_digest, tables))
            return {row.name: row.digest for row in session.run(sa.text(every))}


_TABLES = sa.text(
    "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
    " and a.attname = 'practice_id' where c.relnamespace = 'public'::regnamespace"
    " and c.relkind in ('r', 'p') union all select 'dbos.workflow_status'"
)


def _digest(table: str) -> str:
    """The query for the rows of a table; the engine's are those of the practice's cases."""
    where = "t.practice_id = :practice"
    if table.startswith("dbos."):
        where = (
            "exists (select 1 from cases c where c.practice_id = :practice"
            " and starts_with(t.workflow_uuid, replace(c.id::text, '-', '')))"
        )
    rows = "string_agg(t::text, ' ' order by t::text)"
    digest = f"coalesce(md5({rows}), '') as digest"
    return f"select '{table}' as name, {digest} from {table} t where {where}"


@contextmanager
def neighbours(house: House, folder: Path) -> Iterator[Neighbours]:
    """Serve two practices that are full of rows."""
    clock = TurnedClock()
    csv = folder / "payers.csv"
    csv.write_text(f"id,name\n{PAYER},Quaggaville Mutual\n")
    without_end = IntakePolicy(posts_per_hour=1_000_000, api_calls_per_minute=1_000_000)
    profiles = {
        practice: replace(profile, intake=without_end)
        for practice, profile in read_profiles(folder).items()
    }
    other = profiles[house.other]
    profiles[house.other] = replace(other, payers=load_directory(practice_csv=csv))
    mine = _filled(house, house.practice, clock, visit_patient=None)
    theirs = _filled(house, house.other, clock, visit_patient=PATIENT)
    house.seal(house.other)
    token = uuid4().hex
    for practice, kept, name in ((house.practice, token, "sample"), (house.other, "x", "other")):
        with house.session(practice) as session:
            api_tokens.keep(session, token_hash(kept), name)
    with (
        Served(Pages(house.database, clock, profiles, secure=False)) as served,
        httpx2.Client(base_url=served.url, timeout=30) as client,
    ):
        yield Neighbours(client, house, clock, mine, theirs, token)


def _filled(
    house: House, practice: PracticeId, clock: TurnedClock, visit_patient: Patient | None
) -> Ids:
    """A row in every table of a practice, and the ids that lead to them."""
    ids = nobodys()
    request = visit_request()
    if visit_patient is not None:
        policy = Insurance(PAYER, "Quaggaville Mutual", "OTHERMEMBER9")
        request = visit_request(patient=visit_patient, reason="other reason", insurances=(policy,))
    now = clock.now()
    with house.session(practice) as session:
        member = staff.add(session, ids.username, "Other Staff" if visit_patient else "Staff", "x")
        memo = Memo(doubtful=("primary_member_id",))
        case = open_case(session, now, request=request, nonce=ids.nonce, memo=memo)
        new = NewInquiry(1, 1, PAYER, "Payer", "clearinghouse", "QUAGG", date(2030, 1, 7))
        inquiries.add(session, case, new)
        [inquiry] = inquiries.current(session, case)
        inquiries.keep_raw(session, inquiry.id, RawAnswer(b"answer", ContentKind.TEXT), now)
        effects.begin(session, Ref(case, "book"), "ehr", now)
        effects.finish(session, Ref(case, "book"), Receipt("vendor-1", Outcome.CREATED), now)
        attempts.add(session, case, [Attempt("book", "ehr", now, 1, "ok")])
        attachments.add(session, case, "card", b"picture", now)
        [(photo, _)] = attachments.of_case(session, case)
        gate = gates.open_gate(session, case, sample_gate(), now)
        for purpose in LinkPurpose:
            token = getattr(ids, purpose.value)
            links.keep(session, case, purpose, token, now + timedelta(days=90))
        connections.mark(session, "ehr", "stopped", "401", now)
        outages.failed(session, "clearinghouse", PAYER, now)
        throttle.take(session, "sample", now, 1)
        holds.add(session, case, HoldReason.COMPLAINT, "", actor="x", now=now)
        audit.record(session, Event("case.view", Action.READ, "case", str(case), case=case))
    filled = replace(
        ids,
        **{name: str(value) for name, value in (("case", case), ("gate", gate), ("photo", photo))},
        inquiry=str(inquiry.id),
        staff=str(member),
        payer=PAYER if visit_patient else "aetna",
        birth_date=f"{request.patient.birth_date:%m/%d/%Y}",
    )
    owner = Database(house.owner_url, house.keyring())
    with closing(owner), owner.session(practice) as session:
        restores.note(session, "sample", "x")
    _, csrf = _signed_in(house, practice, filled, clock)
    return replace(filled, csrf=csrf)


def _signed_in(house: House, practice: PracticeId, ids: Ids, clock: TurnedClock) -> tuple[str, str]:
    token, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), clock.now()
    with house.database.public() as connection:
        member = house.in_session(lambda session: _member(session, ids), practice)
        new = SignIn(practice, member, csrf, now, now + LONGEST)
        people.sign_in(connection, token_hash(token), new)
    return token, csrf


def _member(session: Session, ids: Ids) -> UUID:
    found = people.by_username(session, ids.username)
    assert found is not None
    return found.id


SLUGS = (SLUG, OTHER)
"""The addresses of the first and of the other practice."""
