"""Questions to payers and their raw answers, which are kept before anything reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa

from cleargate.nouns.coverage import Coverage, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.ids import CaseId
from cleargate.store.codec import dump, load
from cleargate.store.database import Session


class InquiryState(StrEnum):
    """Where a question stands.

    SENT may have arrived, when the process died; RECEIVED is answered, and not read yet; RETIRED
    is to be asked anew, because a person said so.
    """

    DUE = "due"
    SENT = "sent"
    RECEIVED = "received"
    PENDING = "pending"
    ANSWERED = "answered"
    FAILED = "failed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StoredInquiry:
    """One question as stored. `rank` is 1 for the primary policy; `tries` counts sends.

    `outcome` and `vendor_code` tell the last failure; `coverage` and `answered` are set once it was
    answered, or given up.
    `search` counts the payer's searches from 0: by which one the person is looked for.
    """

    id: UUID
    case: CaseId
    rank: int
    generation: int
    payer_id: str
    payer_name: str
    connection: str
    payer_code: str
    service_date: date
    state: InquiryState
    tries: int
    first_sent: datetime | None
    sent: datetime | None
    next_try: datetime | None
    pending_token: str
    outcome: str
    vendor_code: str
    verdict: Verdict | None
    coverage: Coverage | None
    answered: datetime | None
    search: int = 0

    @property
    def settled(self) -> bool:
        """Whether nothing more will be asked."""
        return self.state in (InquiryState.ANSWERED, InquiryState.FAILED, InquiryState.RETIRED)


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """A question to be kept: which payer, by which connection, about which date."""

    rank: int
    generation: int
    payer_id: str
    payer_name: str
    connection: str
    payer_code: str
    service_date: date


# A new question; the same question twice is one.
_ADD = sa.text(
    "insert into inquiries (practice_id, id, case_id, rank, generation, payer_id, payer_name,"
    " connection, payer_code, service_date, state) values (:practice, :id, :case, :rank,"
    " :generation, :payer_id, :payer_name, :connection, :payer_code, :service_date, 'due')"
    " on conflict (practice_id, case_id, rank, generation) do nothing"
)

# One question.
_GET = sa.text("select * from inquiries where practice_id = :practice and id = :id")

# The newest question for each policy of a case.
_CURRENT = sa.text(
    "select distinct on (rank) * from inquiries where practice_id = :practice and case_id = :case"
    " order by rank, generation desc"
)

# The question for each policy that counts: the newest, but for those that were put aside.
_SHOWN = sa.text(
    "select distinct on (rank) * from inquiries where practice_id = :practice and case_id = :case"
    " order by rank, state = 'retired', generation desc"
)

# Every question of a case, for the timeline.
_OF_CASE = sa.text(
    "select * from inquiries where practice_id = :practice and case_id = :case"
    " order by rank, generation limit 200"
)


def add(session: Session, case: CaseId, new: NewInquiry) -> None:
    """Keep a question that is to be asked."""
    session.run(
        _ADD,
        id=uuid4(),
        case=case,
        rank=new.rank,
        generation=new.generation,
        payer_id=new.payer_id,
        payer_name=new.payer_name,
        connection=new.connection,
        payer_code=new.payer_code,
        service_date=new.service_date,
    )


def get(session: Session, inquiry: UUID) -> StoredInquiry | None:
    """One question, or None."""
    row = session.one(_GET, id=inquiry)
    return None if row is None else _read(session, row)


def current(session: Session, case: CaseId) -> list[StoredInquiry]:
    """The newest question for each policy, primary first."""
    return [_read(session, row) for row in session.all(_CURRENT, case=case)]


def shown(session: Session, case: CaseId) -> list[StoredInquiry]:
    """The question for each policy that a person should see, primary first.

    One that was put aside is shown only where there is no other.
    """
    return [_read(session, row) for row in session.all(_SHOWN, case=case)]


def of_case(session: Session, case: CaseId) -> list[StoredInquiry]:
    """All questions of a case."""
    return [_read(session, row) for row in session.all(_OF_CASE, case=case)]


# The question is about to leave.
_SEND = sa.text(
    "update inquiries set state = 'sent', tries = tries + 1, sent_at = :now,"
    " first_sent_at = coalesce(first_sent_at, :now), next_try_at = null"
    " where practice_id = :practice and id = :id"
)

# The question will be asked again, or polled, later.
_LATER = sa.text(
    "update inquiries set state = :state, next_try_at = :next_try, outcome = :outcome,"
    " first_sent_at = coalesce(first_sent_at, :now),"
    " vendor_code = :code, pending_token = case when :anew then null"
    " else coalesce(:token, pending_token) end"
    " where practice_id = :practice and id = :id"
)

# The question goes another way.
_REROUTE = sa.text(
    "update inquiries set connection = :connection, payer_code = :payer_code"
    " where practice_id = :practice and id = :id"
)

# The person was not found, and is looked for by other details: each search is tried once, for its
# number only rises.
_SEARCH = sa.text(
    "update inquiries set search = :search, state = 'due', next_try_at = :now,"
    " outcome = 'not_found', vendor_code = :code, pending_token = null"
    " where practice_id = :practice and id = :id and search < :search"
)

# The question was answered, or will not be asked again.
_SETTLE = sa.text(
    "update inquiries set state = :state, verdict = :verdict, coverage = :coverage,"
    " outcome = :outcome, vendor_code = :code, answered_at = :now, next_try_at = null"
    " where practice_id = :practice and id = :id"
)

# A person wants the payers asked again whose answers did not settle it. A question that is still on
# its way goes on: asking it anew would cost a second fee.
_RETIRE = sa.text(
    "update inquiries set state = 'retired', next_try_at = null where practice_id = :practice"
    " and case_id = :case and state in ('answered', 'failed') and verdict <> 'active'"
)

# What was asked about these policies was about something else, whatever the answer.
_RETIRE_RANKS = sa.text(
    "update inquiries set state = 'retired', next_try_at = null where practice_id = :practice"
    " and case_id = :case and rank = any(:ranks)"
)

# The raw answer, before anything reads it.
_KEEP = sa.text(
    "insert into answers (practice_id, id, inquiry_id, content_kind, raw, received_at)"
    " values (:practice, :id, :inquiry, :kind, :raw, :now)"
)

# The question has its raw answer.
_RECEIVED = sa.text(
    "update inquiries set state = 'received', outcome = 'ok', vendor_code = ''"
    " where practice_id = :practice and id = :id"
)

# The newest raw answer to a question.
_RAW = sa.text(
    "select id, content_kind, raw from answers where practice_id = :practice"
    " and inquiry_id = :inquiry order by received_at desc limit 1"
)


def mark_sent(session: Session, inquiry: UUID, now: datetime) -> None:
    """Keep that the question is about to leave."""
    session.run(_SEND, id=inquiry, now=now)


def postpone(
    session: Session,
    inquiry: UUID,
    next_try: datetime,
    now: datetime,
    *,
    outcome: str,
    code: str,
    pending_token: str = "",
    anew: bool = False,
) -> None:
    """Keep when the question is asked again, or polled when there is a token.

    `anew`: what was pending was answered, so the next try asks and does not poll.
    """
    token = None
    if pending_token:
        token = session.sealer.seal(pending_token.encode(), "inquiries", "pending_token", inquiry)
    state = InquiryState.PENDING if pending_token else InquiryState.DUE
    session.run(
        _LATER,
        id=inquiry,
        state=state,
        next_try=next_try,
        now=now,
        outcome=outcome,
        code=code,
        token=token,
        anew=anew,
    )


def reroute(session: Session, inquiry: UUID, connection: str, payer_code: str) -> None:
    """Let the next try go over another connection, under the payer's code there."""
    session.run(_REROUTE, id=inquiry, connection=connection, payer_code=payer_code)


