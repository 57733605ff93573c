"""What the rules of store.yml must find (ruleid) and must let pass (ok)."""

import psycopg
import sqlalchemy as sa
from alembic import op
from psycopg import sql


def commits(session, engine, run, database, practice):
    # ruleid: commit-outside-store
    session.connection.commit()
    # ruleid: commit-outside-store
    with engine.begin() as connection:
        pass
    # ruleid: commit-outside-store
    with engine.connect() as connection:
        pass
    # ok: commit-outside-store
    with run.commit() as session:
        session.one(_GET)
    # ok: commit-outside-store
    with database.session(practice) as session:
        session.one(_GET)


def connections(url, database, practice):
    # ruleid: connection-of-no-practice
    sa.create_engine(url)
    # ruleid: connection-of-no-practice
    psycopg.connect(url)
    # ok: connection-of-no-practice
    database.session(practice)
    # ruleid: session-of-no-practice
    with database.public() as connection:
        pass
    # ok: session-of-no-practice
    with database.session(practice) as session:
        pass


_SELECT = "select * from cases"
# ok: values-in-sql
_GET = sa.text(f"{_SELECT} where practice_id = :practice and state = 'open'")
# ok: values-in-sql
_LIST = sa.text(
    "select * from cases where practice_id = :practice"  # a comment between
    f" and id in ({_SELECT})"
    " and kind = 'visit' order by id limit 100"
)
# ok: values-in-sql
_LOCK = sa.text(f"{_GET.text} for update")


def statements(connection, table, case, name):
    # ruleid: values-in-sql
    connection.execute(sa.text(f"select * from {table}"))
    # ruleid: values-in-sql
    connection.execute(sa.text("select * from cases where id = '%s'" % case))
    # ruleid: values-in-sql
    connection.execute(sa.text("select * from {}".format(table)))
    # ruleid: values-in-sql
    connection.execute(sa.text("select * from cases where id = " + case))
    # ruleid: values-in-sql
    connection.execute(sa.text(table))
    # ruleid: values-in-sql
    connection.exec_driver_sql(f"set role {name}")
    # ruleid: values-in-sql
    connection.execute(sql.SQL(f"create role {name}"))
    # ruleid: values-in-sql
    op.execute(f"drop table {table}")
    # ok: values-in-sql
    connection.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    # ok: values-in-sql
    op.execute(PRACTICE_TABLES)
    # ok: values-in-sql
    connection.execute(sa.text("select now()"))
