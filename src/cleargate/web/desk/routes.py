"""The desk's routes: sign in, see what needs a person, open a case, decide."""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cleargate.gates.decide import decide
from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision
from cleargate.nouns.ids import CaseId, GateId
from cleargate.people.passwords import LENGTH_MAX
from cleargate.people.sign_in import IDLE, sign_in, sign_out
from cleargate.scheduling import requests
from cleargate.store import attachments, audit, cases, gates
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.web.desk import case_page, gates_page
from cleargate.web.desk.door import (
    AtDesk,
    InDesk,
    OwnForm,
    check_origin,
    clear_cookie,
    cookie_name,
    set_cookie,
)
from cleargate.web.headers import FORGET
from cleargate.web.pages import render
from cleargate.web.site import Here, InPractice, Posted
from cleargate.web.views import SignInView

router = APIRouter(include_in_schema=False)


@router.get("/{slug}/desk/sign-in")
def ask_who(here: InPractice) -> HTMLResponse:
    """The sign-in page."""
    view = SignInView(here.site, f"/{here.profile.slug}/desk/sign-in", "")
    return HTMLResponse(render("desk/sign_in.html", view))


@router.post("/{slug}/desk/sign-in")
def let_in(here: InPractice, form: Posted, request: Request) -> Response:
    """Check name and password; the error never says which was wrong."""
    check_origin(request, here)
    username = form.fields.get("username", "")[:100]
    password = form.fields.get("password", "")
    if len(password) > LENGTH_MAX:
        return _not_let_in(here, username, f"A password has at most {LENGTH_MAX} characters.")
    database, practice = here.pages.database, here.profile.id
    token = sign_in(database, practice, username, password, here.now, here.source)
    if token is None:
        error = "Name and password do not fit. After many tries, wait a quarter of an hour."
        return _not_let_in(here, username, error)
    # The session that this browser had before: nobody could come back to it to end it.
    sign_out(database, request.cookies.get(cookie_name(here), ""), here.now, here.source)
    response = RedirectResponse(f"/{here.profile.slug}/desk", 303)
    set_cookie(response, here, token)
    return response


def _not_let_in(here: Here, username: str, error: str) -> HTMLResponse:
    view = SignInView(here.site, f"/{here.profile.slug}/desk/sign-in", "", username, error)
    return HTMLResponse(render("desk/sign_in.html", view), status_code=403)


@router.post("/{slug}/desk/sign-out")
def let_out(desk: InDesk, _form: OwnForm, request: Request) -> Response:
    """End the session at once, and let the browser forget what it kept of it."""
    here = desk.here
    token = request.cookies.get(cookie_name(here), "")
    sign_out(here.pages.database, token, here.now, here.source)
    response = RedirectResponse(f"/{here.profile.slug}/desk/sign-in", 303, FORGET)
    clear_cookie(response, here)
    return response


@router.get("/{slug}/desk")
def show_gates(desk: InDesk, page: int = 0) -> HTMLResponse:
    """What needs somebody, oldest first."""
    if not 0 <= page <= 1000:
        raise HTTPException(404)
    with desk.here.session() as session:
        view = gates_page.view(session, desk, page)
        shown = [row.case for row in view.rows]
        event = Event(
            "gates.list", Action.READ, "gates", _name(shown), actor=desk.who.actor, cases=shown
        )
        _record(desk, session, event)
    return HTMLResponse(render("desk/gates.html", view))


@router.get("/{slug}/desk/cases/{case}")
def show_case(desk: InDesk, case: UUID) -> HTMLResponse:
    """One case with everything about it; the read is on the trail before the answer leaves."""
    return _case_page(desk, CaseId(case))


def _case_page(
    desk: AtDesk, case_id: CaseId, status: int = 200, error: str = "", note: str = ""
) -> HTMLResponse:
    with desk.here.session() as session:
        case = cases.get(session, case_id)
        if case is None:
            raise HTTPException(404)
        view = case_page.view(session, desk, case, error, note)
        event = Event(
            "case.read", Action.READ, "case", str(case_id), actor=desk.who.actor, case=case_id
        )
        _record(desk, session, event)
    return HTMLResponse(render("desk/case.html", view), status_code=status)


