"""What the practice's settings say about an Optum connection."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from cleargate.connectors.wires.client import ClearinghouseSettings

GATEWAY = "https://apigw.optum.com"
ELIGIBILITY = "/medicalnetwork/eligibility/v3/"
TOKEN = "/apip/auth/v2/token"  # noqa: S105  (a path)
_RETIRED = "changehealthcare.com"


class OptumSettings(ClearinghouseSettings):
    """One client of Optum's gateway; `base_url` is the gateway, for tokens and questions both.

    Optum's own sandbox with canned answers is `https://sandbox-apigw.optum.com`. `client_secret`
    is a secret's reference. `repeatable` says that a question which may have arrived can be asked
    again without a second fee. The gateway waits up to 110 s for a payer.
    """

    base_url: str = GATEWAY
    deadline_s: float = Field(default=115.0, gt=0, le=600)
    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1)

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.client_secret

    @field_validator("base_url")
    @classmethod
    def _is_in_service(cls, url: str) -> str:
        host = urlsplit(url).hostname or ""
        if host == _RETIRED or host.endswith(f".{_RETIRED}"):
            raise ValueError(f"{_RETIRED} is retired; use {GATEWAY}, with credentials from Optum")
        if ELIGIBILITY.rstrip("/") in url or TOKEN in url:
            raise ValueError(f"must be the gateway alone, such as {GATEWAY}")
        return url
