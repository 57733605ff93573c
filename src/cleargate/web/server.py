"""The web server: pages and API under one app, with the headers that every answer carries."""

import json
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cleargate import __version__, logs
from cleargate.nouns.errors import KeysDestroyed, Refused, Unavailable
from cleargate.store.connect import AWAY
from cleargate.web import api, health
from cleargate.web.desk import entry, own_password
from cleargate.web.desk import routes as desk
from cleargate.web.desk.door import NotSignedIn, is_poll
from cleargate.web.headers import KEPT, headers
from cleargate.web.intake import check
from cleargate.web.intake import routes as intake
from cleargate.web.listener import Listener, protocol, taken_by, tls_of
from cleargate.web.pages import STATIC, render
from cleargate.web.site import Form, Pages, site_of
from cleargate.web.views import AgainView, ErrorView, Site

BODY_BYTES_MAX = 6 * 1024 * 1024
"""Two photos of 2 MB each and the fields of the form."""

RETRY_AFTER_S = 30
"""What a program is told that asks while the database is away."""

KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than proxies and browsers keep theirs (nginx and
AWS's load balancer 60 s), or they send a request into one that we are just closing."""

OPENAPI = "/api/openapi.json"

ROUTERS = (
    *(health.router, api.router, desk.router, entry.router, own_password.router),
    *(intake.router, check.router),
)

_log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[Response]]


def build(pages: Pages) -> FastAPI:
    """The app for one installation."""
    app = FastAPI(
        title="Cleargate",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
    )
    app.state.pages = pages
    app.add_middleware(_Limited)
    app.middleware("http")(_around)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(RequestValidationError, _wrong_shape)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(KeysDestroyed, _destroyed)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    logs.know("route", [OPENAPI])
    for router in ROUTERS:
        app.include_router(router)
        logs.know("route", (each.path for each in router.routes if isinstance(each, Route)))
    return app


async def _around(request: Request, handle: Handler) -> Response:
    """Refuse what is too large; add the headers; log the route, never the path."""
    started = time.monotonic()
    try:
        response = await handle(request)
    except AWAY as error:
        response = _away(request, error)
    except Exception as error:  # The only place where a bug in a page ends: told, and logged.
        response = _bug(request, error)
    for name, value in headers(secure=request.app.state.pages.secure).items():
        response.headers.setdefault(name, value)
    kept = request.url.path.startswith("/static/") and response.status_code == 200
    response.headers.setdefault("Cache-Control", KEPT if kept else "no-store")
    route = request.scope.get("route")
    _log.info(
        "request",
        method=request.method,
        route=getattr(route, "path", "unknown"),
        status=response.status_code,
        duration_ms=int((time.monotonic() - started) * 1000),
    )
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, HTTPException) else HTTPException(500, "")
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": known.detail}, known.status_code, known.headers)
    return _page(request, known.status_code, known.detail)


async def _wrong_shape(request: Request, error: Exception) -> Response:
    """Which fields are wrong, and how; what was sent is never repeated."""
    if not request.url.path.startswith("/api/") or not isinstance(error, RequestValidationError):
        return _page(request, 404)
    # What follows says which character of what was sent is wrong.
    found = {
        ".".join(map(str, each["loc"][1:])): each["msg"].partition(", invalid")[0]
        for each in error.errors()
    }
    return JSONResponse({"errors": found}, status_code=422)


async def _to_sign_in(request: Request, error: Exception) -> Response:
    slug = error.slug if isinstance(error, NotSignedIn) else ""
    address = f"/{slug}/desk/sign-in"
    if is_poll(request):
        # A redirect would be swapped into the page, which must not stay on the screen.
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


async def _unavailable(request: Request, error: Exception) -> Response:
    return _away(request, error)


async def _destroyed(request: Request, _error: Exception) -> Response:
    return await _http_error(request, HTTPException(410, "this practice has left"))


def _bug(request: Request, error: Exception) -> Response:
    _log.error("page_failed", error=error)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "internal error"}, status_code=500)
    return _page(request, 500)


