"""TriZetto's eligibility XML: the 271 in words, bare or inside the answer to DoInquiry.

`segment` counts the `benefit` elements of the document from 1, and is 0 for all that stands above
them: refusals, dates of the patient, the clearinghouse's own codes. `element` is the XML's name.
The rows themselves are made in trizetto_rows.py, the refusals in trizetto_refusals.py.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from cleargate.coverage.origins.trizetto_reader import Words
from cleargate.coverage.origins.trizetto_refusals import gateway_refusals, refusals_of
from cleargate.coverage.origins.trizetto_rows import row_of
from cleargate.coverage.origins.x271 import payer_answer
from cleargate.coverage.origins.xml_tree import Node, Tree, decoded, read_tree, spaced
from cleargate.coverage.rows import BenefitRow, PayerAnswer, Refusal, Span
from cleargate.x12.diagnostics import Report, error
from cleargate.x12.eligibility_271 import read_answer
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import chunked

_DOCUMENT = "eligibilityresponse"
_BEGINNING = re.compile(
    rf"\A\ufeff?\s*<(?:.*<)?(?:[\w.-]+:)?(?:{_DOCUMENT}|DoInquiry\w*Response)[\s/>]", re.DOTALL
)
PATIENTS_MAX = 20
"""A question is about one patient; two are the most that an answer should name."""

_CLEARINGHOUSE = "99TRIZETTO"
"""The `trace_id` beside the number that TriZetto sent to the payer."""

_PATIENT = frozenset(
    {
        "benefit", "date", "date-of-birth", "dependent", "patientid", "patientname",
        "rejection", "relationship", "sex", "subscriberaddinfo", "subscriberid",
        "subscribername", "trace_id", "trace_number",
    }
)  # fmt: skip
"""What is known to stand in `subscriber` and `dependent`."""


class _Person(NamedTuple):
    """A `subscriber` or `dependent`, and the subscriber above a dependent."""

    node: Node
    holder: Node


def recognises(head: bytes) -> bool:
    """Whether a document begins here that is TriZetto's, or an envelope around one."""
    return _BEGINNING.match(decoded(head)) is not None


def read(content: bytes, wanted: frozenset[str], report: Report) -> tuple[PayerAnswer, ...]:
    """One answer a patient. Never raises for what the bytes hold.

    An envelope without a document inside is one answer that holds the clearinghouse's refusal.
    """
    tree = read_tree(content, report)
    if tree.root is None:
        return ()
    if (found := _find(tree.root, _DOCUMENT)) is not None:
        if sum(node.name == _DOCUMENT for node in tree.root.walk()) > 1:
            report(error("several_documents", 0, "Only the first of several answers is read."))
        return _answers(Tree(found, tree.complete), wanted, report)
    return _enveloped(tree.root, tree.complete, wanted, report)


def _enveloped(
    root: Node, complete: bool, wanted: frozenset[str], report: Report
) -> tuple[PayerAnswer, ...]:
    """The answer of DoInquiry: what is inside, with what the clearinghouse says about it."""
    answers: tuple[PayerAnswer, ...] = ()
    for name in ("ResponseAsXml", "ResponseAsRawString"):
        inside = _find(root, name)
        if inside is not None and inside.text and not answers:
            answers = _inside(inside.text, complete, wanted, report)
    refusals = gateway_refusals(root, answered=bool(answers))
    if answers:
        return tuple(answer._replace(refusals=(*answer.refusals, *refusals)) for answer in answers)
    if not complete and all(refusal.reason == "AnswerMissing" for refusal in refusals):
        return ()  # What the clearinghouse said was lost, and the finding is reported already.
    return (PayerAnswer("", (), refusals=refusals, complete=complete),)


def _inside(
    text: str, complete: bool, wanted: frozenset[str], report: Report
) -> tuple[PayerAnswer, ...]:
    """The answers that an envelope carries as text: TriZetto's XML, or the payer's 271."""
    if not text.startswith("<"):
        return tuple(_raw_answers(text, complete, wanted, report))
    tree = read_tree(text, report)
    found = None if tree.root is None else _find(tree.root, _DOCUMENT)
    if found is None:
        report(error("xml_unknown", 0, "The envelope holds XML of an unknown kind."))
        return ()
    return _answers(Tree(found, complete and tree.complete), wanted, report)


def _raw_answers(
    text: str, complete: bool, wanted: frozenset[str], report: Report
) -> Iterator[PayerAnswer]:
    # The white space around an element's text is gone; a line end may have ended each segment.
    content = f"{text}\n".encode()
    for index, transaction in enumerate(transaction_sets(chunked(content), report), 1):
        if transaction.code != "271":
            report(error("not_271", transaction.first, "The transaction set is no 271."))
            continue
        whole = complete and transaction.complete
        for member in read_answer(transaction, report).members:
            yield payer_answer(member, index, wanted, complete=whole)


