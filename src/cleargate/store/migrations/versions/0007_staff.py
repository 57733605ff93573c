"""API tokens that are revoked and still known, and the gates of a case found by an index.

A revoked token opens nothing, but whoever still uses it can be named on its practice's trail.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

TOKENS = """
alter table api_tokens add column revoked_at timestamptz;
create index api_tokens_practice on api_tokens (practice_id, name);
create index sign_ins_staff on sign_ins (practice_id, staff_id);
create index gates_case on gates (practice_id, case_id, opened_at);
"""


def upgrade() -> None:
    """Add the column and the indexes."""
    op.execute(TOKENS)
