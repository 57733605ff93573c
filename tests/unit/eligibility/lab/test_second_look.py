"""The second look finds what a careless first one would have left, and tells where, not what."""

import pytest

from cleargate.eligibility.lab.leaf import Kind
from cleargate.eligibility.lab.replace import Original
from cleargate.eligibility.lab.second_look import Found, Public, look
from tests.unit.eligibility.lab.answers import encoded, in_json, x12, xml

NOBODY = Public(frozenset())


def seen(value: str, kind: Kind, copy: str, public: Public = NOBODY) -> list[Found]:
    return look([Original(value, kind, "segment 1, NM103")], copy, public)


@pytest.mark.parametrize(
    ("value", "kind", "copy"),
    [
        ("QUILLFEATHER", Kind.PERSON, "MSG*for Mr Quillfeather"),
        ("QUILLFEATHER", Kind.PERSON, "MSG*QUILL*FEATHER"),
        ("QUILLFEATHER", Kind.PERSON, "MSG*Q U I L L F E A T H E R"),
        ("Quillféather", Kind.PERSON, "NM1*IL*1*QUILLFEATHER"),
        ("VAN QUILL-FEATHER", Kind.PERSON, "NM1*IL*1*FEATHER"),
        ("LEE", Kind.PERSON, "NM1*IL*1*LEE"),
        ("LEE", Kind.PERSON, "EB*1**30*LEE"),
        ("MAY", Kind.PERSON, "MSG*THIS MAY BE"),
        ("QF-7741 209", Kind.ID, "REF*18*QF7741209"),
        ("QF7741209", Kind.ID, "REF*18*00QF-7741*209-01"),
        ("123456789", Kind.ID, "EB*C*IND*30***23*123456789"),
        ("123456", Kind.ID, "EB*C*IND*30***23*123456"),
        ("(406) 555-0143", Kind.CONTACT, '{"a": "4065550143"}'),
        ("19580309", Kind.BIRTH, "MSG*BORN 3/9/1958"),
        ("19580309", Kind.BIRTH, "MSG*BORN MARCH 9, 1958"),
        ("19580309", Kind.BIRTH, "MSG*BORN 09-MAR-1958"),
        ("19580309", Kind.BIRTH, "MSG*BORN 03/09/58"),
        ("19580309", Kind.BIRTH, "MSG*BORN 9MAR1958"),
        ("1958-03-09", Kind.DATE, "DTP*346*D8*19580309"),
        ("1958-03-09", Kind.DATE, "DTP*346*RD8*20200101-19580309"),
        ("QUILLFEATHER", Kind.PERSON, '{"note": "\\u0051uillfeather"}'),
        ("QUILLFEATHER", Kind.PERSON, "<message>&#81;uillfeather</message>"),
        ("QUILLFEATHER", Kind.PERSON, '{"quillfeather": 1}'),
        ("QUILLFEATHER", Kind.PERSON, "<quillfeather/>"),
        ("QUILLFEATHER", Kind.PERSON, "<!-- quillfeather -->"),
        ("PICKLEBARREL FREIGHT", Kind.GROUP, "MSG*PICKLEBARREL"),
        ("77 MARMALADE LANE", Kind.ADDRESS, "MSG*77 Marmalade Lane"),
        ("59999", Kind.ZIP, "N4*X*MT*59999"),
    ],
)
def test_it_is_found(value: str, kind: Kind, copy: str) -> None:
    [found] = seen(value, kind, f"ISA\n{copy}")
    assert found == Found(2, kind, "segment 1, NM103")


@pytest.mark.parametrize(
    ("value", "kind", "copy"),
    [
        ("IND", Kind.PERSON, "EB*C*IND*30"),
        ("DATE", Kind.PERSON, '{"date": "20200101"}'),
        ("PLAN", Kind.PERSON, "<plan>x</plan>"),
        ("MSG", Kind.PERSON, "MSG*X"),
        ("500", Kind.ID, "EB*C*IND*30***23*500"),
        ("346", Kind.ID, "DTP*346*D8*20200101"),
        ("500", Kind.ID, '{"benefitAmount": "500"}'),
        ("0931", Kind.TIME, "REF*18*0931"),
        ("CUSTOMER SERVICE", Kind.GROUP, "MSG*CALL CUSTOMER SERVICE"),
        ("PAR", Kind.PERSON, "MSG*PARTICIPATING"),
        ("LE", Kind.PERSON, "MSG*LE"),
        ("99991231", Kind.DATE, "DTP*346*D8*99991231"),
    ],
)
def test_what_tells_nothing_is_no_find(value: str, kind: Kind, copy: str) -> None:
    assert seen(value, kind, copy) == []


def test_payer_that_everybody_knows_may_be_called_like_a_patient() -> None:
    known = Public(frozenset({"kaiser permanente"}))
    assert seen("KAISER", Kind.PERSON, "NM1*PR*2*KAISER PERMANENTE*", known) == []
    assert seen("KAISER", Kind.PERSON, "MSG*KAISER", known)
    assert seen("KAISER", Kind.PERSON, "NM1*PR*2*KAISER PERMANENTE KAISER*", known)


@pytest.mark.parametrize("copy", [x12(), encoded(x12()).decode(), xml().decode(), str(in_json())])
def test_the_original_itself_is_found(copy: str) -> None:
    assert seen("QUILLFEATHER", Kind.PERSON, copy)
    assert seen("19580309", Kind.BIRTH, copy)
