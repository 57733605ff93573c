"""An answer becomes a fixture: de-identified, looked at again, judged the same, written.

Nothing is written unless the second look finds nothing and the copy's verdict is that of the
original. A chance hit, as of a random number, gets another roll of the dice.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cleargate.directory.payers import PayerDirectory, load_directory
from cleargate.eligibility.lab.folder import VERDICT, read_entries, readme, write_folder
from cleargate.eligibility.lab.formats import (
    Document,
    Format,
    as_json,
    in_lines,
    open_document,
    payer_name,
    rewrite,
)
from cleargate.eligibility.lab.free_text import words_of
from cleargate.eligibility.lab.replace import Collected, Replacer, counts_by_class
from cleargate.eligibility.lab.same import differences
from cleargate.eligibility.lab.second_look import Public, look
from cleargate.eligibility.lab.shape import FORM, shape_of
from cleargate.nouns.errors import Refused

ROLLS_MAX = 5
YEARS = range(1950, 2100)
PLACES_SHOWN = 5
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be captured: the answer, what was asked, and the fixture's name and place.

    `payers` are those whose names everybody may know; None is the starter directory.
    """

    content: bytes
    services: tuple[str, ...]
    on: date
    name: str
    out: Path
    payers: PayerDirectory | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A de-identified answer: its bytes and text, the date asked as moved, what went by class."""

    content: bytes
    text: str
    on: date
    moved: timedelta
    counts: Mapping[str, int]


def capture(request: Request) -> tuple[Path, Mapping[str, int]]:
    """Write the fixture; its folder, and how many values of each class were replaced.

    Raises Refused, by place and never by value, when anything of the original is left or the
    verdict is not the same.
    """
    if not _NAME.fullmatch(request.name):
        raise Refused("--name: small letters, digits and hyphens, such as acme-pt-limit.")
    if request.on.year not in YEARS:
        raise Refused("--on: the date asked is not of our time.")
    document = open_document(request.content)
    file = f"answer.{document.format}"
    before = read_entries(request.content, file, request.services, request.on)
    if all(entry["set"] is None for entry in before):
        raise Refused("The file holds no payer's answer that can be read, so nothing to expect.")
    copy = deidentify(document, request.on, request.name, request.payers)
    after = read_entries(copy.content, file, request.services, copy.on)
    if different := differences(before, after, copy.moved):
        places = ", ".join(different[:PLACES_SHOWN])
        raise Refused(f"Without its words the answer would be judged otherwise: {places}.")
    folder = request.out / request.name
    snapshot = {
        "answer": file,
        "services": [*request.services],
        "on": copy.on.isoformat(),
        "answers": after,
    }
    facts = {"Format": document.format.value, "Payer": payer_name(after)}
    files = {
        file: copy.content,
        VERDICT: as_json(snapshot).encode(),
        "README.md": readme(facts, copy.counts),
    }
    if document.format is Format.X12:
        shape = {
            "form": FORM,
            "name": request.name,
            "payer": payer_name(after),
            "pieces": shape_of(copy.text, copy.on),
        }
        files["shape.json"] = as_json(shape).encode()
    write_folder(folder, files)
    return folder, copy.counts


def deidentify(
    document: Document, on: date, name: str = "", payers: PayerDirectory | None = None
) -> Copy:
    """The copy of an answer in which the second look finds nothing. Refused otherwise."""
    public = _public_names(payers or load_directory())
    collected = Collected()
    rewrite(document, collected)
    chance = random.SystemRandom()
    found = []
    for _ in range(ROLLS_MAX):
        replacer = Replacer(collected, public, on, chance)
        text = rewrite(document, replacer)
        known = Public(public, replacer.public_words)
        found = look(replacer.originals, f"{in_lines(document, text)}\n{name}", known)
        if not found:
            moved = replacer.dates.moved(on)
            counts = counts_by_class(replacer.counts)
            return Copy(document.encoded(text), text, moved, moved - on, counts)
    unit = "segment" if document.format is Format.X12 else "line"
    places = "; ".join(
        f"{unit} {each.line} still has what stood in {each.was} ({each.kind})"
        for each in found[:PLACES_SHOWN]
    )
    raise Refused(f"Not written, for the copy would tell who the patient is: {places}.")


def _public_names(payers: PayerDirectory) -> frozenset[str]:
    """Names of payers that everybody knows, by their words."""
    return frozenset(" ".join(words_of(name)) for payer in payers for name in payer.names)
