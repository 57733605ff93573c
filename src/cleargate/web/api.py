"""The API: what the pages do, for programs. A bearer token names the practice."""

import math
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from cleargate.gates.decide import decide
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision
from cleargate.nouns.ids import CaseId, GateId
from cleargate.scheduling import requests
from cleargate.store import api_tokens, attempts, audit, cases, gates, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import Source
from cleargate.store.links import token_hash
from cleargate.web import refused
from cleargate.web.intake import forms
from cleargate.web.intake.forms import RequestForm
from cleargate.web.intake.routes import today
from cleargate.web.site import Here, Pages, client_address

Responses = dict[int | str, dict[str, Any]]
MINUTE = timedelta(minutes=1)
_bearer = HTTPBearer(auto_error=False)

_log = structlog.get_logger()


class Problem(BaseModel):
    """Why it was not done, in a sentence."""

    detail: str


class Mistakes(BaseModel):
    """What to mend, by field; nothing that was sent is in it."""

    errors: dict[str, str]


router = APIRouter(
    prefix="/api",
    tags=["cleargate"],
    responses={
        401: {"model": Problem, "description": "The token is missing or not known"},
        422: {"model": Mistakes, "description": "Some fields are wrong"},
        429: {"model": Problem, "description": "Too many calls; Retry-After says when, in seconds"},
    },
)
_ABSENT: Responses = {404: {"model": Problem, "description": "This practice has no such thing"}}
_LATE: Responses = {409: {"model": Problem, "description": "Decided, or the evidence is newer"}}


class Asked(BaseModel):
    """A patient's request: the form's fields by name, and a nonce of the caller's own."""

    model_config = ConfigDict(hide_input_in_errors=True)

    nonce: str = Field(min_length=20, max_length=100)
    form: RequestForm


class Opened(BaseModel):
    """The case that a request became."""

    case: UUID


class GateBody(BaseModel):
    """An open gate: `version` goes into the decision."""

    id: UUID
    reason: str
    tip: str
    version: int
    choices: list[str]
    offers: dict[str, str]


class AttemptBody(BaseModel):
    """One try of one step."""

    step: str
    connection: str
    started: datetime
    duration_ms: int
    outcome: str
    vendor_code: str
    next_try: datetime | None


class CaseBody(BaseModel):
    """Where a case stands; nothing of the patient is in it."""

    id: UUID
    state: str
    phase: str
    due: datetime | None
    booked_at: datetime | None
    gate: GateBody | None
    decided_gates: int
    attempts: list[AttemptBody]


class DecisionBody(BaseModel):
    """A decision about one version of a gate's evidence."""

    choice: Choice
    evidence_version: int
    detail: str = Field(default="", max_length=200)
    note: str = Field(default="", max_length=500)


_NOT_KNOWN = "this token is not known"


class Caller:
    """Who calls: the practice of the token, and how the trail names the program."""

    def __init__(self, here: Here, actor: str) -> None:
        self.here = here
        self.actor = actor


def caller(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """401 without a token that is in force, 429 when it has called too often in this minute."""
    pages: Pages = request.app.state.pages
    if given is None:
        raise HTTPException(401, "a bearer token is needed")
    with pages.database.public() as connection:
        found = api_tokens.find(connection, token_hash(given.credentials))
    profile = pages.profiles.get(found.practice) if found else None
    if found is None or profile is None:
        _log.warning("api_token_unknown")  # Of no practice, so on no practice's trail.
        raise HTTPException(401, _NOT_KNOWN)
    source = Source("api", client_address(request), "token")
    here, actor = Here(pages, profile, pages.clock.now(), source), f"api:{found.name}"
    if found.revoked is not None:
        refused.tell(here, "revoked_token", actor)
        raise HTTPException(401, _NOT_KNOWN)
    _check_limit(here, actor)
    return Caller(here, actor)


def _check_limit(here: Here, actor: str) -> None:
    minute = here.now.replace(second=0, microsecond=0)
    with here.session() as session:
        room = throttle.take(
            session, f"calls:{actor}", minute, here.profile.intake.api_calls_per_minute
        )
    if not room:
        refused.tell(here, "calls_limit", actor)
        wait = math.ceil((minute + MINUTE - here.now).total_seconds())
        raise HTTPException(429, "too many calls in this minute", {"Retry-After": str(wait)})


ByToken = Annotated[Caller, Depends(caller)]


@router.post("/requests", status_code=201, response_model=Opened)
def open_request(asked: Asked, by: ByToken) -> Opened | JSONResponse:
    """Keep a patient's request; the same nonce again gives the same case."""
    here = by.here
    profile = here.profile
    read = forms.read(asked.form, profile.directory.visit_types, today(here), profile.payers)
    if isinstance(read, forms.FormErrors):
        return JSONResponse({"errors": dict(read.errors)}, status_code=422)
    with here.session() as session:
        submitted = requests.submit(
            session, profile, read, nonce=asked.nonce, now=here.now, actor=by.actor
        )
    return Opened(case=submitted.case)


@router.get("/cases/{case}", responses=_ABSENT)
def get_case(case: UUID, by: ByToken) -> CaseBody:
    """Where a case stands, with every try of every step."""
    here = by.here
    with here.session() as session:
        found = cases.get(session, CaseId(case))
        if found is None:
            raise HTTPException(404, "this practice has no such case")
        all_gates = gates.of_case(session, found.id)
        tries = attempts.of_case(session, found.id)
        event = Event(
            "case.read", Action.READ, "case", str(case), actor=by.actor, case=CaseId(case)
        )
        audit.record(session, event)
    open_gate = next((each for each in all_gates if each.open), None)
    opening = found.memo.opening if found.memo.booking_id else None
    return CaseBody(
        id=found.id,
        state=found.state,
        phase=found.phase,
        due=found.due,
        booked_at=opening.start if opening else None,
        gate=_gate(open_gate) if open_gate else None,
        decided_gates=sum(each.choice is not None for each in all_gates),
        attempts=[
            AttemptBody(
                step=each.step,
                connection=each.connection,
                started=each.started,
                duration_ms=each.duration_ms,
                outcome=each.outcome,
                vendor_code=each.vendor_code,
                next_try=each.next_try,
            )
            for each in tries
        ],
    )


def _gate(stored: gates.StoredGate) -> GateBody:
    gate = stored.gate
    return GateBody(
        id=stored.id,
        reason=gate.reason,
        tip=gate.tip,
        version=stored.version,
        choices=[each.value for each in gate.choices],
        offers={each.id: each.label for each in gate.offers},
    )


@router.post("/gates/{gate}/decision", responses=_ABSENT | _LATE)
def decide_gate(gate: UUID, body: DecisionBody, by: ByToken) -> Opened:
    """Decide an open gate; 409 when it is decided already or its evidence is newer."""
    here = by.here
    decision = Decision(body.choice, body.evidence_version, body.detail, body.note)
    try:
        with here.session() as session:
            case = decide(session, GateId(gate), decision, actor=by.actor, now=here.now)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    if case is None:
        raise HTTPException(404, "this practice has no such gate")
    return Opened(case=case)
