"""The clearinghouse's doors: a vendor's language at each, the same payers behind all."""

import hashlib
from collections.abc import Callable
from functools import partial

from cleargate.nouns.time import Clock
from cleargate.sandbox import mime_envelope
from cleargate.sandbox.availity import Availity
from cleargate.sandbox.clearinghouse import Clearinghouse
from cleargate.sandbox.client_tokens import Client
from cleargate.sandbox.envelope import RECEIVER, Credentials
from cleargate.sandbox.optum import Optum
from cleargate.sandbox.pverify import Keep, Pverify
from cleargate.sandbox.stedi import Stedi
from cleargate.sandbox.trees import Tree
from cleargate.sandbox.trizetto import Trizetto
from cleargate.sandbox.waystar import Waystar
from cleargate.sandbox.wire import Request, Response, json_response

Handle = Callable[[Request], Response]


class Doors:
    """All doors to one clearinghouse. `keep_pverify` writes down what pVerify's door answers."""

    def __init__(
        self, clearinghouse: Clearinghouse, seed: int, clock: Clock, keep_pverify: Keep
    ) -> None:
        ask = clearinghouse.ask
        self._core = clearinghouse.credentials
        self._stedi = Stedi(ask, secret("stedi", seed))
        self._trizetto = Trizetto(ask, Credentials("sandbox", secret("trizetto", seed)))
        self._waystar = Waystar(ask, Credentials("sandbox", secret("waystar", seed)))
        self._optum = Optum(ask, Client("cleargate", secret("optum", seed)), clock)
        self.availity = Availity(ask, Client("cleargate", secret("availity", seed)), clock)
        self.pverify = Pverify(
            ask, keep_pverify, Client("cleargate", secret("pverify", seed)), clock
        )
        self._doors: dict[str, Handle] = {
            "core": clearinghouse.handle,
            "core-mime": partial(clearinghouse.handle, wrapping=mime_envelope),
            "stedi": self._stedi.handle,
            "trizetto": self._trizetto.handle,
            "waystar": self._waystar.handle,
        }
        self._gateways: dict[str, Handle] = {
            "optum": self._optum.handle,
            "availity": self.availity.handle,
            "pverify": self.pverify.handle,
        }

    def handle(self, request: Request) -> Response:
        """Answer at the door through which a question comes; a gateway has calls below its door."""
        door, *below = request.parts[1:] or ("",)
        if door in self._gateways:
            return self._gateways[door](request)
        if door in self._doors and not below and request.method == "POST":
            return self._doors[door](request)
        return json_response(404, {"error": "not_found"})

    def addresses(self, base_url: str) -> Tree:
        """Where each door is and who may come in, by the name that the ready file gives it."""
        core = _by_password(self._core) | {"receiver_id": RECEIVER}
        doors: dict[str, tuple[str, Tree]] = {
            "clearinghouse": ("core", core),
            "stedi": ("stedi", {"api_key": self._stedi.api_key}),
            "trizetto": ("trizetto", _by_password(self._trizetto.credentials)),
            "waystar": ("waystar", _by_password(self._waystar.credentials)),
            "optum": ("optum", _by_secret(self._optum.tokens.client)),
            "availity": ("availity", _by_secret(self.availity.tokens.client)),
            "pverify": ("pverify", _by_secret(self.pverify.tokens.client)),
            "core_mime": ("core-mime", core),
        }
        return {
            name: {"url": f"{base_url}/clearinghouse/{door}", **access}
            for name, (door, access) in doors.items()
        }


def secret(place: str, seed: int) -> str:
    """What opens a door; always the same for a seed."""
    return hashlib.blake2b(f"{place}|{seed}".encode(), digest_size=12).hexdigest()


def _by_password(credentials: Credentials) -> Tree:
    return {"username": credentials.username, "password": credentials.password}


def _by_secret(client: Client) -> Tree:
    return {"client_id": client.id, "client_secret": client.secret}
