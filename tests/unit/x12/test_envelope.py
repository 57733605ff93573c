"""Interchanges, groups and sets: one at a time, with every wrong count told."""

import tracemalloc
from collections.abc import Iterator

import pytest

from cleargate.x12.diagnostics import Diagnostic, Severity
from cleargate.x12.envelope import TransactionSet, transaction_sets
from cleargate.x12.tokenizer import chunked
from tests.unit.x12.test_tokenizer import ISA

GS = "GS*HB*P*C*20260501*1200*7*X*005010X279A1"
SET = "ST*271*0001*005010X279A1~BHT*0022*11~SE*3*0001"
TAIL = "GE*1*7~IEA*1*000000001~"


def read(text: str) -> tuple[list[TransactionSet], list[Diagnostic]]:
    findings: list[Diagnostic] = []
    return list(transaction_sets(chunked(text.encode()), findings.append)), findings


def test_a_set_knows_its_code_its_version_and_where_it_starts() -> None:
    [found], findings = read(f"{ISA}~{GS}~{SET}~{TAIL}")
    assert (found.code, found.control, found.version) == ("271", "0001", "005010X279A1")
    assert (found.first, len(found.segments), found.complete) == (3, 3, True)
    assert findings == []


def test_without_st03_the_version_is_that_of_the_group() -> None:
    [found], _ = read(f"{ISA}~{GS}~ST*271*0001~SE*2*0001~{TAIL}")
    assert found.version == "005010X279A1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{ISA}~{GS}~ST*271*0001~SE*9*0001~{TAIL}", "set_count"),
        (f"{ISA}~{GS}~ST*271*0001~SE*x*0001~{TAIL}", "set_count"),
        (f"{ISA}~{GS}~ST*271*0001~SE*2*0002~{TAIL}", "set_control"),
        (f"{ISA}~{GS}~{SET}~GE*2*7~IEA*1*000000001~", "count"),
        (f"{ISA}~{GS}~{SET}~GE*1*8~IEA*1*000000001~", "control"),
        (f"{ISA}~{GS}~{SET}~GE*1*7~IEA*2*000000001~", "count"),
        (f"{ISA}~{GS}~{SET}~GE*1*7~IEA*1*000000002~", "control"),
        (f"{ISA}~{GS}~{SET}~GE*1*7~", "interchange_cut_off"),
        (f"{ISA}~{SET}~IEA*0*000000001~", "set_outside_group"),
        (f"{ISA}~{GS}~{SET}~NM1*PR~{TAIL}", "stray_segment"),
        (f"{ISA}~{GS}~SE*1*0001~{SET}~{TAIL}", "stray_segment"),
        (f"{ISA}~GE*1*7~{GS}~{SET}~{TAIL}", "stray_segment"),
    ],
)
def test_what_is_wrong_with_the_envelope_is_a_warning_and_the_set_is_read(
    text: str, code: str
) -> None:
    sets, findings = read(text)
    assert len(sets) == 1
    assert sets[0].complete
    assert [(f.code, f.severity) for f in findings] == [(code, Severity.WARNING)]


@pytest.mark.parametrize(
    "rest",
    ["", "BHT*0022~", "GE*1*7~IEA*1*000000001~", f"{SET}~{TAIL}", f"{ISA}~{GS}~{SET}~{TAIL}"],
)
def test_a_set_without_its_trailer_is_handed_out_as_incomplete(rest: str) -> None:
    sets, findings = read(f"{ISA}~{GS}~ST*271*0009~HL*1**20*1~{rest}")
    assert (sets[0].control, sets[0].complete) == ("0009", False)
    assert all(later.complete for later in sets[1:])
    assert "set_cut_off" in {f.code for f in findings if f.severity is Severity.ERROR}


def test_a_ta1_is_handed_out_as_a_set_of_its_own() -> None:
    sets, _ = read(f"{ISA}~TA1*000000001*260501*1200*R*006~IEA*0*000000001~")
    assert [one.code for one in sets] == ["TA1"]


def test_no_finding_carries_what_stands_in_the_file() -> None:
    _, findings = read(f"{ISA}~{GS}~ST*271*SECRET1~NM1*IL*1*SECRET2~SE*9*SECRET3~GE*SECRET4~")
    assert findings
    assert "SECRET" not in " ".join(map(str, findings))


def test_a_file_of_many_sets_is_read_in_constant_memory() -> None:
    def pieces() -> Iterator[bytes]:
        yield f"{ISA}~{GS}~".encode()
        for _ in range(200):
            yield (f"{SET}~" * 500).encode()
        yield TAIL.encode()

    tracemalloc.start()
    count = sum(1 for _ in transaction_sets(pieces(), lambda finding: None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 3 * 1024 * 1024
