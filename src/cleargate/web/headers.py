"""What every answer tells the browser: whom to trust, what to run, and what to keep."""

from collections.abc import Mapping
from types import MappingProxyType

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
        " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Robots-Tag": "noindex",
    }
)
"""On every answer of ours, whatever it is about."""

HSTS = "max-age=63072000"
"""Two years. Not for the names below ours: they may be somebody else's."""

FORGET: Mapping[str, str] = MappingProxyType({"Clear-Site-Data": '"cache", "storage"'})
"""When a session ends. Not "cookies": that takes those of the whole domain, which may be somebody
else's; ours is taken back by name."""

KEPT = "public, max-age=31536000, immutable"
"""For static files, whose addresses change with their content (see `static_url`)."""


def headers(*, secure: bool) -> dict[str, str]:
    """The headers of every answer; `secure` when the site's own address is https."""
    return {**HEADERS, "Strict-Transport-Security": HSTS} if secure else dict(HEADERS)
