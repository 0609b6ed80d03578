"""Google on loopback, as far as its ID tokens go: who signs them, and where their certificates are.

A proxy that answers as www.googleapis.com, by a certificate of its own authority. A function whose environment names that
proxy and that authority asks the real address, by the real client.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

HOST = "www.googleapis.com"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Signer:
    """A key that signs tokens, and the certificate that proves it."""

    key_id: str
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)

    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "federated-signon.loopback")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.private.public_key(), x509.random_serial_number(), now, now + DAY)
        signed = builder.sign(self.private, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, claims: Mapping[str, Any]) -> str:
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return jwt.encode(crypt.RSASigner.from_string(pem, self.key_id), claims).decode()


@dataclass
class Google:
    """The running stand-in: what a function needs in its environment to ask it, how it answers, and what it was asked."""

    signer: Signer
    environment: Mapping[str, str] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK
    requests: list[str] = field(default_factory=list)


@contextmanager
def loopback_google(folder: Path) -> Iterator[Google]:
    """Answer as Google until the block ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    google = Google(Signer("the key of today"))
    certificates = json.dumps({google.signer.key_id: google.signer.certificate()}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.path != f"{HOST}:443":
                self.send_error(403)
                return
            self.send_response(200)
            self.end_headers()
            with tls.wrap_socket(self.connection, server_side=True) as connection, connection.makefile("rb") as lines:
                google.requests.append(lines.readline().decode().strip())
                while lines.readline().strip():
                    pass
                head = f"HTTP/1.1 {google.status.value} {google.status.phrase}\r\nContent-Length: {len(certificates)}\r\n"
                connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + certificates)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        google.environment = {
            "https_proxy": f"http://127.0.0.1:{server.server_port}",
            "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
        }
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield google
        finally:
            server.shutdown()
