"""The page on which somebody at the desk gives themself another password."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from cleargate.nouns.errors import Refused
from cleargate.people.own_password import Change, change_password
from cleargate.people.passwords import LENGTH_MIN
from cleargate.web.desk import gates_page
from cleargate.web.desk.door import AtDesk, InDesk, OwnForm, cookie_name
from cleargate.web.pages import render
from cleargate.web.views import PasswordView

router = APIRouter(include_in_schema=False)


@router.get("/{slug}/desk/password")
def ask_for_passwords(desk: InDesk) -> HTMLResponse:
    """The empty page."""
    return _page(desk)


@router.post("/{slug}/desk/password")
def change_own_password(desk: InDesk, form: OwnForm, request: Request) -> Response:
    """Change it; every other session of theirs ends."""
    here, fields = desk.here, form.fields
    new = fields.get("new", "")
    if new != fields.get("again", ""):
        return _page(desk, "The new password and the one below it are not the same.")
    profile, member = here.profile, desk.who.member
    own_words = (member.username, member.name, profile.name, profile.slug)
    change = Change(fields.get("old", ""), new, own_words)
    token = request.cookies.get(cookie_name(here), "")
    try:
        change_password(here.pages.database, desk.who, change, token, here.now, here.source)
    except Refused as refused:
        return _page(desk, str(refused))
    return _page(desk, done=True)


def _page(desk: AtDesk, error: str = "", *, done: bool = False) -> HTMLResponse:
    with desk.here.session() as session:
        shown = gates_page.desk_view(session, desk)
    view = PasswordView(shown, shown.password_url, LENGTH_MIN, error, done=done)
    return HTMLResponse(render("desk/password.html", view), status_code=422 if error else 200)
