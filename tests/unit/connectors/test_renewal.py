"""Credentials that change under way: what is refused is tried with the others that there are."""

import threading
from collections.abc import Callable

import pytest

from cleargate.connectors.wires.renewal import AtStage, Renewal
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.ports import SecretStore, Stage

KEY = "file:key"


class Staged:
    """Secrets by stage, which may change under way; `broken` stages cannot be read."""

    def __init__(self, **stages: str) -> None:
        self.stages = stages
        self.broken: set[str] = set()

    def get(self, reference: str) -> str:
        found = self.staged(reference, Stage.CURRENT)
        if found is None:
            raise BadSettings(f"{reference} is not there")
        return found

    def staged(self, reference: str, stage: Stage) -> str | None:
        assert reference == KEY
        if stage in self.broken:
            raise BadSettings("unreadable")
        return self.stages.get(stage)


class Vendor:
    """Lets in whoever brings one of `good`, and counts what it was sent."""

    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.heard: list[str] = []
        self.trouble: PortError | None = None

    def client(self, secrets: SecretStore) -> Callable[[str], str]:
        secret = secrets.get(KEY)

        def ask(question: str) -> str:
            self.heard.append(secret)
            if secret not in self.good:
                raise PortError(ErrorKind.AUTH, "desk", vendor_code="401")
            if self.trouble is not None:
                raise self.trouble
            return f"{question} answered"

        return ask


def renewal(vendor: Vendor, secrets: Staged) -> tuple[Renewal, list[Stage]]:
    told: list[Stage] = []
    return Renewal(vendor.client, secrets, told.append), told


def ask(renewed: Renewal) -> str:
    return renewed.run(lambda client: client("q"))


def test_while_the_secret_is_good_no_other_is_tried() -> None:
    vendor = Vendor("now")
    renewed, told = renewal(vendor, Staged(current="now", next="soon", previous="before"))
    assert ask(renewed) == ask(renewed) == "q answered"
    assert (vendor.heard, told) == (["now", "now"], [])


def test_a_secret_that_was_exchanged_is_read_again_and_no_call_is_lost() -> None:
    vendor, secrets = Vendor("now"), Staged(current="now")
    renewed, told = renewal(vendor, secrets)
    ask(renewed)
    vendor.good, secrets.stages = {"new"}, {"current": "new", "previous": "now"}
    assert ask(renewed) == ask(renewed) == "q answered"
    assert (vendor.heard, told) == (["now", "now", "new", "new"], [Stage.CURRENT])


@pytest.mark.parametrize("stage", [Stage.NEXT, Stage.PREVIOUS])
def test_the_one_to_come_and_the_one_before_are_tried_and_kept_in_use(stage: Stage) -> None:
    vendor, secrets = Vendor("other"), Staged(current="now", **{stage: "other"})
    renewed, told = renewal(vendor, secrets)
    assert ask(renewed) == ask(renewed) == "q answered"
    assert (vendor.heard, told) == (["now", "other", "other"], [stage])


def test_a_refusal_of_all_is_the_first_one_and_each_is_tried_once() -> None:
    vendor = Vendor()
    renewed, told = renewal(vendor, Staged(current="now", next="soon", previous="now"))
    with pytest.raises(PortError) as caught:
        ask(renewed)
    assert caught.value.kind is ErrorKind.AUTH
    assert (vendor.heard, told) == (["now", "soon"], [])


@pytest.mark.parametrize("kind", [each for each in ErrorKind if each is not ErrorKind.AUTH])
def test_whatever_else_fails_is_made_once_only(kind: ErrorKind) -> None:
    vendor = Vendor("now", "soon")
    vendor.trouble = PortError(kind, "desk")
    renewed, told = renewal(vendor, Staged(current="now", next="soon"))
    with pytest.raises(PortError) as caught:
        ask(renewed)
    assert caught.value is vendor.trouble
    assert (vendor.heard, told) == (["now"], [])


def test_a_failure_behind_the_door_shows_that_the_other_secret_opens_it() -> None:
    vendor = Vendor("soon")
    vendor.trouble = PortError(ErrorKind.AMBIGUOUS, "desk")
    renewed, told = renewal(vendor, Staged(current="now", next="soon", previous="before"))
    with pytest.raises(PortError) as caught:
        ask(renewed)
    assert caught.value.kind is ErrorKind.AMBIGUOUS, "it may have arrived: nobody else is tried"
    assert (vendor.heard, told) == (["now", "soon"], [Stage.NEXT])


def test_a_secret_that_cannot_be_read_is_no_other_one() -> None:
    vendor, secrets = Vendor("before"), Staged(current="now", next="soon", previous="before")
    renewed, told = renewal(vendor, secrets)
    secrets.broken = {Stage.CURRENT, Stage.NEXT}
    assert ask(renewed) == "q answered"
    assert told == [Stage.PREVIOUS]


def test_many_threads_that_are_refused_at_once_all_get_their_answer() -> None:
    vendor, secrets = Vendor("now"), Staged(current="now")
    renewed, told = renewal(vendor, secrets)
    ask(renewed)
    vendor.good, secrets.stages = {"new"}, {"current": "new"}
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(renewed))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == ["q answered"] * 8
    assert told == [Stage.CURRENT]


def test_a_stage_that_is_not_there_is_the_secret_in_use() -> None:
    store = AtStage(Staged(current="now"), Stage.NEXT)
    assert store.get(KEY) == "now"
    assert store.read == {KEY: "now"}