@router.get("/{slug}/desk/cases/{case}/photos/{photo}")
def show_photo(desk: InDesk, case: UUID, photo: UUID) -> Response:
    """A photo of the insurance card."""
    with desk.here.session() as session:
        content = attachments.get(session, CaseId(case), photo)
        if content is None:
            raise HTTPException(404)
        event = Event(
            "attachment.read",
            Action.READ,
            "attachment",
            str(photo),
            actor=desk.who.actor,
            case=CaseId(case),
        )
        _record(desk, session, event)
    return Response(content, media_type="image/jpeg")


@router.post("/{slug}/desk/gates/{gate}/decision")
def decide_gate(desk: InDesk, gate: UUID, form: OwnForm) -> Response:
    """Carry out a decision; newer evidence or a quicker colleague gives 409 and the page anew."""
    decision = _decision(form.fields)
    try:
        with desk.here.session() as session:
            case = decide(session, GateId(gate), decision, actor=desk.who.actor, now=desk.here.now)
    except Refused as refused:
        with desk.here.session() as session:
            stored = gates.get(session, GateId(gate))
        if stored is None:
            raise HTTPException(404) from None
        # A note about a question that is over must not be taken for one about the next.
        return _case_page(
            desk, stored.case, 409, str(refused), decision.note if stored.open else ""
        )
    if case is None:
        raise HTTPException(404)
    return RedirectResponse(f"/{desk.here.profile.slug}/desk/cases/{case}", 303)


def _decision(sent: Mapping[str, str]) -> Decision:
    try:
        return Decision(
            choice=Choice(sent.get("choice", "")),
            evidence_version=int(sent.get("evidence_version", "")),
            detail=sent.get("detail", "")[:200],
            note=sent.get("note", "")[:500],
        )
    except ValueError:
        raise HTTPException(422, "Pick one of the choices shown.") from None


@router.post("/{slug}/desk/cases/{case}/withdraw")
def withdraw(desk: InDesk, case: UUID, _form: OwnForm) -> Response:
    """The patient called: the visit is not wanted any more."""
    with desk.here.session() as session:
        _known(session, case)
        requests.withdraw(session, CaseId(case), actor=desk.who.actor, now=desk.here.now)
    return RedirectResponse(f"/{desk.here.profile.slug}/desk/cases/{case}", 303)


@router.post("/{slug}/desk/cases/{case}/rebook")
def rebook(desk: InDesk, case: UUID, _form: OwnForm, seen: int | None = None) -> Response:
    """Give the time back and find another; once, should the button be sent twice."""
    with desk.here.session() as session:
        found = _known(session, case)
        if seen in (None, found.phase_seq):
            requests.rebook(session, CaseId(case), actor=desk.who.actor, now=desk.here.now)
    if seen not in (None, found.phase_seq):
        return _case_page(desk, found.id, 409, _MOVED_ON)
    return RedirectResponse(f"/{desk.here.profile.slug}/desk/cases/{case}", 303)


_MOVED_ON = "The case has moved on meanwhile. Look at it, then press again if it is still wanted."


def _known(session: Session, case: UUID) -> Case:
    found = cases.get(session, CaseId(case))
    if found is None:
        raise HTTPException(404)
    return found


def _name(shown: Sequence[CaseId]) -> str:
    """A name for what a list showed: with another case on it, it is another view."""
    return hashlib.sha256(b"".join(case.bytes for case in shown)).hexdigest()[:16]


def _record(desk: AtDesk, session: Session, event: Event) -> None:
    """Put it on the trail; a page that looks for news by itself is still the same view."""
    if not (desk.polled and audit.is_recent(session, event, desk.here.now - IDLE)):
        audit.record(session, event)
