"""One patient's answer, laid open: what was decided, where it stands, what was left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from cleargate.coverage.reading import Reading
from cleargate.coverage.rows import PayerAnswer
from cleargate.coverage.services import asked_for
from cleargate.eligibility.places import segment_texts, shortened
from cleargate.eligibility.put_aside import PutAside, put_aside, sources_of
from cleargate.nouns.coverage import Coverage, Source

WORDS_MAX = 4
"""Messages shown beside a row; some payers send a dozen."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One patient of a file, the `number`th: the coverage and what was left out of account.

    `on` is the date of the visit that it is judged for.

    `words` are the payer's words beside each row, by its segment and place. `texts` are the
    segments of an X12 file; other formats have none.
    """

    file: str
    number: int
    on: date
    coverage: Coverage
    aside: list[PutAside]
    words: dict[int, dict[Source, str]]
    texts: dict[int, str]

    def places(self, sources: Iterable[Source]) -> list[Source]:
        """Places, each followed by the payer's words beside it, none twice."""
        found: dict[Source, None] = {}
        for source in sources:
            found[source] = None
            found.update(dict.fromkeys(self.words.get(source.segment, {})))
        return list(found)

    def text(self, source: Source) -> str | None:
        """What stands at a place: its segment, or the payer's words; else nothing is shown."""
        if self.texts:
            return self.texts.get(source.segment)
        words = self.words.get(source.segment, {}).get(source)
        return shortened(words) if words else None


def explained(
    file: str, content: bytes, reading: Reading, services: tuple[str, ...], on: date
) -> list[Explained]:
    """The patients of a file, with the texts of all places of which anything is said."""
    asked = asked_for(services, on)
    texts: dict[int, str] = {}
    patients = [
        Explained(file, number, on, one, put_aside(one, answer, asked), _words(answer), texts)
        for number, (one, answer) in enumerate(
            zip(reading.coverages, reading.answers, strict=True), 1
        )
    ]
    spoken = (source for one in patients for source in one.places(_sources(one)))
    texts.update(segment_texts(content, spoken))
    return patients


def _sources(one: Explained) -> Iterator[Source]:
    yield from sources_of(one.coverage)
    yield from (left_out.source for left_out in one.aside)


def _words(answer: PayerAnswer) -> dict[int, dict[Source, str]]:
    """The first messages beside each row; those of one place, which XML has, are joined."""
    found: dict[int, dict[Source, str]] = {}
    for row in answer.rows:
        for message in row.messages[:WORDS_MAX]:
            beside = found.setdefault(row.segment, {})
            before = beside.get(message.source)
            beside[message.source] = f"{before} / {message.text}" if before else message.text
    return found
