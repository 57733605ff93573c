"""One spelling for names that must be the same, and for nothing that is merely alike."""

import re

NAME_MAX = 120
_OTHER = re.compile(r"[^A-Z0-9]+")


def plain(text: str) -> str:
    """A name without case, punctuation and double blanks; empty when it cannot be one we know.

    Letters that are no ASCII are never taken for those that they look like, nor left out.
    """
    if len(text) > NAME_MAX or not text.isascii():
        return ""
    return _OTHER.sub(" ", text.upper()).strip()
