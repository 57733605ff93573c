"""The patient's pages: the request form, its receipt, and the two links that mails carry."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.store import cases, links, throttle
from cleargate.store.links import LinkPurpose
from cleargate.web import refused, words
from cleargate.web.intake import form_page, forms, proof
from cleargate.web.intake.photos import reencode_all
from cleargate.web.pages import render
from cleargate.web.site import Form, Here, InPractice, Posted, client_address
from cleargate.web.views import (
    BirthDateView,
    ConfirmView,
    ErrorView,
    PayerMatches,
    ReceivedView,
    StatusView,
)

router = APIRouter(include_in_schema=False)

TYPED_MAX = 100
"""A payer's name is shorter."""

NONCE_LENGTH_MIN = 20
_OVER = (CaseState.DECLINED, CaseState.WITHDRAWN)


@router.get("/{slug}/")
def show_form(here: InPractice) -> HTMLResponse:
    """The empty form, with a nonce that makes a double submit one case."""
    view = form_page.view(here, f"/{here.profile.slug}/", secrets.token_urlsafe(16))
    return HTMLResponse(render("intake/form.html", view))


@router.post("/{slug}/payers")
def payer_matches(here: InPractice, form: Posted) -> HTMLResponse:
    """Payers close to what was typed into one of the two fields. People type anything there."""
    rank = "primary" if "primary_payer" in form.fields else "secondary"
    typed = form.fields.get(f"{rank}_payer", "")[:TYPED_MAX]
    matches = PayerMatches(rank, form_page.matches(here, typed))
    return HTMLResponse(render("intake/_payer_matches.html", matches))


@router.post("/{slug}/")
def submit(here: InPractice, form: Posted, request: Request) -> Response:
    """Keep the request before answering; errors stand beside their fields."""
    with here.session() as session:
        hour = here.now.replace(minute=0, second=0, microsecond=0)
        bucket = f"posts:{client_address(request)}"
        room = throttle.take(session, bucket, hour, here.profile.intake.posts_per_hour)
    if not room:
        refused.tell(here, "posts_limit")
        raise HTTPException(429)
    if form.fields.get(forms.HONEYPOT):
        refused.tell(here, "trap")
        return _to_receipt(here, secrets.token_hex(32))
    nonce = form.fields.get(forms.NONCE, "")
    photos, errors = reencode_all(form.files)
    read = forms.parse(
        form.fields, here.profile.directory.visit_types, today(here), here.profile.payers
    )
    if isinstance(read, forms.FormErrors):
        errors = {**read.errors, **errors}
    if len(nonce) < NONCE_LENGTH_MIN:
        nonce = secrets.token_urlsafe(16)
        errors.setdefault("form", "The page was too old. Please send it again.")
    if errors or isinstance(read, forms.FormErrors):
        return _mend(here, form, nonce, errors)
    with here.session() as session:
        submitted = requests.submit(
            session, here.profile, read, nonce=nonce, now=here.now, photos=photos
        )
    return _to_receipt(here, submitted.receipt)


def _to_receipt(here: Here, token: str) -> RedirectResponse:
    return RedirectResponse(f"/{here.profile.slug}/received/{token}", 303)


def _mend(here: Here, form: Form, nonce: str, errors: Mapping[str, str]) -> HTMLResponse:
    view = form_page.view(here, f"/{here.profile.slug}/", nonce, form.fields, errors)
    return HTMLResponse(render("intake/form.html", view), status_code=422)


def today(here: Here) -> date:
    """The day in the practice's zone."""
    return here.now.astimezone(here.profile.zone).date()


@router.get("/{slug}/received/{token}")
def received(here: InPractice, token: str) -> HTMLResponse:
    """The receipt: the same for everybody, whatever becomes of the request."""
    view = ReceivedView(here.site, f"/{here.profile.slug}/status/{token}")
    return HTMLResponse(render("intake/received.html", view))


@router.get("/{slug}/confirm/{token}")
def ask_to_confirm(here: InPractice, token: str) -> HTMLResponse:
    """A button: opening the link does nothing, because mail scanners open links."""
    with here.session() as session:
        proof.link(session, here, token, LinkPurpose.CONFIRM_CONTACT)
    view = ConfirmView(here.site, f"/{here.profile.slug}/confirm/{token}")
    return HTMLResponse(render("intake/confirm.html", view))


