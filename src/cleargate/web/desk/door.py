"""The door of the desk: cookie, sign-in, CSRF. Every desk route goes through `InDesk`."""

import secrets
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, Response

from cleargate.people.sign_in import LONGEST, SignedIn, session_name, signed_in
from cleargate.web import refused
from cleargate.web.site import Form, Here, InPractice, Posted


class NotSignedIn(Exception):
    """Nobody is signed in: to the sign-in page of the practice."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class AtDesk:
    """A request by somebody who is signed in."""

    here: Here
    who: SignedIn
    polled: bool = False
    """Whether the page asked by itself, and nobody did anything."""


def is_poll(request: Request) -> bool:
    """Whether htmx asks; at the desk it only looks for news."""
    return request.headers.get("hx-request") == "true"


def cookie_name(here: Here) -> str:
    """Behind TLS the cookie is bound to this host and to TLS; plain loopback cannot have that."""
    return "__Host-cleargate" if here.pages.secure else "cleargate"


def set_cookie(response: Response, here: Here, token: str) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(here),
        token,
        max_age=int(LONGEST.total_seconds()),
        secure=here.pages.secure,
        httponly=True,
        samesite="strict",
        path="/",
    )


def clear_cookie(response: Response, here: Here) -> None:
    """Take the session from the browser, which takes no `__Host-` cookie back without `secure`."""
    response.delete_cookie(
        cookie_name(here), path="/", secure=here.pages.secure, httponly=True, samesite="strict"
    )


def at_desk(here: InPractice, request: Request) -> AtDesk:
    """Who is at the desk; NotSignedIn when nobody is."""
    token, polled = request.cookies.get(cookie_name(here), ""), is_poll(request)
    who = signed_in(here.pages.database, here.profile.id, token, here.now, extend=not polled)
    if who is None:
        raise NotSignedIn(here.profile.slug)
    source = replace(here.source, authn="password", session=session_name(token))
    return AtDesk(replace(here, source=source), who, polled)


InDesk = Annotated[AtDesk, Depends(at_desk)]


def own_form(desk: InDesk, form: Posted, request: Request) -> Form:
    """A form that our own page posted; 403 for any other site's."""
    check_origin(request, desk.here, desk.who.actor)
    if not secrets.compare_digest(form.fields.get("csrf", "").encode(), desk.who.csrf.encode()):
        refused.tell(desk.here, "form_token", desk.who.actor)
        raise HTTPException(403, "Please reload the page and try again.")
    return form


OwnForm = Annotated[Form, Depends(own_form)]


def check_origin(request: Request, here: Here, actor: str = refused.UNKNOWN) -> None:
    """Refuse a post that another site's page made.

    Our own pages' Origin is `null`, because they tell no referrer.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")
    elsewhere = origin != "null" and urlsplit(origin).netloc != request.headers.get("host")
    if elsewhere or site not in ("same-origin", "none"):
        refused.tell(here, "other_site", actor)
        raise HTTPException(403, "This was sent from another site.")
