from tests.postgres import connect, fresh_database


def test_fresh_database_is_empty_and_owned_by_the_owner_role(cluster):
    url = fresh_database(cluster, "scratch")

    with connect(url) as owner:
        owner.execute("create table t (a int)")
    with connect(fresh_database(cluster, "scratch")) as owner:
        assert owner.execute(
            "select count(*) from pg_tables where schemaname = 'public'"
        ).fetchone() == (0,)
        assert owner.execute(
            "select current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone() == ("cleargate_owner", False, False, True, True)
