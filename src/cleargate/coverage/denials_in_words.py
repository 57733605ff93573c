"""Words beside an active row that say the opposite: `COVERAGE TERMINATED`, `NOT ELIGIBLE`.

Codes in free text (`35`, `RECERT MONTH=12`) are not interpreted, and neither is what is said under
a condition: `NOT PAYABLE IF COVERAGE IS TERMINATED`.
"""

import re
from collections.abc import Iterable, Sequence

from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import BenefitRow, Info
from cleargate.coverage.words import says_plainly

_DENIES = re.compile(
    r"\b(?:COVERAGE|PLAN|POLICY|MEMBER|PATIENT|SUBSCRIBER|ELIGIBILITY)"
    r"(?: (?:IS|WAS|HAS|BEEN|STATUS|CURRENTLY|NOW))*[ :-]{1,3}"
    r"(?:INACTIVE|NOT (?:ACTIVE|ELIGIBLE|IN FORCE)|TERMINATED|CANCELL?ED|LAPSED|EXPIRED|ENDED)\b"
)
_UNDER_CONDITION = re.compile(
    r"\b(?:IF|WHEN|WHERE|WHILE|UNLESS|ONCE|AFTER|UNTIL|BEFORE|PRIOR|PREVIOUS|OLD|OTHER)\b[^.;]*$"
)

_CLAUSE_MAX = 200
"""Characters before the words in which a condition is looked for."""


def denials_in_words(rows: Sequence[BenefitRow]) -> Iterable[Doubt]:
    """Contradictions between a row's status and its own words, with both places."""
    for row in rows:
        if row.info is not Info.ACTIVE:
            continue
        for message in row.messages:
            if says_plainly(_DENIES, message.text):
                services = None if row.speaks_for_plan else frozenset(row.services)
                why = reason("contradiction", (row.at("info"), message.source))
                yield Doubt(why, services, stops=True)
