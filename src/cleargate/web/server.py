"""The web server: pages and API under one app, with the headers that every answer carries."""

import json
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from cleargate import __version__
from cleargate.nouns.errors import Refused
from cleargate.web import api, health
from cleargate.web.desk import routes as desk
from cleargate.web.desk.door import NotSignedIn
from cleargate.web.intake import routes as intake
from cleargate.web.pages import STATIC, render
from cleargate.web.site import Pages
from cleargate.web.views import ErrorView

BODY_BYTES_MAX = 6 * 1024 * 1024
"""Two photos of 2 MB each and the fields of the form."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex",
}

_log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[Response]]


def build(pages: Pages) -> FastAPI:
    """The app for one installation."""
    app = FastAPI(
        title="Cleargate",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.pages = pages
    app.middleware("http")(_around)
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(health.router)
    app.include_router(api.router)
    app.include_router(desk.router)
    app.include_router(intake.router)
    return app


async def _around(request: Request, handle: Handler) -> Response:
    """Refuse what is too large; add the headers; log the route, never the path."""
    started = time.monotonic()
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES_MAX:
        response: Response = _page(413, "Too large", "Please send smaller photos.")
    else:
        response = await handle(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=63072000"
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
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
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": detail}, status_code=status)
    title, text = _SENTENCES.get(status, ("That did not work", detail))
    return _page(status, title, text)


async def _to_sign_in(_request: Request, error: Exception) -> Response:
    slug = error.slug if isinstance(error, NotSignedIn) else ""
    return RedirectResponse(f"/{slug}/desk/sign-in", 303)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("page_failed", error=type(error).__name__)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "internal error"}, status_code=500)
    return _page(500, "Something went wrong here", "Please try again in a moment, or call us.")


_SENTENCES = {
    404: ("This page is not here", "The link may be incomplete or too old. Please call us."),
    405: ("This page is not here", "The link may be incomplete. Please start again."),
    429: ("Too many requests", "Please try again in an hour, or call us."),
}


def _page(status: int, title: str, text: str) -> HTMLResponse:
    return HTMLResponse(render("error.html", ErrorView(title, text)), status_code=status)


def run(pages: Pages, host: str, port: int, ready_file: Path | None) -> None:
    """Serve until told to stop. Refused when the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        msg = f"port {port} on {host} cannot be used ({error.strerror}); set CLEARGATE_PORT"
        raise Refused(msg) from None
    config = uvicorn.Config(
        build(pages), access_log=False, log_config=None, server_header=False, lifespan="off"
    )
    server = _Announcing(config, ready_file)
    server.run(sockets=[listener])


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
            temporary = self._ready_file.with_suffix(".tmp")
            temporary.write_text(json.dumps({"host": address[0], "port": address[1]}))
            temporary.replace(self._ready_file)
