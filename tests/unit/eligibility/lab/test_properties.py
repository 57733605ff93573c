"""Whoever the patient is and wherever it stands: nothing of it is in the copy."""

import json
import re
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cleargate.eligibility.lab.capture import deidentify
from cleargate.eligibility.lab.formats import open_document
from cleargate.eligibility.lab.leaf import CONSTANTS, SEGMENTS
from cleargate.nouns.errors import Refused
from tests.unit.eligibility.lab.answers import ON, ROWS, encoded, in_json, x12, xml

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAMES = st.text(LETTERS, min_size=3, max_size=12)
IDS = st.text(LETTERS + "0123456789", min_size=7, max_size=14).filter(
    lambda text: any(map(str.isdigit, text)) and len(set(text)) > 3
)
"""Not 0000000, which every envelope holds somewhere."""
OWN = CONSTANTS | {key.partition(".")[0] for key in SEGMENTS}
"""Tags and codes that are the format's own, whoever is called so."""
BIRTHS = st.dates(date(1937, 1, 1), date(2020, 12, 31))
PLACES = st.lists(
    st.sampled_from(
        (
            "MSG*{family} {given}", "MSG*VISITS OF {given} {family} BORN {us}", "MSG*ID {id}",
            "REF*18*{id}*{family}", "REF*6P*{birth}", "TRN*1*{id}*{family}", "III*ZZ*{id}",
            "PER*IC*{given} {family}*TE*{id}*EM*{given}@{family}.EXAMPLE", "N3*{family}*{id}",
            "NM1*P3*1*{family}*{given}****MI*{id}", "NM1*PRP*2*{family} {given}", "LS*{family}",
            "NM1*X3*2*{given} MANAGED CARE", "DTP*346*D8*{birth}", "HSD*{family}*{id}",
            "EB*D*{family}*{given}*{family}*{family} {id}*{id}*{id}*{id}", "{family}*{id}",
            "EB*D*IND*AL**********HC:{family}:{id}", "AAA*{family}*{id}*{family}*{given}",
            "DMG*D8*{birth}*{family}", "INS*{family}*{given}", "HL*{id}*{family}*{given}",
            "MPI*{family}*{id}", "QZ*{given}", "SE*{id}*{family}", "MSG*{given}.{family}",
        )
    ),
    max_size=6,
)  # fmt: skip


def kept(copy: str, family: str, given: str, number: str, birth: date) -> list[str]:
    """What is left: short names as words, all else whatever separates its letters."""
    folded = copy.casefold()
    words = set(re.findall(r"[a-z0-9]+", folded))
    squeezed = re.sub(r"[^a-z0-9]", "", folded)
    told = [each for each in (family, given) if each.casefold() in words]
    told += [each for each in (number, f"{birth:%Y%m%d}", f"{birth:%m%d%Y}")
             if each.casefold() in squeezed]  # fmt: skip
    return told


@settings(max_examples=100, deadline=None)
@given(NAMES, NAMES, IDS, BIRTHS, PLACES)
def test_planted_values_are_never_in_a_271(
    family: str, given_name: str, number: str, birth: date, places: list[str]
) -> None:
    told = {"family": family, "given": given_name, "id": number, "birth": f"{birth:%Y%m%d}"}
    planted = "\n".join(place.format(**told, us=f"{birth:%m/%d/%Y}") for place in places)
    base = x12()
    assume(not {family, given_name} & (set(re.findall(r"\w+", base)) | OWN))
    assume(f"{birth:%Y%m%d}" not in base)
    text = x12(f"{ROWS}\nEB*D*IND*AL\n{planted}" if planted else ROWS)
    for old, new in (("QUILLFEATHER", family), ("ZEBEDIAH", given_name),
                     ("QF-7741 209", number), ("19580309", told["birth"])):  # fmt: skip
        text = text.replace(old, new)
    try:
        copy = deidentify(open_document(encoded(text)), ON).text
    except Refused as refused:
        assert kept(str(refused), family, given_name, number, birth) == []
        return
    assert kept(copy, family, given_name, number, birth) == []


TREES = st.recursive(
    st.sampled_from(("{family}", "for {given} {family}", "{id}", "{birth}", "{us}", 7, None)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("name", "plan", "x{id}", "{family}", "status", "date", "code", "value")
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES, IDS, BIRTHS, TREES)
def test_planted_values_are_never_in_json(
    family: str, given_name: str, number: str, birth: date, tree: object
) -> None:
    told = {"family": family, "given": given_name, "id": number, "birth": f"{birth:%Y%m%d}"}
    text = json.dumps(in_json() | {"planInformation": tree, "more": tree})
    assume(
        not {family.casefold(), given_name.casefold()} & set(re.findall(r"\w+", text.casefold()))
    )
    for name, value in (*told.items(), ("us", f"{birth:%m/%d/%Y}")):
        text = text.replace(f"{{{name}}}", value)
    text = text.replace("QUILLFEATHER", family).replace("ZEBEDIAH", given_name)
    text = text.replace("QF-7741 209", number).replace("19580309", told["birth"])
    try:
        copy = deidentify(open_document(text.encode()), ON).text
    except Refused as refused:
        assert kept(str(refused), family, given_name, number, birth) == []
        return
    assert kept(copy, family, given_name, number, birth) == []


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_bytes_raise_anything_but_refused(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from((encoded(x12()), xml(), json.dumps(in_json()).encode())))
    start = data.draw(st.integers(0, len(base)))
    end = data.draw(st.integers(start, min(len(base), start + 40)))
    content = base[:start] + data.draw(st.binary(max_size=12)) + base[end:]
    try:
        deidentify(open_document(content), ON)
    except Refused as refused:
        assert "QUILLFEATHER" not in str(refused)