@router.post("/{slug}/confirm/{token}")
def confirm(here: InPractice, token: str) -> HTMLResponse:
    """The patient says: yes, that was me."""
    with here.session() as session:
        link = proof.link(session, here, token, LinkPurpose.CONFIRM_CONTACT)
        requests.confirm_contact(session, link.case, here.now)
        case = cases.get(session, link.case)
    if case is None or case.state in _OVER:
        text = "There is nothing to confirm any more. Please call us if you would like a visit."
        closed = ErrorView("This request is closed", text, here.site)
        return HTMLResponse(render("error.html", closed))
    view = ConfirmView(here.site, "", done=True)
    return HTMLResponse(render("intake/confirm.html", view))


@router.get("/{slug}/status/{token}")
def ask_birth_date(here: InPractice, token: str) -> HTMLResponse:
    """The birth-date question; the same for a link that leads nowhere."""
    view = BirthDateView(here.site, f"/{here.profile.slug}/status/{token}")
    return HTMLResponse(render("intake/birth_date.html", view))


@router.post("/{slug}/status/{token}")
def show_status(here: InPractice, token: str, form: Posted) -> HTMLResponse:
    """What there is to say, after the right birth date; a few wrong ones end the link."""
    with here.session() as session:
        case = proof.proved(session, here, token, LinkPurpose.RECEIPT, form)
    if case is None:
        view = BirthDateView(here.site, f"/{here.profile.slug}/status/{token}", proof.WRONG)
        return HTMLResponse(render("intake/birth_date.html", view), status_code=403)
    return HTMLResponse(render("intake/status.html", _status(here, case)))


@router.post("/{slug}/withdraw/{token}")
def withdraw(here: InPractice, token: str) -> HTMLResponse:
    """The patient does not want the visit any more; the link is shown after the birth date."""
    with here.session() as session:
        link = proof.link(session, here, token, LinkPurpose.WITHDRAW)
        requests.withdraw(session, link.case, actor=requests.PATIENT, now=here.now)
    text = "We have taken back your request. If a time was booked, it is given back now."
    return HTMLResponse(render("error.html", ErrorView("Withdrawn", text, here.site)))


def _status(here: Here, case: Case) -> StatusView:
    """The state in the patient's words, and nothing that depends on what a payer said."""
    if case.state in _OVER:
        return StatusView(here.site, "There is no visit booked", "Please call us with questions.")
    may_withdraw = requests.may_withdraw(case, here.now)
    action = _withdraw_action(here, case.id) if may_withdraw else ""
    if case.state is CaseState.OPEN and requests.is_rechecked(case):
        case = replace(case, state=CaseState.DONE)  # That is between the payers and us.
    if case.state is CaseState.OPEN:
        return StatusView(here.site, *_in_work(case), withdraw_action=action)
    opening = case.memo.opening if case.memo.booking_id else None
    if opening is None:
        detail = "We have taken care of it ourselves. Please call us if you have not heard from us."
        return StatusView(here.site, "Your request is with our staff", detail)
    if opening.start <= here.now:
        return StatusView(here.site, "Your visit was booked", "Please call us with questions.")
    return StatusView(
        here.site,
        "Your visit is booked",
        "Please come ten minutes early.",
        visit=words.appointment(opening.start, here.profile.zone),
        place=opening.place,
        withdraw_action=action,
    )


def _in_work(case: Case) -> tuple[str, str]:
    """Headline and text while something is still done, or awaited."""
    if case.phase == UNCONFIRMED:
        return (
            "Please confirm your e-mail address",
            "We wrote to you. Open that e-mail and press the button in it: we cannot book without."
            " Nothing there? Look in spam, or call us.",
        )
    if case.phase and requests.waits_for_patient(case):
        return (
            "We have a question",
            "We wrote to you. Open the link in that e-mail: we cannot go on without."
            " Nothing there? Look in spam, or call us.",
        )
    return (
        "We have your request",
        "We are working on it and will write or call. There is nothing you need to do.",
    )


def _withdraw_action(here: Here, case: CaseId) -> str:
    """A link of its own, known only to whoever proved the birth date."""
    with here.session() as session:
        token = links.derived_token(session, case, LinkPurpose.WITHDRAW)
        expires = here.now + here.profile.intake.receipt_valid
        links.keep(session, case, LinkPurpose.WITHDRAW, token, expires)
    return f"/{here.profile.slug}/withdraw/{token}"
