"""What the practice's settings say about a pVerify connection."""

from pydantic import Field, field_validator

from cleargate.connectors.wires.client import ClearinghouseSettings

API = "https://api.pverify.com"


class PverifySettings(ClearinghouseSettings):
    """One client of pVerify's API; `base_url` is its host, and `is_test` asks its test side.

    `client_id` is sent as Client-API-Id as well, `client_secret` is a secret's reference.
    `location` is the practice's location as pVerify knows it; who may not see that location in
    its portal does not see the patient. `practice_type` is pVerify's code for what is asked about,
    such as 12 for physical therapy; without one the account's own is taken.
    `repeatable` is false and stays so: pVerify bills a question again that is sent again.
    """

    base_url: str = API
    client_id: str = Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")
    client_secret: str = Field(min_length=1)
    location: str = Field(min_length=1, max_length=60)
    practice_type: str = Field(default="", pattern=r"^\d{0,4}$")
    is_test: bool = False
    poll_after_s: float = Field(default=300.0, ge=30, le=14_400)

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.client_secret

    @property
    def own_headers(self) -> dict[str, str]:
        """The header's name is read by its case."""
        return self.headers | {"Client-API-Id": self.client_id}

    @field_validator("repeatable")
    @classmethod
    def _is_never(cls, repeatable: bool) -> bool:
        if repeatable:
            raise ValueError(
                "must be false: pVerify bills a question again whenever it is sent again"
            )
        return repeatable

    @field_validator("base_url")
    @classmethod
    def _is_host_alone(cls, url: str) -> str:
        if url.lower().endswith(("/api", "/test", "/token")):
            raise ValueError(f"must be the host alone, such as {API}; is_test asks its test side")
        return url

    @property
    def api_url(self) -> str:
        """Where questions go."""
        return f"{self.base_url}/Test/API" if self.is_test else f"{self.base_url}/API"

    @property
    def token_url(self) -> str:
        """Where tokens come from."""
        return f"{self.base_url}/Token"
