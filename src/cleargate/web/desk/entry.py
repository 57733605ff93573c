"""Requests that staff type: one that came by phone, and the correction of one that came wrong."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cleargate.gates.decide import decide
from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision
from cleargate.nouns.ids import CaseId
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.scheduling import requests
from cleargate.scheduling.request_fields import changed_fields, fields_of
from cleargate.store import attachments, audit, cases, gates
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.gates import StoredGate
from cleargate.web import words
from cleargate.web.desk import gates_page
from cleargate.web.desk.door import AtDesk, InDesk, OwnForm
from cleargate.web.intake import form_page, forms
from cleargate.web.intake.photos import reencode_all
from cleargate.web.intake.routes import today
from cleargate.web.pages import render
from cleargate.web.site import Form
from cleargate.web.views import EditRequestView, PhoneRequestView

router = APIRouter(include_in_schema=False)

Photos = Mapping[str, bytes]

_CHANGED = "Newer information has come in: the request was changed. Look at the case, then send."
_PHONES = ("phone", "guarantor_phone", "adjuster_phone")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was on the screen: the gate's version, 0 without one, and the case's generation."""

    version: int
    generation: int | None


@router.get("/{slug}/desk/phone")
def show_phone_form(desk: InDesk) -> HTMLResponse:
    """The request form, to be filled in during a call."""
    return _phone_page(desk, secrets.token_urlsafe(16))


@router.post("/{slug}/desk/phone")
def submit_phone_request(desk: InDesk, form: OwnForm) -> Response:
    """Keep a request that came by phone, through the same model as the patient's form."""
    here = desk.here
    nonce = form.fields.get(forms.NONCE, "") or secrets.token_urlsafe(16)
    read, photos, errors = _read(desk, form, Channel.PHONE)
    if errors or isinstance(read, forms.FormErrors):
        return _phone_page(desk, nonce, form.fields, errors)
    actor = desk.who.actor
    with here.session() as session:
        submitted = requests.submit(
            session, here.profile, read, nonce=nonce, now=here.now, actor=actor, photos=photos
        )
    return RedirectResponse(f"/{here.profile.slug}/desk/cases/{submitted.case}", 303)


def _read(
    desk: AtDesk, form: Form, channel: Channel
) -> tuple[VisitRequest | forms.FormErrors, Photos, Mapping[str, str]]:
    """A form as a request, with its photos; or what is wrong with it."""
    profile = desk.here.profile
    read = forms.parse(
        form.fields, profile.directory.visit_types, today(desk.here), profile.payers, channel
    )
    photos, errors = reencode_all(form.files)
    if isinstance(read, forms.FormErrors):
        errors = {**read.errors, **errors}
    return read, photos, errors


def _phone_page(
    desk: AtDesk,
    nonce: str,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    here = desk.here
    action = f"/{here.profile.slug}/desk/phone"
    form = form_page.view(here, action, nonce, values, errors, desk.who.csrf)
    with here.session() as session:
        view = PhoneRequestView(gates_page.desk_view(session, desk), form)
    page = render("desk/phone_request.html", view)
    return HTMLResponse(page, status_code=422 if errors else 200)


@router.get("/{slug}/desk/cases/{case}/edit")
def show_request(desk: InDesk, case: UUID) -> Response:
    """The request as it stands, to be corrected; back to the case where that is not offered."""
    with desk.here.session() as session:
        found, gate = _editable(session, CaseId(case))
        if gate is None and not requests.waits_for_patient(found):
            return _to_case(desk, found.id)
        first_day = max(found.request.earliest, today(desk.here))
        values = fields_of(replace(found.request, earliest=first_day))
        values |= {name: words.phone(values[name]) for name in _PHONES if name in values}
        _record(session, desk, "request.read", Action.READ, found.id)
        at = _Seen(gate.version if gate else 0, found.generation)
        return _edit_page(session, desk, found, at, values)


@router.post("/{slug}/desk/cases/{case}/edit")
def correct_request(
    desk: InDesk, case: UUID, form: OwnForm, version: int = 0, generation: int | None = None
) -> Response:
    """Put the corrected request in the old one's place, and find everything out anew."""
    seen = _Seen(version, generation)
    with desk.here.session() as session:
        found, gate = _editable(session, CaseId(case))
        if gate is None and not requests.waits_for_patient(found):
            return _to_case(desk, found.id)
        read, photos, errors = _read(desk, form, found.request.channel)
        if errors or isinstance(read, forms.FormErrors):
            return _edit_page(session, desk, found, seen, form.fields, errors)
    try:
        with desk.here.session() as session:
            _put(session, desk, found, gate, seen, read)
            for kind, content in photos.items():
                attachments.add(session, found.id, kind, content, desk.here.now)
    except Refused as refused:
        with desk.here.session() as session:
            found, newer = _editable(session, found.id)
            wrong = {"summary": str(refused)}
            now = _Seen(newer.version if newer else 0, found.generation)
            return _edit_page(session, desk, found, now, form.fields, wrong, 409)
    return _to_case(desk, found.id)


def _put(
    session: Session,
    desk: AtDesk,
    case: Case,
    gate: StoredGate | None,
    seen: _Seen,
    request: VisitRequest,
) -> None:
    """Decide the gate by the correction; without one, the patient was asked and has called.

    Raises Refused where the request is not that any more from which the correction was typed.
    """
    actor, now = desk.who.actor, desk.here.now
    if seen.generation not in (None, case.generation):
        raise Refused(_CHANGED)
    if gate is None:
        if not requests.correct(
            session, case.id, request, actor=actor, now=now, generation=case.generation
        ):
            raise Refused(_CHANGED)
        return
    changed = changed_fields(case.request, request)
    decision = Decision(Choice.EDIT, seen.version)
    decide(session, gate.id, decision, actor=actor, now=now, request=request)
    _record(session, desk, "request.edit", Action.UPDATE, case.id, ",".join(changed))


def _editable(session: Session, case_id: CaseId) -> tuple[Case, StoredGate | None]:
    """The case, and its open gate if it offers a correction. 404 where there is no such case."""
    case = cases.get(session, case_id)
    if case is None:
        raise HTTPException(404)
    offering = (
        each
        for each in gates.of_case(session, case_id)
        if each.open and Choice.EDIT in each.gate.choices
    )
    return case, next(offering, None)


def _to_case(desk: AtDesk, case: CaseId) -> Response:
    return RedirectResponse(f"/{desk.here.profile.slug}/desk/cases/{case}", 303)


def _edit_page(
    session: Session,
    desk: AtDesk,
    case: Case,
    seen: _Seen,
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    status: int = 422,
) -> HTMLResponse:
    here = desk.here
    base = f"/{here.profile.slug}/desk/cases/{case.id}"
    action = f"{base}/edit?version={seen.version}"
    if seen.generation is not None:
        action += f"&generation={seen.generation}"
    form = form_page.view(here, action, "", values, errors, desk.who.csrf)
    view = EditRequestView(gates_page.desk_view(session, desk), form, base)
    page = render("desk/edit_request.html", view)
    return HTMLResponse(page, status_code=status if errors else 200)


def _record(
    session: Session, desk: AtDesk, kind: str, action: Action, case: CaseId, code: str = ""
) -> None:
    """Put it on the trail; `code` names the fields that were changed, never what they hold."""
    event = Event(kind, action, "case", str(case), actor=desk.who.actor, case=case, code=code)
    audit.record(session, event)
