"""Payers and clearinghouses that do not answer, so that not every case has to find it out."""

from alembic import op

revision = "0002"
down_revision = "0001"

OUTAGES = """
create table outages (
    practice_id uuid not null references practices,
    connection text not null,
    payer_id text not null,
    failures integer not null,
    since timestamptz not null,
    keep_away_until timestamptz not null,
    primary key (practice_id, connection, payer_id)
);
alter table outages enable row level security;
alter table outages force row level security;
create policy practice_only on outages using (practice_id =
    (select nullif(current_setting('app.practice_id', true), '')::uuid));
grant select, insert, update, delete on outages to cleargate_app;
create index inquiries_open on inquiries (practice_id, connection, payer_id)
    where state in ('due', 'sent', 'received', 'pending');
"""


def upgrade() -> None:
    """Create the table, and an index over the questions that wait."""
    op.execute(OUTAGES)
