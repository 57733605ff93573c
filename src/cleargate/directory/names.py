"""Finding a thing by one of its names, as people write names: typos, abbreviations, half words."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz

_SILENT = frozenset({"of", "the", "and", "inc", "llc"})
_WHOLE = {
    "bcbs": ("blue", "cross", "blue", "shield"),
    "bluecross": ("blue", "cross"),
    "blueshield": ("blue", "shield"),
    "healthcare": ("health", "care"),
}
_TEXT_MAX = 80

# Scores of a label, best kind of likeness first. A fuzzy one ranks below every true prefix.
_EXACT, _BEGINS, _WORDS, _INSIDE = 100.0, 95.0, 90.0, 85.0
_FUZZY_MIN, _FUZZY_WEIGHT = 72.0, 0.84


class Names:
    """An index of names: `keys` are what is found, each under several labels."""

    def __init__(self, labels: Mapping[str, Sequence[str]]) -> None:
        self._labels = {key: tuple(map(_words, names)) for key, names in labels.items()}

    def exactly(self, text: str) -> tuple[str, ...]:
        """The keys with this very name; case, accents and punctuation do not count."""
        words = _words(text)
        return tuple(key for key, labels in self._labels.items() if words and words in labels)

    def search(self, text: str, limit: int) -> tuple[str, ...]:
        """The keys whose names are most like the text, best first; none when nothing is."""
        words = _words(text[:_TEXT_MAX])
        if not words:
            return ()
        scored = (
            (max(_likeness(words, label) for label in labels), key)
            for key, labels in self._labels.items()
        )
        found = sorted((-score, len(key), key) for score, key in scored if score)
        return tuple(key for _, _, key in found[:limit])


def _words(text: str) -> tuple[str, ...]:
    """The words of a name in one spelling: no case, accents, punctuation or filler."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("'", "")
    words = re.findall(r"[a-z0-9]+", plain)
    return tuple(
        part for word in words if word not in _SILENT for part in _WHOLE.get(word, (word,))
    )


def _likeness(query: tuple[str, ...], label: tuple[str, ...]) -> float:
    """How likely the query means the label, 0 to 100; 0 when they have nothing in common."""
    typed, name = " ".join(query), " ".join(label)
    if typed == name:
        return _EXACT
    if name.startswith(typed):
        return _BEGINS
    if all(any(word.startswith(part) for word in label) for part in query):
        return _WORDS
    if label and all(word in query for word in label):
        return _INSIDE
    if len(typed) < 3:
        return 0.0
    ratio = max(fuzz.ratio(typed, name), fuzz.token_sort_ratio(typed, name))
    return ratio * _FUZZY_WEIGHT if ratio >= _FUZZY_MIN else 0.0
