"""What a rotation seals anew is everything that is sealed: by the source, and by the catalogue."""

import ast
from pathlib import Path

import cleargate
from cleargate.store.schema import BYTES_NOT_SEALED, PUBLIC_TABLES, SEALED, SEALED_ELSEWHERE
from tests.house import House

_SOURCE = Path(cleargate.__file__).parent
_ARGUMENTS = 4


def _listed() -> set[tuple[str, str]]:
    return {(table, column) for table, each in SEALED.items() for column in each.columns}


def _sealed_in_source() -> set[tuple[str, str]]:
    """Table and column of every call of `seal` in the source, both written out."""
    found = set()
    for path in _SOURCE.rglob("*.py"):
        if path.name in ("crypto.py", "resealing.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or len(node.args) != _ARGUMENTS:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called == "seal":
                place = [each.value for each in node.args[1:3] if isinstance(each, ast.Constant)]
                assert len(place) == 2, f"{path.name}:{node.lineno}: write the place out"
                found.add((str(place[0]), str(place[1])))
    return found


def test_every_place_that_is_sealed_is_on_the_list() -> None:
    elsewhere = {tuple(each.split(".")) for each in SEALED_ELSEWHERE}
    assert _sealed_in_source() == _listed() | elsewhere
    assert all(SEALED_ELSEWHERE.values())


def test_every_binary_column_is_sealed_or_says_why_not(house: House) -> None:
    with house.owner() as owner:
        rows = owner.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public' and data_type = 'bytea'"
        ).fetchall()
    columns = {(table, column) for table, column in rows if table not in PUBLIC_TABLES}
    free = {tuple(each.split(".")) for each in BYTES_NOT_SEALED}
    assert columns == _listed() | free
    assert not _listed() & free
    assert all(BYTES_NOT_SEALED.values())


def test_the_row_of_every_seal_is_the_table_s_own_key(house: House) -> None:
    with house.owner() as owner:
        for table, sealed in SEALED.items():
            key = owner.execute(
                "select array_agg(a.attname::text order by array_position(i.indkey::int2[],"
                " a.attnum)) from pg_index i join pg_attribute a on a.attrelid = i.indrelid"
                " and a.attnum = any(i.indkey) where i.indrelid = %s::regclass and i.indisprimary",
                (table,),
            ).fetchone()
            assert key == (["practice_id", sealed.row],)
