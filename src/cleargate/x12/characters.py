"""What X12 can carry: names are reduced to its characters, ids are taken as they are or refused.

Source: X12.6 basic and extended character set.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import npi_is_valid

# Letters that Unicode does not take apart into a plain one and a mark: dropped, "Żółwińska" would
# be nobody's name at the payer.
_LETTERS = str.maketrans(
    {
        **dict(zip("łŁđĐðÐøØħĦıŧŦ", "lLdDdDoOhHitT", strict=True)),
        **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"},
    }
)

_CHARACTERS = re.compile(r"[^A-Za-z0-9 !\"&'()*+,\-./:;?=%@\[\]_{}\\|<>~#$^`]")


def plain_name(text: str, what: str, chars_max: int, taken: AbstractSet[str]) -> str:
    """A name in X12's characters: accents dropped, delimiters (`taken`) and line ends to blanks.

    Raises Refused when nothing of it is left.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore")
    spaced = "".join(
        " " if sign in taken or sign.isspace() else sign for sign in plain.decode("ascii")
    )
    cleaned = " ".join(_CHARACTERS.sub("", spaced).split())[:chars_max].rstrip()
    if not cleaned:
        raise Refused(f"The {what} has no character that can be sent to a payer.")
    return cleaned


def plain_id(text: str, what: str, chars_max: int, taken: AbstractSet[str]) -> str:
    """An id as it is, or Refused: a changed id would ask about somebody else."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= chars_max:
        raise Refused(f"The {what} must have 1 to {chars_max} characters.")
    if _CHARACTERS.search(stripped) or any(mark in stripped for mark in taken):
        raise Refused(f"The {what} holds a character that cannot be sent to a payer.")
    return stripped


def plain_npi(npi: str) -> str:
    """A provider's number as it is. Raises Refused where its check digit says that it is wrong."""
    if not npi_is_valid(npi):
        raise Refused("The practice's NPI has a wrong check digit or length.")
    return npi
