import pytest

from cleargate.connectors.wires.questions import control_number, refused_fields
from cleargate.nouns.errors import Refused
from tests.unit.connectors.parts import ref


def test_control_numbers_fit_their_element_and_follow_from_the_ref():
    numbers = [control_number(ref("ask", number)) for number in range(200)]
    assert all(1 <= number <= 999_999_999 for number in numbers)
    assert len(set(numbers)) == 200
    assert numbers == [control_number(ref("ask", number)) for number in range(200)]


@pytest.mark.parametrize(
    ("sentence", "fields"),
    [
        ("The member id must have 1 to 80 characters.", ("member id",)),
        ("The practice's NPI has a wrong check digit or length.", ("practice's NPI",)),
        ("A question names 1 to 99 service types.", ()),
    ],
)
def test_a_refusal_is_about_the_field_that_its_sentence_names(sentence, fields):
    assert refused_fields(Refused(sentence)) == fields