def _away(request: Request, error: Exception) -> Response:
    """Database or keys are away: what was posted is in the page, to be sent again as it is.

    Whether it was kept is not known. The form's nonce and the gate's version make it one.
    """
    _log.error("alert", code="unavailable", error=error)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "try again in a minute"}, 503, headers)
    posted: Form | None = getattr(request.state, "posted", None)
    if posted is None or not _PASSWORDS.isdisjoint(posted.fields):
        page = _page(request, 503)
    else:
        title, text = _SENTENCES[503]
        text = f"{text} {_PHOTOS_ARE_LOST}" if posted.files else text
        query = f"?{request.url.query}" if request.url.query else ""
        action = f"{request.url.path}{query}"
        view = AgainView(title, text, action, posted.fields, _site(request))
        page = HTMLResponse(render("again.html", view), status_code=503)
    page.headers.update(headers)
    return page


_PASSWORDS = frozenset({"password", "old", "new", "again"})  # Fields that are never sent back.
_PHOTOS_ARE_LOST = "The photos do not go with it: bring the card to your visit."

_SENTENCES = {
    404: ("This page is not here", "The link may be incomplete or too old. Please call us."),
    405: ("This page is not here", "The link may be incomplete. Please start again."),
    410: ("This practice has left", "It does not take requests here any more."),
    413: (
        "The photos are too large",
        "Go back and send the request without them; we will ask for the card at your visit.",
    ),
    429: ("Too many requests", "Please try again in an hour, or call us."),
    500: ("Something went wrong here", "Please try again in a moment, or call us."),
    503: (
        "We cannot do this just now",
        "Please try again in a minute, or call us. It is not done twice.",
    ),
}


def _page(request: Request, status: int, detail: str = "") -> HTMLResponse:
    title, text = _SENTENCES.get(status, ("That did not work", detail))
    view = ErrorView(title, text, _site(request))
    return HTMLResponse(render("error.html", view), status_code=status)


def _site(request: Request) -> Site | None:
    """Whose page it would have been: "call us" needs a number."""
    pages: Pages = request.app.state.pages
    profile = pages.by_slug(request.url.path.strip("/").partition("/")[0])
    return site_of(profile) if profile else None


class _Limited:
    """Refuses a body that is too large: at once where its length is told, else while it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = int(dict(scope["headers"]).get(b"content-length", b"0"))
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            if told > BODY_BYTES_MAX:
                raise HTTPException(413)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES_MAX:
                raise HTTPException(413)
            return message

        await self._app(scope, limited, send)


def run(pages: Pages, listener: Listener, ready_file: Path | None) -> None:
    """Serve until told to stop. Refused when the port is taken."""
    config = configure(pages, listener)
    with taken_by(listener) as taken:
        _Announcing(config, ready_file).run(sockets=[taken])


def configure(pages: Pages, listener: Listener) -> uvicorn.Config:
    """How uvicorn serves the pages. Nobody's X-Forwarded-* is believed but a named proxy's."""
    tls = tls_of(listener)
    return uvicorn.Config(
        build(pages),
        http=protocol(secure=pages.secure),
        ws="none",
        proxy_headers=bool(listener.proxies),
        forwarded_allow_ips=list(listener.proxies),
        ssl_context_factory=None if tls is None else lambda *_: tls,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        lifespan="off",
    )


class _Announcing(uvicorn.Server):
    """Writes the ready file once it listens."""

    def __init__(self, config: uvicorn.Config, ready_file: Path | None) -> None:
        super().__init__(config)
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        if self._ready_file is not None and sockets:
            address = sockets[0].getsockname()
            _write_ready(self._ready_file, {"host": address[0], "port": address[1]})


def _write_ready(file: Path, ready: Mapping[str, object]) -> None:
    """Write the file whole or not at all. Refused when there is no room, or no right to."""
    temporary = file.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(ready))
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        msg = f"the ready file {file} cannot be written ({error.strerror}); name another place"
        raise Refused(msg) from None
