"""The practices' policy without its sub-select, which Postgres planned anew with every statement.

Every statement names its practice itself, and its indexes begin with it, so that the setting is
read once a statement, not once a row. bench/row_security.py and bench/trail_write.py measure it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

PLAIN = """
do $$
declare t regclass;
begin
    for t in select polrelid from pg_policy where polname = 'practice_only'
    loop
        execute format('alter policy practice_only on %s using (practice_id = '
            'nullif(current_setting(''app.practice_id'', true), '''')::uuid)', t);
    end loop;
end $$;
"""


def upgrade() -> None:
    """Replace the policy's question by a shorter one with the same answer."""
    op.execute(PLAIN)
