"""First light: practices, cases and what they need, under row-level security.

Every table with practice data has a practice_id, forced row-level security and the one policy.
The closed list of tables without it, each with its reason, is in store/schema.py.
"""

from alembic import op

revision = "0001"
down_revision = None

PUBLIC_TABLES = """
create table practices (
    id uuid primary key,
    slug text not null unique,
    name text not null,
    zone text not null
);
create table leases (
    executor text primary key,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    lost_at timestamptz
);
create table engine_keys (
    id integer primary key check (id = 1),
    wrapped bytea not null
);
create table sign_ins (
    token_hash bytea primary key,
    practice_id uuid not null references practices,
    staff_id uuid not null,
    csrf text not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null
);
create table api_tokens (
    token_hash bytea primary key,
    practice_id uuid not null references practices,
    name text not null,
    created_at timestamptz not null default now()
);
"""

PRACTICE_TABLES = """
create table data_keys (
    practice_id uuid not null references practices,
    id integer not null,
    wrapped bytea not null,
    created_at timestamptz not null default now(),
    primary key (practice_id, id)
);
create table staff (
    practice_id uuid not null references practices,
    id uuid not null,
    username text not null,
    name text not null,
    password_hash text not null,
    active boolean not null default true,
    primary key (practice_id, id),
    unique (practice_id, username)
);
create table cases (
    practice_id uuid not null references practices,
    id uuid not null,
    kind text not null,
    state text not null,
    channel text not null,
    visit_type text not null,
    payment text not null,
    request bytea not null,
    memo bytea not null,
    person_index bytea not null,
    form_nonce bytea not null,
    generation integer not null default 1,
    phase text not null,
    phase_seq integer not null default 0,
    due_at timestamptz,
    note text not null default '',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (practice_id, id),
    unique (practice_id, form_nonce)
);
create index cases_open on cases (practice_id, created_at) where state = 'open';
create index cases_person on cases (practice_id, person_index);
create table inquiries (
    practice_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    rank integer not null,
    generation integer not null,
    payer_id text not null,
    payer_name text not null,
    connection text not null,
    payer_code text not null,
    service_date date not null,
    state text not null,
    tries integer not null default 0,
    first_sent_at timestamptz,
    sent_at timestamptz,
    next_try_at timestamptz,
    pending_token bytea,
    outcome text not null default '',
    vendor_code text not null default '',
    verdict text not null default '',
    coverage bytea,
    answered_at timestamptz,
    primary key (practice_id, id),
    unique (practice_id, case_id, rank, generation),
    foreign key (practice_id, case_id) references cases
);
create table answers (
    practice_id uuid not null,
    id uuid not null,
    inquiry_id uuid not null,
    content_kind text not null,
    raw bytea not null,
    received_at timestamptz not null,
    primary key (practice_id, id),
    foreign key (practice_id, inquiry_id) references inquiries
);
create index answers_inquiry on answers (practice_id, inquiry_id);
create table effects (
    practice_id uuid not null,
    ref text not null,
    case_id uuid not null,
    step text not null,
    generation integer not null,
    connection text not null,
    state text not null,
    doubts integer not null default 0,
    receipt bytea,
    sent_at timestamptz not null,
    done_at timestamptz,
    primary key (practice_id, ref),
    foreign key (practice_id, case_id) references cases
);
create index effects_case on effects (practice_id, case_id, step);
create table attempts (
    practice_id uuid not null,
    id bigint generated always as identity,
    case_id uuid not null,
    step text not null,
    connection text not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    outcome text not null,
    vendor_code text not null,
    request_id text not null,
    ref text not null,
    next_try_at timestamptz,
    primary key (practice_id, id),
    foreign key (practice_id, case_id) references cases
);
create index attempts_case on attempts (practice_id, case_id, id);
create table gates (
    practice_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    reason text not null,
    evidence bytea not null,
    version integer not null default 1,
    state text not null default 'open',
    opened_at timestamptz not null,
    decided_at timestamptz,
    decided_by text not null default '',
    choice text not null default '',
    decision bytea,
    primary key (practice_id, id),
    foreign key (practice_id, case_id) references cases
);
create unique index gates_one_open on gates (practice_id, case_id) where state = 'open';
create index gates_open on gates (practice_id, opened_at) where state = 'open';
create table links (
    practice_id uuid not null,
    token_hash bytea not null,
    case_id uuid not null,
    purpose text not null,
    expires_at timestamptz not null,
    tries integer not null default 0,
    primary key (practice_id, token_hash),
    foreign key (practice_id, case_id) references cases
);
create table attachments (
    practice_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    kind text not null,
    content bytea not null,
    created_at timestamptz not null,
    primary key (practice_id, id),
    foreign key (practice_id, case_id) references cases
);
create table connections (
    practice_id uuid not null references practices,
    name text not null,
    state text not null,
    code text not null default '',
    since timestamptz not null,
    token bytea,
    budget double precision,
    budget_at timestamptz,
    primary key (practice_id, name)
);
create table throttle (
    practice_id uuid not null references practices,
    bucket bytea not null,
    window_start timestamptz not null,
    used integer not null,
    primary key (practice_id, bucket, window_start)
);
create table audit_events (
    practice_id uuid not null references practices,
    id uuid not null,
    recorded timestamptz not null default clock_timestamp(),
    type text not null,
    action text not null,
    outcome text not null,
    actor text not null,
    entity_type text not null,
    entity_id text not null,
    case_id uuid,
    connection text not null,
    code text not null,
    request_id text not null,
    software text not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (practice_id, id)
);
create index audit_events_case on audit_events (practice_id, case_id, recorded);
"""

SECURE = """
do $$
declare t text;
begin
    foreach t in array array['data_keys', 'staff', 'cases', 'inquiries', 'answers', 'effects',
        'attempts', 'gates', 'links', 'attachments', 'connections', 'throttle', 'audit_events']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy practice_only on %I using (practice_id = '
            '(select nullif(current_setting(''app.practice_id'', true), '''')::uuid))', t);
        execute format('grant select, insert, update, delete on %I to cleargate_app', t);
    end loop;
end $$;
revoke update, delete on audit_events, attempts, answers from cleargate_app;
grant select on practices to cleargate_app;
grant insert, update on practices to cleargate_app;
grant select, insert, update, delete on leases, engine_keys, sign_ins, api_tokens to cleargate_app;
"""


def upgrade() -> None:
    """Create everything."""
    op.execute(PUBLIC_TABLES)
    op.execute(PRACTICE_TABLES)
    op.execute(SECURE)
