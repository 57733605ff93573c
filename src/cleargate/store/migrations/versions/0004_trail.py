"""The trail: each event is one exact text with its hash, sealed into a tree by a role of its own.

An event's text is written once, by a trigger; the columns beside it are there to find it quickly,
and nothing that must be believed is read from them. `audit_leaves` is the order in which events
were sealed, `audit_checkpoints` the signed roots.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

EVENTS = """
alter table audit_events no force row level security;
alter table audit_events rename to audit_events_before;
drop index audit_events_case;
create table audit_events (
    practice_id uuid not null,
    xid xid8 not null,
    id uuid not null,
    recorded timestamptz not null,
    body text not null,
    leaf bytea not null check (length(leaf) = 32),
    type text,
    actor text,
    entity_id text,
    case_id uuid,
    primary key (practice_id, xid, id)
);
create index audit_events_case on audit_events (practice_id, case_id, recorded);
"""

# What the caller says, stamped with what no caller may say: id, practice, time, transaction.
STAMP = """
create function audit_stamp() returns trigger language plpgsql as $$
declare
    said jsonb;
begin
    new.recorded := clock_timestamp();
    new.xid := pg_current_xact_id();
    said := new.body::jsonb || jsonb_build_object(
        'id', new.id, 'practice', new.practice_id, 'recorded',
        to_char(new.recorded at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    new.body := said::text;
    new.leaf := sha256('\\x00'::bytea || convert_to(new.body, 'UTF8'));
    new.type := said ->> 'type';
    new.actor := said ->> 'actor';
    new.entity_id := said ->> 'entity_id';
    new.case_id := (said ->> 'case')::uuid;
    return new;
end $$;
"""

# What was recorded before keeps its id, its time and its transaction.
CARRY_OVER = """
insert into audit_events
    (practice_id, id, recorded, xid, body, leaf, type, actor, entity_id, case_id)
select practice_id, id, recorded, xid, body, sha256('\\x00'::bytea || convert_to(body, 'UTF8')),
    type, actor, entity_id, case_id
from (
    select practice_id, id, recorded, xid, type, actor, entity_id, case_id, (jsonb_build_object(
        'id', id, 'practice', practice_id, 'recorded',
        to_char(recorded at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'type', type, 'action', action, 'outcome', outcome, 'actor', actor,
        'entity_type', entity_type, 'entity_id', entity_id, 'software', software)
        || case when case_id is null then '{}' else jsonb_build_object('case', case_id) end
        || case when connection = '' then '{}'
            else jsonb_build_object('connection', connection) end
        || case when code = '' then '{}' else jsonb_build_object('code', code) end
        || case when request_id = '' then '{}'
            else jsonb_build_object('request_id', request_id) end)::text as body
    from audit_events_before) as earlier;
drop table audit_events_before;
create trigger audit_stamp before insert on audit_events
    for each row execute function audit_stamp();
"""

SEALS = """
create table audit_leaves (
    practice_id uuid not null,
    position bigint not null check (position >= 0),
    xid xid8 not null,
    event_id uuid not null,
    leaf bytea not null check (length(leaf) = 32),
    primary key (practice_id, position),
    unique (practice_id, event_id, xid)
);
create table audit_checkpoints (
    practice_id uuid not null,
    size bigint not null check (size > 0),
    note text not null,
    peaks bytea not null,
    life bigint not null,
    sealed_below xid8 not null,
    sealed_at timestamptz not null default clock_timestamp(),
    primary key (practice_id, size)
);
"""

SECURE = """
do $$
declare t text;
begin
    foreach t in array array['audit_events', 'audit_leaves', 'audit_checkpoints'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy practice_only on %I using (practice_id = '
            '(select nullif(current_setting(''app.practice_id'', true), '''')::uuid))', t);
        execute format('grant select on %I to cleargate_auditor', t);
    end loop;
end $$;
grant insert, select on audit_events to cleargate_app;
grant insert on audit_events to cleargate_auditor;
grant select on audit_leaves, audit_checkpoints to cleargate_app;
grant select (practice_id, id, leaf, xid) on audit_events to cleargate_sealer;
grant insert, select on audit_leaves, audit_checkpoints to cleargate_sealer;
grant select on practices to cleargate_sealer, cleargate_auditor;
"""


def upgrade() -> None:
    """Rewrite what is recorded as texts, and make room for the seals."""
    op.execute(EVENTS)
    op.execute(STAMP)
    op.execute(CARRY_OVER)
    op.execute(SEALS)
    op.execute(SECURE)
