"""The vault: which data key is the newest, who wrapped it, and which practice's keys are gone.

The running processes add keys; only the owner, as whom `cleargate keys` works, changes or destroys
them (docs/decisions/0007-keys-are-the-owners.md).
"""

from alembic import op

revision = "0005"
down_revision = "0004"

VAULT = """
alter table practices add column newest_key integer not null default 0;
alter table practices add column shredded_at timestamptz;
alter table data_keys add column wrapped_by text not null default '';
alter table data_keys add column rotated_at timestamptz;
alter table engine_keys add column wrapped_by text not null default '';
alter table attachments add column object text not null default '';
revoke update on practices from cleargate_app;
grant update (name, zone) on practices to cleargate_app;
revoke update, delete on data_keys, engine_keys from cleargate_app;
"""


def upgrade() -> None:
    """A practice's first key needs no note: where none says more, the newest of those that are."""
    op.execute(VAULT)
