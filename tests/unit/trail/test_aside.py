"""An anchor may hang or fail: nothing waits for it, it is told, and nothing is forgotten."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from cleargate.nouns.ids import PracticeId
from cleargate.trail.aside import RETRY_AFTER_S, AnchorAside, beside

PRACTICE, OTHER = PracticeId(UUID(int=5)), PracticeId(UUID(int=6))
WAIT_S = 30.0


class Share:
    """An anchor on a share that may be away, or hang until it is let go on."""

    name = "share"
    every = timedelta(minutes=1)

    def __init__(self) -> None:
        self.kept: list[tuple[PracticeId, str]] = []
        self.away: PracticeId | None = None
        self.asked, self.free = threading.Event(), threading.Event()
        self.free.set()

    def keep(self, practice: PracticeId, note: str) -> None:
        self.asked.set()
        assert self.free.wait(WAIT_S)
        if practice == self.away:
            raise OSError("the share is away")
        self.kept.append((practice, note))


@pytest.fixture
def share() -> Iterator[Share]:
    made = Share()
    yield made
    made.free.set()


@pytest.fixture
def logged() -> Iterator[Callable[[], list[str]]]:
    """The codes of what was logged."""
    with capture_logs() as lines:
        yield lambda: [str(line["code"]) for line in lines]


def test_what_waits_when_the_process_ends_is_kept(share: Share) -> None:
    aside = AnchorAside(share)
    with beside([aside]):
        aside.keep(PRACTICE, "first")
        aside.keep(PRACTICE, "second")
    assert share.kept[-1] == (PRACTICE, "second")


def test_what_fails_is_told_and_waits_behind_what_is_newer(
    share: Share, logged: Callable[[], list[str]]
) -> None:
    aside = AnchorAside(share)
    share.away = PRACTICE
    aside.keep(PRACTICE, "first")
    aside.keep(OTHER, "first")
    assert aside.look() == RETRY_AFTER_S
    assert share.kept == [(OTHER, "first")], "one practice's trouble is not another's"
    assert logged() == ["trail_not_anchored"]
    assert aside.look() == RETRY_AFTER_S
    share.away = None
    aside.keep(PRACTICE, "second")
    assert aside.look() == 0
    assert share.kept == [(OTHER, "first"), (PRACTICE, "second")]
    assert aside.look() == 0
    assert len(share.kept) == 2


def test_an_anchor_that_hangs_holds_nobody_up_and_is_told(
    share: Share, logged: Callable[[], list[str]]
) -> None:
    share.free.clear()
    aside = AnchorAside(share)
    aside.look_every_s, aside.late_s = 0.01, 3600.0
    with beside([aside], stop_s=0.05):
        aside.keep(PRACTICE, "first")
        assert share.asked.wait(WAIT_S)
        aside.keep(PRACTICE, "second")
        assert logged() == []
        aside.late_s = -1.0
        aside.keep(PRACTICE, "third")
        assert logged() == ["trail_not_anchored"]
    assert logged() == ["trail_not_anchored"] * 2, "it is left behind"
    assert share.kept == []
