"""What the catalogue must show: every table bound to its practice or free for a reason, and what
each role may do.

store/catalogue.py and store/grants.py hold a database against this; so do the tests, and the doctor
of a running installation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

POLICY = "practice_only"
"""The one policy of every table with practice data."""

RULE = "(practice_id = (NULLIF(current_setting('app.practice_id'::text, true), ''::text))::uuid)"
"""What that policy asks, in Postgres's own words (`pg_get_expr`)."""

ENGINE = "dbos"
"""The engine's schema: ids and times only, sealed where they are more; none of it is a practice's
own. Which tables it has is the engine's affair; who may do what with them is not."""

ENGINE_VERSION = "dbos_migrations"
"""The engine's own note of its schema: only the owner, who migrates, writes it."""

PUBLIC_TABLES = MappingProxyType(
    {
        "practices": "Names and zones only; needed before any practice is chosen.",
        "leases": "Worker processes work for every practice; no practice data.",
        "engine_keys": "One wrapped key for the whole engine; no practice data.",
        "sign_ins": "A cookie says which practice: it is looked up before there is a session."
        " Hashes and random ids only.",
        "api_tokens": "A token says which practice, as a cookie does. Hashes and the token's name.",
        "cleargate_schema": "Alembic's version; the app role cannot even read it.",
    }
)
"""Tables without row-level security: name and reason. The list is closed; none may hold PHI."""

APPEND_ONLY = frozenset(
    {"audit_events", "attempts", "answers", "audit_leaves", "audit_checkpoints", "data_keys"}
)
"""Tables in which the app role can change nothing; to the trail's seals it cannot even add.

Raw answers and attempts are deleted with their cases, by the retention role; the trail never is.
"""

UNDELETABLE = APPEND_ONLY | {"holds", "restores"}
"""Tables from which the app role can delete nothing."""

TRAIL_DAYS_MIN = 2192
"""How long the trail is kept at least: six years. Nothing here deletes from it, and no role but
the tables' owner could. Source: 45 CFR 164.316(b)(2)(i)."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed columns of a table; `row` is the column that names the row in their seals."""

    row: str
    columns: tuple[str, ...]


SEALED = MappingProxyType(
    {
        "answers": Sealed("id", ("raw",)),
        "attachments": Sealed("id", ("content",)),
        "cases": Sealed("id", ("request", "memo")),
        "connections": Sealed("name", ("token",)),
        "effects": Sealed("ref", ("receipt",)),
        "gates": Sealed("id", ("evidence", "decision")),
        "inquiries": Sealed("id", ("pending_token", "coverage")),
    }
)
"""Everything that is sealed under a data key: what a rotation seals anew.

tests/unit/store/test_sealed_columns.py holds the catalogue and every call of `seal` against it."""

SEALED_ELSEWHERE = MappingProxyType(
    {
        "attachments.object": "In the bucket, under a key of its own; attachments.content is that"
        " key, and sealed.",
    }
)
"""What is sealed outside of the database, each with the reason why a rotation leaves it."""

BYTES_NOT_SEALED = MappingProxyType(
    {
        "audit_checkpoints.peaks": "Hashes over events.",
        "audit_events.leaf": "A hash over the event's text, which has nothing of a patient.",
        "audit_leaves.leaf": "The same, as it was sealed into the tree.",
        "cases.person_index": "A blind index.",
        "cases.form_nonce": "A blind index.",
        "data_keys.wrapped": "Wrapped by the key service; re-wrapped with --key-file or --kms-key.",
        "links.token_hash": "A hash of a random token.",
        "throttle.bucket": "A blind index.",
    }
)
"""Binary columns of practice tables that no data key seals, each with its reason."""


_SEALS = ("audit_leaves", "audit_checkpoints")


_DELETED = ["cases", "inquiries", "answers", "effects", "attempts", "gates", "links", "attachments"]
_SEEN_BY_RETENTION: Mapping[str, str] = {
    "practices": "id newest_key shredded_at",
    "cases": "practice_id id state kind updated_at person_index",
    "inquiries": "practice_id id case_id",
    "gates": "practice_id id case_id reason choice",
    "attachments": "practice_id id case_id created_at object",
    "answers": "practice_id id inquiry_id received_at",
    "effects": "practice_id case_id step",
    "attempts": "practice_id case_id",
    "links": "practice_id case_id",
    "holds": "practice_id case_id lifted_at",
}


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do, in Postgres's words (`select insert`), and why there is such a role.

    `bound` holds for every table with practice data that `tables` does not name; `columns` goes by
    `table.column`, `engine` for every table of the engine. What is not said here, the role may not.
    `bypasses`: it sees every practice.
    """

    reason: str
    bound: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    sequences: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    bypasses: bool = False
    member_of: frozenset[str] = frozenset()


ROLES = MappingProxyType(
    {
        "cleargate_app": Role(
            reason="Every running process: pages and workers.",
            bound="select insert update delete",
            tables={
                **dict.fromkeys(
                    ("audit_events", "attempts", "answers", "data_keys"), "select insert"
                ),
                **dict.fromkeys(_SEALS, "select"),
                "holds": "select insert",
                "restores": "select",
                "practices": "select insert",
                "leases": "select insert update delete",
                "engine_keys": "select insert",
                "sign_ins": "select insert update delete",
                "api_tokens": "select insert update delete",
                "cleargate_schema": "",
            },
            columns={
                **dict.fromkeys(("practices.name", "practices.zone"), "update"),
                **dict.fromkeys(("holds.lifted_by", "holds.lifted_at"), "update"),
            },
            engine="select insert update delete",
        ),
        "cleargate_sealer": Role(
            reason="Seals the trail: it sees which events there are, and not what they say.",
            tables={**dict.fromkeys(_SEALS, "select insert"), "practices": "select"},
            columns={
                f"audit_events.{column}": "select"
                for column in ("practice_id", "id", "leaf", "xid")
            },
        ),
        "cleargate_auditor": Role(
            reason="Reads the trail and its seals, and adds to it that it did.",
            tables={
                "audit_events": "select insert",
                **dict.fromkeys(_SEALS, "select"),
                "practices": "select",
            },
        ),
        "cleargate_retention": Role(
            reason="Deletes what is over: it sees ids, states and times, and nothing sealed.",
            tables={**dict.fromkeys(_DELETED, "delete"), "audit_events": "insert"},
            columns={
                f"{table}.{column}": "select"
                for table, columns in _SEEN_BY_RETENTION.items()
                for column in columns.split()
            },
        ),
        "cleargate_backup": Role(
            reason="Reads everything, to back it up; only `cleargate backup` signs in as it.",
            bound="select",
            tables={name: "select" for name in PUBLIC_TABLES},
            engine="select",
            bypasses=True,
        ),
    }
)
"""Every role but the owner, who migrates. The list is closed."""

OTHER_POLICIES: Mapping[tuple[str, str], str] = MappingProxyType({})
"""Policies beside the one, by table and name, each with its reason: for one named role only."""
