"""What every clearinghouse's client has: its settings, its secret, and the one way to call."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import httpx2
from pydantic import Field

from cleargate.connectors.wires.http import Http, HttpSettings
from cleargate.connectors.wires.oauth import BearerHttp
from cleargate.nouns.eligibility import NO_NEEDS, Pending, RawAnswer, Search
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.time import Clock
from cleargate.ports import RateBudget, Recorder, SecretStore, Token, TokenStore


class ClearinghouseSettings(HttpSettings, ABC):
    """One clearinghouse. A payer may take 110 s to answer.

    `repeatable` says that a question which may have arrived can be asked again without a second
    fee.
    """

    deadline_s: float = Field(default=110.0, gt=0, le=600)
    repeatable: bool = False

    @property
    @abstractmethod
    def secret(self) -> str:
        """The reference of what we sign in with."""


S = TypeVar("S", bound=ClearinghouseSettings)


class ClearinghouseClient(Generic[S]):
    """One connection. Answers come at once; a vendor that has later ones brings its own `poll`.

    A vendor that takes no question without certain details names them in `needs`.
    """

    needs: Search = NO_NEEDS

    def __init__(
        self,
        connection: str,
        settings: S,
        *,
        secrets: SecretStore,
        budget: RateBudget,
        recorder: Recorder,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self.deadline_s = settings.deadline_s
        self.repeatable = settings.repeatable
        self._settings = settings
        self._secret = secrets.get(settings.secret)
        self._clock = clock
        self._http = Http(
            connection,
            settings,
            secrets=secrets,
            budget=budget,
            recorder=recorder,
            clock=clock,
            transport=transport,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def poll(self, token: str) -> RawAnswer | Pending:  # noqa: ARG002
        """UNSUPPORTED: real time has no later."""
        raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="poll")


class TokenClient(ClearinghouseClient[S], ABC):
    """One connection whose calls carry a token; `deadline_s` holds for a call and its token."""

    def __init__(
        self,
        connection: str,
        settings: S,
        *,
        secrets: SecretStore,
        tokens: TokenStore,
        budget: RateBudget,
        recorder: Recorder,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(
            connection,
            settings,
            secrets=secrets,
            budget=budget,
            recorder=recorder,
            clock=clock,
            transport=transport,
        )
        self._authorised = BearerHttp(self._http, self._mint, tokens=tokens, clock=clock)

    @abstractmethod
    def _mint(self) -> Token:
        """Ask the vendor for a new token."""
