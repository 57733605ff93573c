"""What the catalogue must show of every table: bound to its practice, or free for a reason.

tests/security/test_row_security.py holds the catalogue against this.
"""

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

TRAIL_DAYS_MIN = 2192
"""How long the trail is kept at least: six years. Nothing here deletes from it, and no role but
the tables' owner could. Source: 45 CFR 164.316(b)(2)(i)."""

APPEND_ONLY = frozenset({"audit_events", "attempts", "answers"})
"""Tables to which the app role can add, and nothing else.

Raw answers and attempts are deleted with their cases, by the retention role; the trail never is.
"""

UNDELETABLE = APPEND_ONLY | {"holds", "restores"}
"""Tables from which the app role can delete nothing."""
