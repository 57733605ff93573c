"""The practices of this installation: names and ids, nothing about patients."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId

_NAMESPACE = UUID("6f0c4a52-5b57-4d0e-9a53-7d6f3a1f4c11")

# Keep a practice as its settings name it.
_KEEP = sa.text(
    "insert into practices (id, slug, name, zone) values (:id, :slug, :name, :zone)"
    " on conflict (id) do update set name = excluded.name, zone = excluded.zone"
)


# Every practice, those that have left included.
_ALL = sa.text("select id, slug, shredded_at from practices order by slug limit 1000")


@dataclass(frozen=True, slots=True)
class KnownPractice:
    """A practice of the database; `shredded` is when it left and its keys were destroyed."""

    id: PracticeId
    slug: str
    shredded: datetime | None


def known(connection: sa.Connection) -> list[KnownPractice]:
    """Every practice, those that have left included, by slug."""
    rows = connection.execute(_ALL)
    return [KnownPractice(PracticeId(row.id), row.slug, row.shredded_at) for row in rows]


def practice_id(slug: str) -> PracticeId:
    """A practice's id, derived from its slug so that every machine agrees."""
    return PracticeId(uuid5(_NAMESPACE, slug))


def keep(connection: sa.Connection, slug: str, name: str, zone: str) -> PracticeId:
    """Make or rename a practice."""
    practice = practice_id(slug)
    values = {"id": practice, "slug": slug, "name": name, "zone": zone}
    connection.execute(_KEEP, values)
    return practice
