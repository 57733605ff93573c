"""What every route needs: the installation's pages, the practice in the path, and the form."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser

from cleargate.directory.practice import Profile
from cleargate.nouns.ids import PracticeId
from cleargate.nouns.time import Clock
from cleargate.store.database import Database, Session, Source
from cleargate.web.views import Site

FIELDS_MAX = 120
FILES_MAX = 2
FILE_BYTES_MAX = 3 * 1024 * 1024

# A larger part would be written to a temporary file: the photo of a card, in the clear.
MultiPartParser.spool_max_size = FILE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages work with; they never see a vendor."""

    database: Database
    clock: Clock
    profiles: Mapping[PracticeId, Profile]
    secure: bool

    def by_slug(self, slug: str) -> Profile | None:
        """The practice of an address."""
        return next((each for each in self.profiles.values() if each.slug == slug), None)


@dataclass(frozen=True, slots=True)
class Here:
    """One request's place: the pages, the practice, the time, and whence it came."""

    pages: Pages
    profile: Profile
    now: datetime
    source: Source

    def session(self) -> AbstractContextManager[Session]:
        """A transaction of the practice; the trail says whence it came."""
        return self.pages.database.session(self.profile.id, self.source)

    @property
    def site(self) -> Site:
        """What every template shows of the practice."""
        return site_of(self.profile)


def site_of(profile: Profile) -> Site:
    """What every template shows of a practice."""
    return Site(profile.name, profile.phone, f"/{profile.slug}/")


@dataclass(frozen=True, slots=True)
class Form:
    """A posted form: plain fields, and uploaded files by field name."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]


def here(slug: str, request: Request) -> Here:
    """The practice that the path names; 404 when there is none."""
    pages: Pages = request.app.state.pages
    profile = pages.by_slug(slug)
    if profile is None:
        raise HTTPException(404)
    return Here(pages, profile, pages.clock.now(), Source("web", address_of(request)))


async def posted(request: Request) -> Form:
    """The form in the body; the last of equal fields counts."""
    async with request.form(
        max_files=FILES_MAX, max_fields=FIELDS_MAX, max_part_size=FILE_BYTES_MAX
    ) as form:
        fields: dict[str, str] = {}
        files: dict[str, bytes] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read(FILE_BYTES_MAX)
                if content:
                    files[name] = content
            else:
                fields[name] = value.replace("\0", "")  # Postgres cannot hold it.
    sent = Form(fields, files)
    request.state.posted = sent  # Should the page have to ask for it again (see server.py).
    return sent


InPractice = Annotated[Here, Depends(here)]
Posted = Annotated[Form, Depends(posted)]


def address_of(request: Request) -> str:
    """Who asks, for throttles."""
    return request.client.host if request.client else "unknown"
