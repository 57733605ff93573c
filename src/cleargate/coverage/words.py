"""Free text that says something, and not under a condition."""

import re

_UNDER_CONDITION = re.compile(
    r"\b(?:IF|WHEN|WHERE|WHILE|UNLESS|ONCE|AFTER|UNTIL|BEFORE|MAY|NOT|PRIOR|PREVIOUS|OLD|OTHER)\b"
    r"[^.;]*$"
)
_CLAUSE_MAX = 200
"""Characters before the words in which a condition is looked for."""


def says_plainly(words: re.Pattern[str], text: str) -> bool:
    """Whether a text says certain words, but for `NOT PAYABLE IF COVERAGE IS TERMINATED`."""
    text = text.upper()
    match = words.search(text)
    if match is None:
        return False
    return not _UNDER_CONDITION.search(text[max(0, match.start() - _CLAUSE_MAX) : match.start()])
