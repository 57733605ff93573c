from pathlib import Path

import pytest

from cleargate.directory.payers import (
    Category,
    Connection,
    Enrolment,
    Payer,
    PayerDirectory,
    Route,
    load_directory,
)
from cleargate.nouns.errors import Refused

STARTER = load_directory()


def practice_file(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_starter_names_at_least_150_payers_and_no_code_of_a_strange_shape() -> None:
    assert len(STARTER) >= 150
    codes = [payer.code for payer in STARTER if payer.code]
    assert all(code.isalnum() and code.isupper() | code.isdigit() for code in codes)
    assert all(4 <= len(code) <= 9 for code in codes)


def test_no_two_payers_of_the_starter_share_a_name() -> None:
    names = [name.casefold() for payer in STARTER for name in set(payer.names)]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("etna", "Aetna"),
        ("BCBS MA", "Blue Cross Blue Shield of Massachusetts"),
        ("Blue Cross of Mass", "Blue Cross Blue Shield of Massachusetts"),
        ("blu cros masachusetts", "Blue Cross Blue Shield of Massachusetts"),
        ("UHC", "UnitedHealthcare"),
        ("united helthcare", "UnitedHealthcare"),
        ("united health care", "UnitedHealthcare"),
        ("humanna", "Humana"),
        ("Bleu Cross Blue Sheild Michigan", "Blue Cross Blue Shield of Michigan"),
        ("BlueCross BlueShield of NC", "Blue Cross Blue Shield of North Carolina"),
        ("horizon bcbs nj", "Horizon Blue Cross Blue Shield of New Jersey"),
        ("Aetna Choice POS II", "Aetna"),
        ("medicare", "Medicare"),
    ],
)
def test_search_finds_the_payer_that_the_patient_means_first(typed: str, name: str) -> None:
    assert STARTER.search(typed)[0].name == name


@pytest.mark.parametrize("typed", ["", "   ", "zzzz", "%%%", "of the", "q" * 5000])
def test_search_finds_nothing_for_nothing(typed: str) -> None:
    assert STARTER.search(typed) == ()


def test_search_offers_every_region_of_a_payer_that_has_several() -> None:
    assert {payer.name.split()[0] for payer in STARTER.search("kaiser")} == {"Kaiser"}
    assert len(STARTER.search("kaiser", limit=3)) == 3


def test_a_name_counts_as_exact_only_when_it_belongs_to_one_payer() -> None:
    twins = PayerDirectory(
        [Payer("a", "Sample Health"), Payer("b", "SAMPLE-HEALTH"), Payer("c", "Other")]
    )
    assert twins.by_name("sample health") is None
    assert twins.by_name("OTHER") == twins.by_id("c")
    assert twins.by_name("othe") is None


def test_the_practices_own_file_changes_the_cells_it_fills_and_adds_rows(tmp_path: Path) -> None:
    own = practice_file(
        tmp_path,
        "id,name,aliases,category,clearinghouse:stedi,ehr:athena,routes,enrolment\n"
        "aetna,,,,AETNA1,77,,needed\n"
        "\n# a remark\n"
        '"sample-union","Sample Union, Local 1",Local One|SU1,administrator,SU001,,stedi,\n',
    )
    directory = load_directory(practice_csv=own)
    aetna, union = directory.by_id("aetna"), directory.by_name("local one")
    assert aetna is not None
    assert union is not None
    assert (aetna.name, aetna.code, aetna.clearinghouse_ids, aetna.ehr_ids, aetna.enrolment) == (
        "Aetna",
        "60054",
        {"stedi": "AETNA1"},
        {"athena": "77"},
        Enrolment.NEEDED,
    )
    assert (union.id, union.category, union.routes) == (
        "sample-union",
        Category.ADMINISTRATOR,
        ("stedi",),
    )
    assert len(directory) == len(STARTER) + 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("id,name\nx,\n", "own.csv, line 2, column name"),
        ("id,name,category\n#\nx,Sample,bleu\n", "own.csv, line 3, column category"),
        ("id,name,enrolment\nx,Sample,maybe\n", "own.csv, line 2, column enrolment"),
        ("id,name\nx,Sample\nx,Other\n", "own.csv, line 3, column id"),
        ("id,name\n,Sample\n", "own.csv, line 2, column id"),
        ("id,name\nx\n", "own.csv, line 2, column id"),
        ("id,name\nx,Sample,more\n", "own.csv, line 2, column name"),
        ("id,nmae\n", "own.csv, line 1"),
        ("id,id\n", "own.csv, line 1"),
        ("name\n", "own.csv, line 1"),
        ('id,name\nx,"Sample\n', "own.csv, line 2"),
    ],
)
def test_a_bad_row_is_refused_by_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(Refused, match=place):
        load_directory(practice_csv=practice_file(tmp_path, text))


def test_a_missing_or_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none\.csv cannot be read"):
        load_directory(practice_csv=tmp_path / "none.csv")
    (tmp_path / "own.csv").write_bytes(b"id,name\nx,\xff\xfe\n")
    with pytest.raises(Refused, match=r"own\.csv is not UTF-8"):
        load_directory(practice_csv=tmp_path / "own.csv")


CONNECTIONS = (Connection("first", "stedi"), Connection("second", "availity"))


def test_a_payer_without_routes_is_asked_over_every_connection_in_the_practices_order() -> None:
    directory = PayerDirectory(
        [Payer("x", "Sample", code="10001", clearinghouse_ids={"availity": "X-1"})]
    )
    assert directory.route("x", CONNECTIONS) == (
        Route("first", "10001", Enrolment.UNSTATED),
        Route("second", "X-1", Enrolment.UNSTATED),
    )


def test_a_payers_routes_name_connections_or_kinds_and_nothing_else_is_asked() -> None:
    by_kind = Payer("k", "Kind", code="10001", routes=("availity", "stedi"))
    by_name = Payer("n", "Name", code="10001", routes=("second",))
    directory = PayerDirectory([by_kind, by_name])
    assert [r.connection for r in directory.route("k", CONNECTIONS)] == ["second", "first"]
    assert [r.connection for r in directory.route("n", CONNECTIONS)] == ["second"]


def test_a_kind_of_clearinghouse_without_ids_of_its_own_is_asked_under_the_usual_code() -> None:
    (route,) = load_directory().route("aetna", (Connection("desk", "stedi"),))
    assert (route.connection, route.payer_code) == ("desk", "60054")


def test_nobody_is_asked_about_a_payer_without_a_code_or_outside_the_directory() -> None:
    directory = PayerDirectory([Payer("x", "Sample", clearinghouse_ids={"availity": "X-1"})])
    assert [r.connection for r in directory.route("x", CONNECTIONS)] == ["second"]
    assert directory.route("x", CONNECTIONS[:1]) == ()
    assert directory.route("", CONNECTIONS) == ()
