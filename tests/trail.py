"""The trail as tests read it: each field of an event's text as a column."""

_TEXTS = ("action", "outcome", "entity_type", "connection", "code", "request_id", "digest")

TRAIL = (
    "(select practice_id, id, recorded, type, actor, entity_id, case_id, body::jsonb ->> 'software'"
    " as software, "
    + ", ".join(f"coalesce(body::jsonb ->> '{each}', '') as {each}" for each in _TEXTS)
    + " from audit_events) as trail"
)
"""What stands after `from` in a query."""
