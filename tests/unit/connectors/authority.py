"""A private authority for a test, the certificates that it signs, and servers that show them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VENDOR = "vendor.example.test"
_DAY = timedelta(days=1)


class Authority:
    """Signs certificates; `file` is its own, for a connection's `ca_file`."""

    def __init__(self, folder: Path, name: str = "sample authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key, timedelta(days=30)).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._signed(builder))

    def certificate(self, host: str = VENDOR, life: timedelta = _DAY) -> tuple[Path, Path]:
        """A server's certificate and key; a negative life is over."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sample")])
        builder = self._builder(name, key, life).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        files = self._folder / f"{host}.pem", self._folder / f"{host}.key"
        files[0].write_bytes(self._signed(builder))
        files[1].touch(0o600)
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def server(self, host: str = VENDOR, life: timedelta = _DAY) -> ssl.SSLContext:
        """What a server that shows such a certificate speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(host, life))
        return context

    def _builder(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
    ) -> x509.CertificateBuilder:
        ends = datetime.now(UTC) + life
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(ends, datetime.now(UTC)) - _DAY)
            .not_valid_after(ends)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        certificate = builder.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)
