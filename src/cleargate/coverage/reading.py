"""From a payer's bytes to coverages: the whole way, whatever the format, one part at a time."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import NamedTuple, Protocol

from cleargate.coverage.origins import gateway_words, json_answers, trizetto_xml
from cleargate.coverage.origins.x271 import payer_answer
from cleargate.coverage.payers.judged import judge_known
from cleargate.coverage.reasons import reason
from cleargate.coverage.rows import PayerAnswer
from cleargate.coverage.services import Asked, asked_for
from cleargate.nouns.coverage import Coverage, ServiceVerdict, Source, Verdict
from cleargate.x12.acknowledgement import CODES, Acknowledgement, read_acknowledgement
from cleargate.x12.diagnostics import Diagnostic, Report, error, warning
from cleargate.x12.eligibility_271 import read_answer
from cleargate.x12.envelope import TransactionSet, transaction_sets
from cleargate.x12.tokenizer import chunked

_VERSIONS = ("005010", "004010")

DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
"""An answer in XML or JSON is read whole; the largest seen has a hundredth of this."""

HEAD_BYTES = 4096
"""By so much of its beginning a format is told from the others."""


class Origin(Protocol):
    """A format that holds one document a file: one module of coverage/origins."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins like this is of this format."""

    def read(
        self, content: bytes, wanted: frozenset[str], report: Report
    ) -> tuple[PayerAnswer, ...]:
        """One answer a patient. Never raises for what the bytes hold."""


ORIGINS: tuple[Origin, ...] = (trizetto_xml, json_answers, gateway_words)
"""The formats beside X12, which is taken for whatever is none of them."""


class Reading(NamedTuple):
    """What was read: one Coverage a patient, in file order, and what is wrong with the file.

    `answers` are what the coverages were judged from, one each; an acknowledgement's is empty.
    """

    coverages: tuple[Coverage, ...]
    diagnostics: tuple[Diagnostic, ...]
    answers: tuple[PayerAnswer, ...] = ()


def read_answers(
    content: bytes, services: tuple[str, ...], on: date, payer: tuple[str, ...] = ()
) -> Reading:
    """Read a payer's answer for the services asked (the first is the primary one) on a day.

    `payer` are the names by which the caller knows whom it asked: the id in the directory, the
    name. The format is told by the content. Never raises for what the bytes hold. A 999 or TA1 in
    place of a 271 becomes an UNDETERMINED coverage with its reason; bytes that hold no answer give
    no coverage, and diagnostics.
    """
    coverages: list[Coverage] = []
    diagnostics: list[Diagnostic] = []
    answers: list[PayerAnswer] = []
    for part in read_parts(chunked(content), services, on, payer):
        coverages.extend(part.coverages)
        diagnostics.extend(part.diagnostics)
        answers.extend(part.answers)
    return Reading(tuple(coverages), tuple(diagnostics), tuple(answers))


def read_parts(
    chunks: Iterable[bytes], services: tuple[str, ...], on: date, payer: tuple[str, ...] = ()
) -> Iterator[Reading]:
    """Read an X12 file of any size in constant memory: one Reading for each transaction set.

    The last Reading may have diagnostics only: what was found after the last set. A document of
    another format is one part.
    """
    if not services:
        raise ValueError("at least one service type must be asked for")
    asked = asked_for(services, on, payer)
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    for origin in ORIGINS:
        if origin.recognises(head[:HEAD_BYTES]):
            yield _document(origin, chain([head], rest), asked)
            return
    yield from _sets(chain([head], rest), asked)


def _document(origin: Origin, chunks: Iterable[bytes], asked: Asked) -> Reading:
    """Read a document that is one answer; one that is too large is left unread."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > DOCUMENT_BYTES_MAX:
            return Reading((), (error("too_large", 0, "No payer's answer is so large."),))
    found: list[Diagnostic] = []
    answers = origin.read(bytes(content), asked.wanted, found.append)
    return _judged(answers, asked, found)


def _judged(answers: tuple[PayerAnswer, ...], asked: Asked, found: Iterable[Diagnostic]) -> Reading:
    return Reading(tuple([judge_known(one, asked) for one in answers]), tuple(found), answers)


def _sets(chunks: Iterable[bytes], asked: Asked) -> Iterator[Reading]:
    found: list[Diagnostic] = []
    for index, transaction in enumerate(transaction_sets(chunks, found.append), 1):
        yield _read_set(transaction, index, asked, found)
        found.clear()
    if found:
        yield Reading((), tuple(found))


def _read_set(
    transaction: TransactionSet,
    index: int,
    asked: Asked,
    found: list[Diagnostic],
) -> Reading:
    first = transaction.first
    if transaction.code in CODES:
        said = read_acknowledgement(transaction)
        coverages = _acknowledged(said, index, asked.services, found)
        return Reading(coverages, tuple(found), (PayerAnswer("", ()),) * len(coverages))
    if transaction.code != "271":
        found.append(error("not_271", first, "The transaction set is no 271."))
        return Reading((), tuple(found))
    if not transaction.version.startswith(_VERSIONS):
        found.append(warning("version", first, "Neither version 005010 nor 004010; read as 5010."))
    answers = tuple(
        [
            payer_answer(member, index, asked.wanted, complete=transaction.complete)
            for member in read_answer(transaction, found.append).members
        ]
    )
    return _judged(answers, asked, found)


def _acknowledged(
    said: Acknowledgement, index: int, services: tuple[str, ...], found: list[Diagnostic]
) -> tuple[Coverage, ...]:
    """An acknowledgement where an answer should be. An accepting TA1 only goes before one."""
    found.append(warning("acknowledgement", said.segment, f"A {said.kind} stands for an answer."))
    if said.kind == "TA1" and said.accepted:
        return ()
    code = "acknowledged" if said.accepted else "acknowledgement_rejected"
    detail = " ".join((said.kind, said.status, *said.notes)).strip()
    why = reason(code, (Source(said.segment, said.kind),), detail)
    verdicts = tuple(
        ServiceVerdict(service, Verdict.UNDETERMINED, why.sources, (why,), "acknowledged")
        for service in services
    )
    return (Coverage("", Verdict.UNDETERMINED, verdicts, reasons=(why,), set_index=index),)
