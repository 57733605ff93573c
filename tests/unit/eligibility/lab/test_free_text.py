"""Free text keeps plain benefit words with their amounts and visits, and nothing else."""

import pytest

from cleargate.eligibility.lab.free_text import plain_text, vocabulary

KEPT = (
    "COMBINED PHYSICAL AND OCCUPATIONAL THERAPY",
    "CALENDAR YEAR DEDUCTIBLE - IN NETWORK",
    "Healthcare professional is in network based on NPI ID provided in request.",
    "30 VISITS PER CALENDAR YEAR, 12 VISITS REMAINING",
    "$1,500.00 PER YEAR; 20% AFTER DEDUCTIBLE",
    "BENEFITS MAY NEED AUTHORIZATION",
    "PCP TO SUBMIT A SPECIALIST REFERRAL",
    "BCBSMA IS PRIME",
    "COPAY $20 PER VISIT(S)",
    "UNLESS OTHERWISE REQUIRED BY STATE LAW, THIS NOTICE IS NOT A GUARANTEE OF PAYMENT",
)
LOST = {
    "CALL JOHNSTONE": "CALL XXXXXXXXXXXX",
    "DR LI": "XXXX XXXX",
    "BORN 12/05/1970": "XXXX XXXX/XXXX/XXXX",
    "DEC 5, 1970": "XXXX XXXX, XXXX",
    "5 DECEMBER 1970": "XXXX XXXXXXXX XXXX",
    "PHONE 406-555-0143": "PHONE XXXX-XXXX-XXXX",
    "BORN MAY 12": "XXXX XXXX XXXX",
    "DOB 12-MAY-61": "DOB XXXX-XXXX-XXXX",
    "HE IS 93 YEARS": "XXXX IS XXXX YEARS",
    "PLAN 500": "PLAN XXXX",
    "ID 12-30 VISITS": "ID XXXX-XXXX VISITS",
    "W/QF7741209": "XXXX/XXXXXXXXXXXX",
    "$12/05": "$XXXX/XXXX",
    "GARÇON": "XXXXXXXX",
}


def plain(text: str, *hidden: str) -> tuple[str, list[str]]:
    lost: list[str] = []
    return plain_text(text, vocabulary(), frozenset(hidden), lost.append), lost


@pytest.mark.parametrize("text", KEPT)
def test_benefit_words_stay(text: str) -> None:
    assert plain(text) == (text, [])


@pytest.mark.parametrize("text", LOST)
def test_other_words_become_markers_of_their_length_class(text: str) -> None:
    assert plain(text)[0] == LOST[text]


def test_hidden_words_go_even_if_they_are_benefit_words() -> None:
    assert plain("IT MAY COST $20 OR 20%", "may", "20") == ("IT XXXX COST $XXXX OR XXXX%", [
        "MAY", "20", "20"])  # fmt: skip


def test_common_first_and_family_names_are_no_benefit_words() -> None:
    """The commonest names of the United States, but for those that no rule can do without."""
    names = """
    james john robert michael william david richard joseph thomas charles mary patricia jennifer
    linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez
    gonzalez wilson anderson taylor moore jackson martin lee perez thompson white harris sanchez
    clark ramirez lewis robinson walker young allen king wright scott torres nguyen hill flores
    green adams nelson baker hall rivera campbell mitchell carter roberts
    """
    assert [name for name in names.split() if name in vocabulary()] == []


def test_words_that_a_payer_s_own_rules_look_for_are_known() -> None:
    for words in ("DED INCLUDED IN OOP", "BCBSMA IS PRIME"):
        assert plain(words) == (words, [])
