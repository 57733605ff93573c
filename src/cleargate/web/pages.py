"""From a view to HTML: one template each, everything escaped, every name defined."""

import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cleargate.web import words
from cleargate.web.intake import forms

HERE = Path(__file__).parent
STATIC = HERE / "static"
"""The files under `/static`, served as they are."""


def render(template: str, view: object) -> str:
    """The page of a template, such as `desk/gates.html`, for its view (see views.py)."""
    return _environment().get_template(template).render(view=view)


@cache
def static_url(name: str) -> str:
    """The address of a static file; it changes with the content, so it may be cached for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,  # Otherwise each page looks at the dates of all its files.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(static_url=static_url, words=words, forms=forms, enumerate=enumerate)
    return environment
