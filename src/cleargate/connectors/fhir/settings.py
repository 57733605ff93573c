"""What the practice's settings say about a FHIR connection."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from cleargate.connectors.wires.http import HttpSettings
from cleargate.connectors.wires.smart import SmartSettings


class FhirSettings(HttpSettings):
    """One practice's FHIR server; `base_url` is the address before `/metadata`.

    `zone` is that of the office: a FHIR search by day needs its midnights. `service_type_system`
    is the coding system of `Slot.serviceType`; any system when empty. `page_size` times
    `pages_max` bounds every search: what does not fit is an error.
    """

    deadline_s: float = Field(default=20.0, gt=0, le=600)
    smart: SmartSettings
    zone: str
    service_type_system: str = ""
    page_size: int = Field(default=100, ge=10, le=1000)
    pages_max: int = Field(default=30, ge=1, le=200)

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """The server's and that of its tokens."""
        token_url = self.smart.token_url
        return (*super().own_addresses, *((token_url,) if token_url else ()))

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("must be a time zone such as America/Chicago") from None
        return zone