def search_otherwise(
    session: Session, inquiry: UUID, search: int, now: datetime, *, code: str
) -> None:
    """Let the next try, due now, look for the person by the payer's next search."""
    session.run(_SEARCH, id=inquiry, search=search, now=now, code=code)


def settle(
    session: Session,
    inquiry: UUID,
    coverage: Coverage,
    now: datetime,
    *,
    answered: bool,
    outcome: str = "ok",
    code: str = "",
) -> None:
    """Keep what the payer said, or that it will not be asked any more."""
    session.run(
        _SETTLE,
        id=inquiry,
        state=InquiryState.ANSWERED if answered else InquiryState.FAILED,
        verdict=coverage.verdict,
        coverage=session.sealer.seal(dump(coverage), "inquiries", "coverage", inquiry),
        outcome=outcome,
        code=code,
        now=now,
    )


def retire(session: Session, case: CaseId) -> None:
    """Let every question be asked anew whose answer was not plainly active."""
    session.run(_RETIRE, case=case)


# A question that came to nothing steps back behind the answer before it.
_PUT_ASIDE = sa.text(
    "update inquiries set state = 'retired', next_try_at = null where practice_id = :practice"
    " and id = :id and state in ('answered', 'failed')"
)


def put_aside(session: Session, inquiry: UUID) -> None:
    """Let a settled question not count: it brought nothing new."""
    session.run(_PUT_ASIDE, id=inquiry)


def retire_ranks(session: Session, case: CaseId, ranks: Sequence[int]) -> None:
    """Let nothing count that was asked about these policies: they were corrected."""
    session.run(_RETIRE_RANKS, case=case, ranks=list(ranks))


def keep_raw(session: Session, inquiry: UUID, answer: RawAnswer, now: datetime) -> None:
    """Keep the payer's bytes, encrypted."""
    answer_id = uuid4()
    session.run(
        _KEEP,
        id=answer_id,
        inquiry=inquiry,
        kind=answer.kind,
        raw=session.sealer.seal(answer.content, "answers", "raw", answer_id),
        now=now,
    )
    session.run(_RECEIVED, id=inquiry)


def raw(session: Session, inquiry: UUID) -> RawAnswer | None:
    """The newest raw answer to the question, or None."""
    row = session.one(_RAW, inquiry=inquiry)
    if row is None:
        return None
    content = session.sealer.open(row["raw"], "answers", "raw", row["id"])
    return RawAnswer(content, ContentKind(row["content_kind"]))


def _read(session: Session, row: sa.RowMapping) -> StoredInquiry:
    token = row["pending_token"]
    sealed = row["coverage"]
    open_ = session.sealer.open
    return StoredInquiry(
        id=row["id"],
        case=CaseId(row["case_id"]),
        rank=row["rank"],
        generation=row["generation"],
        payer_id=row["payer_id"],
        payer_name=row["payer_name"],
        connection=row["connection"],
        payer_code=row["payer_code"],
        service_date=row["service_date"],
        state=InquiryState(row["state"]),
        tries=row["tries"],
        first_sent=row["first_sent_at"],
        sent=row["sent_at"],
        next_try=row["next_try_at"],
        pending_token=open_(token, "inquiries", "pending_token", row["id"]).decode()
        if token
        else "",
        outcome=row["outcome"],
        vendor_code=row["vendor_code"],
        verdict=Verdict(row["verdict"]) if row["verdict"] else None,
        coverage=load(Coverage, open_(sealed, "inquiries", "coverage", row["id"]))
        if sealed
        else None,
        answered=row["answered_at"],
        search=row["search"],
    )
