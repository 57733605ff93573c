"""The page on which a patient checks what was doubtful, opened by the link of a mail.

Where the birth date itself is doubtful it cannot open the page; then nothing stored is shown.
"""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.scheduling import requests
from cleargate.scheduling.request_fields import fields_of
from cleargate.store import attachments, cases, links
from cleargate.store.database import Session
from cleargate.store.links import LinkPurpose
from cleargate.web.intake import form_page, forms, proof
from cleargate.web.intake.photos import reencode_all
from cleargate.web.intake.routes import today
from cleargate.web.pages import render
from cleargate.web.site import Form, Here, InPractice, Posted
from cleargate.web.views import BirthDateView, CheckView, ErrorView

router = APIRouter(include_in_schema=False)

_PURPOSE = LinkPurpose.CHECK_DETAILS
_PROOF = "birth_date"
_SENT = "sent"
"""A hidden field of the page itself, which the birth-date question has not."""
_NOT_DROPPED = "Enter the insurance company on the card, or call us if you have it no more."
_CALL = "We cannot take that here. Please call us, and we change it together."


@router.get("/{slug}/check/{token}")
def ask_birth_date(here: InPractice, token: str) -> HTMLResponse:
    """The birth-date question; the same for a link that leads nowhere."""
    with here.session() as session:
        case = _without_proof(session, here, token)
    if case is not None:
        return _page(here, token, case, {})
    return _question(here, token)


@router.post("/{slug}/check/{token}")
def check(here: InPractice, token: str, form: Posted) -> HTMLResponse:
    """Show what is doubtful after the right birth date; take what the patient says about it."""
    with here.session() as session:
        case = _without_proof(session, here, token) or proof.proved(
            session, here, token, _PURPOSE, form
        )
    if case is None:
        return _question(here, token, proof.WRONG)
    if not requests.waits_for_patient(case):
        return _too_late(here)
    if _SENT not in form.fields:
        return _page(here, token, case, fields_of(case.request))
    return _take(here, token, case, form)


def _take(here: Here, token: str, case: Case, form: Form) -> HTMLResponse:
    """Put what was sent in the place of what was doubtful, and of nothing else."""
    request = replace(case.request, earliest=max(case.request.earliest, today(here)))
    said = {name: form.fields.get(name, "") for name in case.memo.doubtful}
    read = forms.parse(
        fields_of(request) | said,
        here.profile.directory.visit_types,
        today(here),
        here.profile.payers,
        request.channel,
    )
    photos, errors = reencode_all(form.files)
    if isinstance(read, forms.FormErrors):
        errors = {**_mendable(case, read.errors), **errors}
    elif len(read.insurances) < len(case.request.insurances):
        errors = {"secondary_payer": _NOT_DROPPED, **errors}
    if errors or isinstance(read, forms.FormErrors):
        return _page(here, token, case, said, errors)
    # The day has moved on by itself, which is nothing that the patient has said.
    read = replace(read, earliest=case.request.earliest)
    try:
        with here.session() as session:
            taken = requests.correct(
                session,
                case.id,
                read,
                actor=requests.PATIENT,
                now=here.now,
                generation=case.generation,
            )
            for kind, content in photos.items() if taken else ():
                attachments.add(session, case.id, kind, content, here.now)
    except Refused:
        return _page(here, token, case, said, {"form": _CALL})
    return _thanks(here) if taken else _too_late(here)


def _mendable(case: Case, errors: Mapping[str, str]) -> Mapping[str, str]:
    """The mistakes that can be mended on the page; of others it can only be said to call."""
    here = {name: text for name, text in errors.items() if name in case.memo.doubtful}
    return here or {"form": _CALL}


def _without_proof(session: Session, here: Here, token: str) -> Case | None:
    """The case of the link, where it may be opened without the birth date."""
    link = links.find(session, token, here.now)
    if link is None or link.purpose is not _PURPOSE:
        return None
    case = cases.get(session, link.case)
    if case is None or not requests.waits_for_patient(case):
        return None
    return case if _PROOF in case.memo.doubtful else None


def _question(here: Here, token: str, error: str = "") -> HTMLResponse:
    action = f"/{here.profile.slug}/check/{token}"
    view = BirthDateView(here.site, action, error, "Please check your request", "Go on")
    page = render("intake/birth_date.html", view)
    return HTMLResponse(page, status_code=403 if error else 200)


def _page(
    here: Here,
    token: str,
    case: Case,
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """The doubtful fields alone; what else is stored does not leave."""
    doubtful = frozenset(case.memo.doubtful)
    unproved = _PROOF in doubtful
    shown = {name: value for name, value in values.items() if name in doubtful}
    form = form_page.view(
        here,
        f"/{here.profile.slug}/check/{token}",
        "",
        {} if unproved and not errors else shown,
        errors,
    )
    born = "" if unproved else f"{case.request.patient.birth_date:%m/%d/%Y}"
    page = render("intake/check.html", CheckView(here.site, form, doubtful, born))
    return HTMLResponse(page, status_code=422 if errors else 200)


def _thanks(here: Here) -> HTMLResponse:
    text = "We go on with your request now, and write or call. You may close this page."
    return HTMLResponse(render("error.html", ErrorView("Thank you", text, here.site)))


def _too_late(here: Here) -> HTMLResponse:
    """Said to who sends it twice as well, so it must not alarm; but nothing was taken."""
    text = "We have gone on with your request. If something is still wrong, please call us."
    return HTMLResponse(render("error.html", ErrorView("Thank you", text, here.site)))
