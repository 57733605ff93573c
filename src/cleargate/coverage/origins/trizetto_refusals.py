"""What TriZetto's XML refuses: the payer's `rejection`, and the clearinghouse's own failures.

The clearinghouse answers with a SuccessCode, and with failures that name the fields of the
question. Its Success is not to be trusted: it stands beside the failure "Transmission Error -
Unable to Process Transaction", and beside no answer at all.
"""

import re
from collections.abc import Iterable, Iterator

from cleargate.coverage.origins import trizetto_words
from cleargate.coverage.origins.trizetto_reader import Words
from cleargate.coverage.origins.xml_tree import Node, spaced
from cleargate.coverage.rows import Refusal

WORDS_MAX = 200
"""So many characters of the other side's words are shown."""

_ISSUER = "TriZetto"
_NOT_SENT = re.compile(r"TRANSMISSION|UNABLE TO PROCESS|TIMED? ?OUT|COMMUNICATION")
_CODE = re.compile(r"[A-Za-z]{1,40}")
_PRACTICE = "practice"
_FIELDS = (
    (re.compile(r"\bPAYER\s?ID|GEDI\s?PAYER"), "payer"),
    (re.compile(r"\bPROVIDER|\bNPI\b|TAX\s?ID"), _PRACTICE),
    (
        re.compile(r"INSURANCE\s?NUM|(?:INSURED|MEDICARE|MEMBER|SUBSCRIBER|PATIENT)\s?ID\b"),
        "member_id",
    ),
    (re.compile(r"DOB\b|BIRTH"), "birth_date"),
    (re.compile(r"GENDER\b|\bSEX\b"), "sex"),
    (re.compile(r"(?:FIRST|LAST|MIDDLE)\s?NAME"), "name"),
    (re.compile(r"DATE\s?OF\s?SERVICE|SERVICE\s?DATE"), "visit_date"),
    (re.compile(r"GROUP\s?NUM"), "group"),
)
"""TriZetto's names for what was sent (InsuranceNum, DependentDob), and the form's fields."""


def refusals_of(rejections: Iterable[Node], at: int, words: Words) -> Iterator[Refusal]:
    """The payer's refusals: reason and follow-up as AAA03 and AAA04.

    A reason in words that are on no list has the code `?` and keeps its words, for a person.
    """
    codes = frozenset(trizetto_words.REFUSALS.values())
    for rejection in rejections:
        said, asks = rejection.first("rejectreason"), rejection.first("followupaction")
        code = words.code(said, trizetto_words.REFUSALS, codes, at)
        known = code in codes
        yield Refusal(
            reason=code if known else "?",
            follow_up=words.code(asks, trizetto_words.FOLLOW_UPS, (), at),
            segment=at,
            element="rejectreason",
            words="" if known else _shown(said),
        )


def gateway_refusals(root: Node, *, answered: bool) -> tuple[Refusal, ...]:
    """What the clearinghouse refuses, in an envelope that holds a payer's answer or does not."""
    nodes = list(root.walk())
    code = next((node.text for node in nodes if node.name == "SuccessCode"), "")
    failures = [
        refusal
        for node in nodes
        if node.name == "Failures"
        for failure in node.children
        for refusal in _failure(failure, code)
    ]
    if failures:
        return tuple(dict.fromkeys(failures))
    if code not in {"Success", ""}:
        return (_refusal(code),)
    return () if answered else (_refusal("AnswerMissing"),)


def _failure(failure: Node, code: str) -> Iterator[Refusal]:
    """One failure: one refusal for each field of the question that it names, or one for none."""
    message = _shown(failure.first("Message"))
    affected = [node.text for node in failure.first("AffectedFields").children]
    if code == "Success" and _NOT_SENT.search(message.upper()):
        yield _refusal("TransmissionError", message)
        return
    if code not in {"Success", "ValidationFailure"}:
        yield _refusal(code, message)
        return
    fields = [field for name in affected if (field := _field(name))] or [_field(message)]
    for field in dict.fromkeys(fields):
        if field == _PRACTICE:
            yield _refusal("ProviderInvalid", message)
        else:
            yield _refusal("ValidationFailure", message, field)


def _refusal(code: str, words: str = "", field: str = "") -> Refusal:
    shown = code if _CODE.fullmatch(code) else "?"
    return Refusal(shown, "", 0, "SuccessCode", _ISSUER, words, field)


def _shown(said: Node) -> str:
    return spaced(said.text)[:WORDS_MAX].rstrip(". ")


def _field(text: str) -> str:
    """The form's field that TriZetto's name for it, or a sentence with that name, is about."""
    capitals = text.upper()
    return next((field for pattern, field in _FIELDS if pattern.search(capitals)), "")
