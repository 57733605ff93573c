"""By which of a payer's searches a person is looked for."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Questions that are on their way are asked as before."""
    op.execute("alter table inquiries add column search integer not null default 0")
