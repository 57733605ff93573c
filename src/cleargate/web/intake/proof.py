"""What opens a patient's page: the link, and for stored data the birth date as well."""

from fastapi import HTTPException

from cleargate.nouns.case import Case
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from cleargate.store import audit, cases, links
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.links import TRIES_MAX, Link, LinkPurpose
from cleargate.web.intake.reading import date_from_text
from cleargate.web.site import Form, Here

WRONG = "That does not fit. Please check the date, or call us."


def link(session: Session, here: Here, token: str, purpose: LinkPurpose) -> Link:
    """The link of a token, if it is for this; else 404."""
    found = links.find(session, token, here.now)
    if found is None or found.purpose is not purpose:
        raise HTTPException(404)
    return found


def proved(
    session: Session, here: Here, token: str, purpose: LinkPurpose, form: Form
) -> Case | None:
    """The case of a link, when the birth date fits; a few wrong ones end the link."""
    found = links.find(session, token, here.now, hold=True)
    if found is None or found.purpose is not purpose or found.tries >= TRIES_MAX:
        return None
    case = cases.get(session, found.case)
    said = date_from_text(form.fields.get("birth_date", "").strip())
    right = case is not None and said == case.request.patient.birth_date
    if not right:
        links.count_wrong_answer(session, token)
        if purpose is LinkPurpose.CHECK_DETAILS and found.tries + 1 == TRIES_MAX:
            requests.call_instead(session, found.case)
    _record_read(session, found.case, purpose, "ok" if right else "refused")
    return case if right else None


def _record_read(session: Session, case: CaseId, purpose: LinkPurpose, outcome: str) -> None:
    """Whoever sees stored data, or tries to, is on the trail before the answer leaves."""
    event = Event(
        f"{purpose}.read",
        Action.READ,
        "case",
        str(case),
        actor=requests.PATIENT,
        outcome=outcome,
        case=case,
    )
    audit.record(session, event)
