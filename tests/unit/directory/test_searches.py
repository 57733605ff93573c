"""How a payer wants to be asked stands in the payer file, and a practice may know better."""

from pathlib import Path

import pytest

from cleargate.directory.payers import Payer, load_directory
from cleargate.directory.searches import Unknown, read_searches, read_service_list
from cleargate.nouns.eligibility import PRIMARY_SEARCH, Detail, ServiceList
from cleargate.nouns.errors import Refused

STARTER = load_directory()
ID_AND_BIRTH = frozenset({Detail.MEMBER_ID, Detail.BIRTH_DATE})


def test_a_payer_without_an_entry_is_asked_by_the_standard_s_primary_search_once() -> None:
    payer = Payer("sample", "Sample Payer")
    assert payer.searches == (PRIMARY_SEARCH,)
    assert payer.service_list is ServiceList.UNSTATED


def test_every_payer_of_the_starter_is_asked_by_the_primary_search_first() -> None:
    assert {payer.searches[0] for payer in STARTER} == {PRIMARY_SEARCH}
    others = {payer.id for payer in STARTER if len(payer.searches) > 1}
    assert others == {"cigna", "medicare", "railroad-medicare"}


def test_a_practice_s_own_row_says_otherwise(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "id,searches,services,source\n"
        "aetna,member_id+birth_date | member_id + family_name,repeated,our account 2026-11\n"
        "cigna,,plan,\n",
        encoding="utf-8",
    )
    directory = load_directory(practice_csv=own)
    aetna, cigna = directory.by_id("aetna"), directory.by_id("cigna")
    assert aetna is not None
    assert cigna is not None
    assert aetna.searches == (ID_AND_BIRTH, frozenset({Detail.MEMBER_ID, Detail.FAMILY_NAME}))
    assert aetna.service_list is ServiceList.REPEATED
    assert len(cigna.searches) == 2, "what the own file leaves empty stays"
    assert cigna.service_list is ServiceList.PLAN


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("member_id+ssn", "join these"),
        ("member_id", "too few"),
        ("family_name+birth_date", "too few"),
        ("given_name+member_id+birth_date", "needs family_name"),
        ("member_id+birth_date|birth_date+member_id", "each once"),
        (
            "|".join(
                "member_id+birth_date" + more
                for more in ("", "+sex", "+group", "+sex+group", "+family_name")
            ),
            "up to 4",
        ),
    ],
)
def test_a_search_that_finds_nobody_or_anybody_is_refused(cell: str, words: str) -> None:
    with pytest.raises(Unknown, match=words):
        read_searches(cell)


def test_a_refused_cell_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("id,services\naetna,all\n", encoding="utf-8")
    with pytest.raises(Refused, match="line 2, column services: use separate"):
        load_directory(practice_csv=own)
    with pytest.raises(Unknown):
        read_service_list("30")
