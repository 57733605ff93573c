"""What the catalogue must show of every table: bound to its practice, or free for a reason.

tests/security/test_row_security.py holds the catalogue against this.
"""

from dataclasses import dataclass
from types import MappingProxyType

POLICY = "practice_only"
"""The one policy of every table with practice data."""

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
"""Tables in which the app role can change nothing; to the trail's seals it cannot even add."""


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
