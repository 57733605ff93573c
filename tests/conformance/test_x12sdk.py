"""Another library's models of the 270 read every question of ours, and write it back unchanged.

x12sdk (the kept fork of LinuxForHealth's x12) shares no code with ours. It asks for both names of a
patient, which the standard's alternate searches leave out: those are read by our own tests alone.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from x12sdk.io import X12ModelReader

from cleargate.nouns.eligibility import Detail, Inquiry, ServiceList
from cleargate.nouns.patient import Name
from cleargate.x12.eligibility_270 import Routing, write_270
from tests.unit.x12.test_eligibility_270 import CHILD, INQUIRY, ROUTING, WHEN
from tests.unit.x12.test_questions_read_back import inquiries

NAMES = frozenset({Detail.FAMILY_NAME, Detail.GIVEN_NAME})


def assert_reads_back(inquiry: Inquiry, routing: Routing) -> None:
    """One model, whose own writing is ours from ST to SE."""
    text = write_270(inquiry, routing, 42, WHEN).decode()
    with X12ModelReader(text) as reader:
        [model] = reader.models()
    end = routing.delimiters.terminator
    start = text.index(f"{end}ST{routing.delimiters.element}") + 1
    body = text[start : text.index(f"{end}GE{routing.delimiters.element}") + 1]
    assert model.x12(use_new_lines=False) == body


@pytest.mark.parametrize("inquiry", [INQUIRY, CHILD], ids=["subscriber", "dependent"])
@pytest.mark.parametrize("service_list", ServiceList)
def test_it_reads_what_we_write(inquiry: Inquiry, service_list: ServiceList) -> None:
    everything = replace(inquiry, search=frozenset(Detail), service_list=service_list)
    for each in (replace(inquiry, service_list=service_list), everything):
        assert_reads_back(each, ROUTING)


@settings(max_examples=100, deadline=None)
@given(inquiries(), st.booleans())
def test_it_reads_whatever_is_asked(inquiry: Inquiry, repeat: bool) -> None:
    """With the usual delimiters: others it reads, and writes the usual ones."""
    assert_reads_back(named(inquiry), replace(ROUTING, repeat_services=repeat))


def named(inquiry: Inquiry) -> Inquiry:
    """The same question with both names of everybody."""
    holder = inquiry.insurance.subscriber
    if holder is not None:
        holder = replace(holder, name=Name(holder.name.family, "Ann"))
    return replace(
        inquiry,
        patient=replace(inquiry.patient, name=Name(inquiry.patient.name.family, "Bee")),
        insurance=replace(inquiry.insurance, subscriber=holder),
        search=inquiry.search | NAMES,
    )
