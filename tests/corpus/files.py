"""Public sample files, which lie beside the checkout and are not part of it."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the public samples (../shared/corpus) are not here"
)


def samples(kind: str) -> list[Path]:
    """All sample files of a kind, such as `271`; empty when there are none."""
    folder = CORPUS / kind
    return sorted(folder.iterdir()) if folder.is_dir() else []
