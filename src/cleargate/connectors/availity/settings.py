"""What the practice's settings say about an Availity connection."""

from typing import Literal, Self

from pydantic import Field, model_validator

from cleargate.connectors.wires.client import ClearinghouseSettings

GATEWAY = "https://api.availity.com"
TOKEN = "/v1/token"  # noqa: S105  (a path)
COVERAGES = "/availity/v1/coverages"
_SCOPE = "healthcare-hipaa-transactions"
_DEMO = "-demo"


class AvailitySettings(ClearinghouseSettings):
    """One application of Availity's portal; `client_secret` is a secret's reference.

    Live and demo are the same host: the scope of the token decides. `environment` must say which
    one is meant, and a `scope` that says otherwise is refused. Demo answers are canned: they are
    about nobody who was asked about. A question sent again is a new question.
    """

    base_url: str = GATEWAY
    deadline_s: float = Field(default=60.0, gt=0, le=600)
    environment: Literal["live", "demo"]
    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1)
    scope: str = ""

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.client_secret

    @property
    def token_scope(self) -> str:
        """The scope that is asked for."""
        return self.scope or (_SCOPE if self.environment == "live" else f"{_SCOPE} {_SCOPE}{_DEMO}")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        is_demo = any(word.endswith(_DEMO) for word in self.token_scope.split())
        if is_demo is not (self.environment == "demo"):
            raise ValueError(
                "environment and scope contradict each other: a scope that ends in -demo gives "
                "canned answers, any other asks payers"
            )
        return self
