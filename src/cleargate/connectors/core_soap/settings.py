"""What the practice's settings say about a CAQH CORE connection over SOAP."""

from cleargate.connectors.wires.core import EnvelopeSettings


class CoreSettings(EnvelopeSettings):
    """One clearinghouse; user name and password go in a WS-Security UsernameToken."""
