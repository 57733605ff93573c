"""From a payer's bytes to coverages: the whole way, one transaction set at a time."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from cleargate.coverage.origins.x271 import payer_answer
from cleargate.coverage.reasons import reason
from cleargate.coverage.services import Asked, asked_for
from cleargate.coverage.verdict import judge
from cleargate.nouns.coverage import Coverage, ServiceVerdict, Source, Verdict
from cleargate.x12.acknowledgement import CODES, Acknowledgement, read_acknowledgement
from cleargate.x12.diagnostics import Diagnostic, error, warning
from cleargate.x12.eligibility_271 import read_answer
from cleargate.x12.envelope import TransactionSet, transaction_sets
from cleargate.x12.tokenizer import chunked

_VERSIONS = ("005010", "004010")


class Reading(NamedTuple):
    """What was read: one Coverage a patient, in file order, and what is wrong with the file."""

    coverages: tuple[Coverage, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_271(content: bytes, services: tuple[str, ...], on: date) -> Reading:
    """Read a payer's answer for the services asked (the first is the primary one) on a day.

    Never raises for what the bytes hold. A 999 or TA1 in place of a 271 becomes an UNDETERMINED
    coverage with its reason; bytes that hold no answer give no coverage, and diagnostics.
    """
    coverages: list[Coverage] = []
    diagnostics: list[Diagnostic] = []
    for part in read_271_sets(chunked(content), services, on):
        coverages.extend(part.coverages)
        diagnostics.extend(part.diagnostics)
    return Reading(tuple(coverages), tuple(diagnostics))


def read_271_sets(
    chunks: Iterable[bytes], services: tuple[str, ...], on: date
) -> Iterator[Reading]:
    """Read a file of any size in constant memory: one Reading for each transaction set.

    The last Reading may have diagnostics only: what was found after the last set.
    """
    if not services:
        raise ValueError("at least one service type must be asked for")
    asked = asked_for(services, on)
    found: list[Diagnostic] = []
    for index, transaction in enumerate(transaction_sets(chunks, found.append), 1):
        coverages = _coverages(transaction, index, asked, found)
        yield Reading(coverages, tuple(found))
        found.clear()
    if found:
        yield Reading((), tuple(found))


def _coverages(
    transaction: TransactionSet,
    index: int,
    asked: Asked,
    found: list[Diagnostic],
) -> tuple[Coverage, ...]:
    first = transaction.first
    if transaction.code in CODES:
        return _acknowledged(read_acknowledgement(transaction), index, asked.services, found)
    if transaction.code != "271":
        found.append(error("not_271", first, "The transaction set is no 271."))
        return ()
    if not transaction.version.startswith(_VERSIONS):
        found.append(warning("version", first, "Neither version 005010 nor 004010; read as 5010."))
    return tuple(
        [
            judge(payer_answer(member, index, asked.wanted, complete=transaction.complete), asked)
            for member in read_answer(transaction, found.append).members
        ]
    )


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
        ServiceVerdict(service, Verdict.UNDETERMINED, why.sources, (why,)) for service in services
    )
    return (Coverage("", Verdict.UNDETERMINED, verdicts, reasons=(why,), set_index=index),)
