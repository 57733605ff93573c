"""What is kept longer, what was restored, and who may delete what is over.

The retention role deletes finished cases and what hangs on them. It sees ids, states and times of
its practice's rows and nothing that is sealed.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
create table holds (
    practice_id uuid not null references practices,
    id uuid not null,
    case_id uuid,
    reason text not null,
    reference text not null,
    placed_by text not null,
    placed_at timestamptz not null,
    lifted_by text not null default '',
    lifted_at timestamptz,
    primary key (practice_id, id)
);
create index holds_in_force on holds (practice_id, case_id) where lifted_at is null;
create table restores (
    practice_id uuid not null references practices,
    restored_at timestamptz not null,
    backup text not null,
    cases_until timestamptz not null,
    primary key (practice_id, restored_at)
);
"""

SECURE = """
do $$
declare t text;
begin
    foreach t in array array['holds', 'restores']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy practice_only on %I using (practice_id = '
            '(select nullif(current_setting(''app.practice_id'', true), '''')::uuid))', t);
        execute format('grant select on %I to cleargate_app', t);
    end loop;
end $$;
grant insert on holds to cleargate_app;
grant update (lifted_by, lifted_at) on holds to cleargate_app;
"""

RETENTION = """
grant select (id, newest_key, shredded_at) on practices to cleargate_retention;
grant select (practice_id, id, state, kind, updated_at, person_index) on cases
    to cleargate_retention;
grant select (practice_id, id, case_id) on inquiries, gates, attachments to cleargate_retention;
grant select (created_at) on attachments to cleargate_retention;
grant select (reason, choice) on gates to cleargate_retention;
grant select (step) on effects to cleargate_retention;
grant select (practice_id, id, inquiry_id, received_at) on answers to cleargate_retention;
grant select (practice_id, case_id) on effects, attempts, links, holds to cleargate_retention;
grant select (lifted_at) on holds to cleargate_retention;
grant delete on cases, inquiries, answers, effects, attempts, gates, links, attachments
    to cleargate_retention;
grant insert on audit_events to cleargate_retention;
create index cases_over on cases (practice_id, updated_at) where state <> 'open';
create index attachments_case on attachments (practice_id, case_id);
"""


def upgrade() -> None:
    """Create the tables, and let the retention role delete."""
    op.execute(TABLES)
    op.execute(SECURE)
    op.execute(RETENTION)
