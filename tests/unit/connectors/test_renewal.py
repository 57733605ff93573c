"""Credentials that change under way: what is refused is tried with the others that there are."""

import threading

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
        self.clients: list[Client] = []

    def client(self, secrets: SecretStore) -> "Client":
        made = Client(self, secrets.get(KEY))
        self.clients.append(made)
        return made

    @property
    def open(self) -> list[str]:
        return [each.secret for each in self.clients if not each.closed]


class Client:
    """One client of the vendor, which like a real one is of no use once it is closed."""

    def __init__(self, vendor: Vendor, secret: str) -> None:
        self.vendor, self.secret, self.closed = vendor, secret, False

    def prove(self) -> None:
        self.ask("who am I")

    def ask(self, question: str) -> str:
        assert not self.closed
        self.vendor.heard.append(self.secret)
        if self.secret not in self.vendor.good:
            raise PortError(ErrorKind.AUTH, "desk", vendor_code="401")
        if self.vendor.trouble is not None:
            raise self.vendor.trouble
        return f"{question} answered"

    def close(self) -> None:
        self.closed = True


def renewal(vendor: Vendor, secrets: Staged) -> tuple[Renewal, list[Stage]]:
    told: list[Stage] = []
    return Renewal(vendor.client, secrets, told.append), told


def ask(renewed: Renewal) -> str:
    return renewed.run(lambda client: client.ask("q"))


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
    assert vendor.open == ["new"]
    renewed.close()
    assert vendor.open == []


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
    assert vendor.open == ["now"]


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
    assert vendor.open == ["new"]


def test_a_client_is_not_closed_under_a_call_of_another_thread() -> None:
    vendor, secrets = Vendor("now"), Staged(current="now")
    renewed, _ = renewal(vendor, secrets)
    entered, leave = threading.Event(), threading.Event()

    def slow(client: Client) -> str:
        entered.set()
        assert leave.wait(20)
        return client.ask("slow")

    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(renewed.run(slow)))
    thread.start()
    assert entered.wait(20)
    vendor.good, secrets.stages = {"new"}, {"current": "new"}
    assert ask(renewed) == "q answered"
    assert vendor.open == ["now", "new"]
    vendor.good = {"now", "new"}
    leave.set()
    thread.join(20)
    assert (answers, vendor.open) == (["slow answered"], ["new"])


def test_a_stage_that_is_not_there_is_the_secret_in_use() -> None:
    store = AtStage(Staged(current="now"), Stage.NEXT)
    assert store.get(KEY) == "now"
    assert store.read == {KEY: "now"}
