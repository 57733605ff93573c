"""Answers in JSON: parsed once, then handed to the form whose members it has."""

from typing import Protocol

from cleargate.coverage.origins import availity_json, benefits_json, plans_json, pverify_json
from cleargate.coverage.origins.json_members import Limited, Members, parse
from cleargate.coverage.origins.json_rows import FAILURES
from cleargate.coverage.origins.x271 import payer_answer
from cleargate.coverage.rows import PayerAnswer
from cleargate.x12.diagnostics import Report, error
from cleargate.x12.eligibility_271 import read_answer
from cleargate.x12.envelope import transaction_sets


class Form(Protocol):
    """One form of an answer in JSON: a module of its own."""

    def speaks(self, document: Members) -> bool:
        """Whether a document has members that only this form has."""

    def answers(self, document: Members, wanted: frozenset[str]) -> tuple[PayerAnswer, ...]:
        """One answer a patient; none where a document holds none."""


_BLANKS = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"
"""White space and byte order marks, and the zeros that UTF-16 puts between."""


def recognises(head: bytes) -> bool:
    """Whether a file begins as a JSON object or list does, in UTF-8, UTF-16 or UTF-32."""
    return head.lstrip(_BLANKS)[:1] in (b"{", b"[")


def read(content: bytes, wanted: frozenset[str], report: Report) -> tuple[PayerAnswer, ...]:
    """One answer a patient. A document that holds none gives a finding that names its members."""
    limited = Limited(report)
    values = parse(content, limited)
    if values is None:
        return ()
    document = Members(values, "", 0, limited)
    found = _form(document).answers(document, wanted)
    if not found and document.has("x12"):
        found = _raw(document.text("x12"), wanted, limited)
    if not found:
        members = ", ".join(name for name in FAILURES if document.values.get(name))
        what = f"it says why in {members}" if members else "it has no member that we know"
        report(error("no_answer", 0, f"The document holds no payer's answer; {what}."))
    # An entry that could not be read may have said no: nothing that is left may then say yes.
    return tuple([one._replace(complete=False) for one in found]) if limited.lost else found


def _form(document: Members) -> Form:
    """The form whose members a document has; `benefitsInformation` is that of most."""
    forms: tuple[Form, ...] = (availity_json, pverify_json, plans_json)
    return next((form for form in forms if form.speaks(document)), benefits_json)


def _raw(text: str, wanted: frozenset[str], report: Report) -> tuple[PayerAnswer, ...]:
    """The 271 in `x12`, for the document that holds nothing else: an endpoint for raw X12.

    A 999 in its place is no answer.
    """
    sets = transaction_sets([text.encode("utf-8", "replace")], report)
    return tuple(
        [
            payer_answer(member, index, wanted, complete=one.complete)
            for index, one in enumerate(sets, 1)
            if one.code == "271"
            for member in read_answer(one, report).members
        ]
    )
