"""What the practice's settings say about a CAQH CORE connection over MIME."""

from cleargate.connectors.wires.core import EnvelopeSettings


class CoreMimeSettings(EnvelopeSettings):
    """One clearinghouse; user name and password are two fields of the form."""
