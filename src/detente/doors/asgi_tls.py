"""The certificates that the node shows, and those that it asks for."""

import ssl
from pathlib import Path

from detente.errors import MalformedInput
from detente.settings import Settings


def context(settings: Settings) -> ssl.SSLContext | None:
    """What TLS is spoken with; None where it is not.

    Raises:
        MalformedInput: A file that is missing, or does not hold what it should.
    """
    if not settings.tls_certificate:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        raise MalformedInput(
            f"tls_certificate {settings.tls_certificate} with tls_key {settings.tls_key}",
            expected="a certificate chain and its key, PEM, without a password",
            got=_reason(error, settings.tls_certificate, settings.tls_key),
        ) from None
    if settings.tls_client_ca:
        try:
            made.load_verify_locations(settings.tls_client_ca)
        except OSError as error:
            raise MalformedInput(
                f"tls_client_ca {settings.tls_client_ca}",
                expected="certificates of authorities, PEM",
                got=_reason(error, settings.tls_client_ca),
            ) from None
        required = settings.tls_client_required
        made.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return made


def _no_password() -> str:
    """OpenSSL would ask the terminal; a node starts by itself."""
    raise ValueError("a key with a password")


def _reason(error: Exception, *paths: str) -> str:
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        return f"no file {missing[0]}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "another format").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)