def _answers(tree: Tree, wanted: frozenset[str], report: Report) -> tuple[PayerAnswer, ...]:
    """One answer for each patient of an `eligibilityresponse`, in document order."""
    root = tree.root or Node("", 0)
    words = Words(report)
    payer, payer_id = (
        spaced(root.first("infosource", name).text) for name in ("payername", "payerid")
    )
    above = [root, *(node for node in root.children if node.name not in _PERSONS)]
    refused = _refusals(above, words)
    patients = _patients(root, words)
    numbers = _numbered(root, patients, words)
    if not patients:
        if not tree.complete and not refused:
            return ()
        refusal = PayerAnswer(
            payer, (), refusals=refused, complete=tree.complete, payer_id=payer_id
        )
        return (refusal,)
    for patient in patients:
        words.expect(patient.node, _PATIENT)
    dated = [(patient, *_dates(patient, words)) for patient in patients]
    return tuple(
        PayerAnswer(
            payer=payer,
            rows=_rows(patient.node, numbers, wanted, words),
            spans=own or above,
            holder_spans=above if own else (),
            refusals=(*refused, *_refusals(_levels(patient), words)),
            complete=tree.complete,
            trace=_trace(patient.node),
            member_id=_identifier(patient.node) or _identifier(patient.holder),
            family_name=_name(patient.node, "last"),
            given_name=_name(patient.node, "first"),
            birth_date=words.birth_date(patient.node),
            payer_id=payer_id,
        )
        for patient, own, above in dated
    )


_PERSONS = frozenset({"subscriber", "dependent"})


def _patients(root: Node, words: Words) -> list[_Person]:
    """Who the answer is about: dependents, and subscribers with benefits or without dependents.

    A dependent, wherever it stands, has the last subscriber before it above itself.
    """
    found: list[_Person] = []
    holder = None
    for node in root.walk():
        if len(found) > PATIENTS_MAX:
            words.failed("too_many_patients", "The document names too many patients.")
            return found[:PATIENTS_MAX]
        if node.name == "subscriber":
            holder = node
            found.append(_Person(node, node))
        elif node.name == "dependent":
            if found and found[-1].node is holder and not holder.all("benefit"):
                found.pop()
            found.append(_Person(node, holder or node))
    return found


def _levels(patient: _Person) -> list[Node]:
    """The patient's own level, and the subscriber's above a dependent."""
    return [patient.node] if patient.node is patient.holder else [patient.holder, patient.node]


def _refusals(levels: list[Node], words: Words) -> tuple[Refusal, ...]:
    said = (refusals_of(level.all("rejection"), 0, words) for level in levels)
    return tuple(dict.fromkeys(chain.from_iterable(said)))


def _numbered(root: Node, patients: list[_Person], words: Words) -> dict[int, int]:
    """The number of every `benefit` in the document, under the identity of its element."""
    mine = {id(node) for patient in patients for node in patient.node.all("benefit")}
    numbers: dict[int, int] = {}
    for node in root.walk():
        if node.name == "benefit":
            numbers[id(node)] = len(numbers) + 1
            if id(node) not in mine:
                what = "stands outside any patient; it is not read"
                words.finding("benefit_outside", node, len(numbers), what)
    return numbers


def _rows(
    patient: Node, numbers: dict[int, int], wanted: frozenset[str], words: Words
) -> tuple[BenefitRow, ...]:
    """The patient's rows; a benefit inside which the document broke off is none."""
    rows = (
        row_of(benefit, numbers[id(benefit)], wanted, words)
        for benefit in patient.all("benefit")
        if benefit.closed
    )
    return tuple([row for row in rows if row is not None])


def _dates(patient: _Person, words: Words) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """A patient's own dates, and those of the subscriber above a dependent."""
    above = _spans(patient.holder, words) if patient.holder is not patient.node else ()
    return _spans(patient.node, words), above


def _spans(person: Node, words: Words) -> tuple[Span, ...]:
    """The dates of a patient that bound the coverage."""
    found = (span for holder in person.all("date") for span in words.spans(holder, 0))
    return tuple(found)


def _trace(person: Node) -> str:
    """The number that TriZetto sent to the payer, or else the first one.

    Numbers and their `trace_id` stand in pairs, one after the other.
    """
    numbers = [spaced(node.text) for node in person.all("trace_number")]
    owners = [node.text.upper() for node in person.all("trace_id")]
    if len(numbers) == len(owners) and _CLEARINGHOUSE in owners:
        return numbers[owners.index(_CLEARINGHOUSE)]
    return numbers[0] if numbers else ""


def _identifier(person: Node) -> str:
    return spaced(person.first("patientid").text or person.first("subscriberid").text)


def _name(person: Node, part: str) -> str:
    named = person.first("patientname", part).text or person.first("subscribername", part).text
    return spaced(named)


def _find(root: Node, name: str) -> Node | None:
    return next((node for node in root.walk() if node.name == name), None)
