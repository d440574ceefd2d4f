"""Private keys on disk: one PEM file a party, readable by its owner alone.

PKCS #8, as ``openssl pkey -in FILE`` reads it. Keys live beside the register,
never in it.
"""

from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl.signing import SigningKey

from detente.core.party import PublicKey, key_id
from detente.errors import Conflict, MalformedInput, NotFound, Unavailable
from detente.node.whole_file import keep_new, sync_folder
from detente.store.place import Place, name_of

KEY_BYTES_MAX = 10_000
"""A PEM file of one Ed25519 key has 119 bytes."""


class Keyring:
    """The folder ``<register>.keys`` beside a register, or here for one on a server.

    Args:
        where: The register.
        folder: Another folder.
    """

    def __init__(self, where: Place, folder: Path | None = None) -> None:
        beside = where if isinstance(where, Path) else Path(name_of(where) + ".db")
        self.folder = folder or beside.with_suffix(".keys")

    def path(self, party: str) -> Path:
        """Where a party's private key is."""
        return self.folder / f"{party}.pem"

    def require_none(self, party: str) -> None:
        """Refuse to go on where a party has a key: it is never overwritten.

        Raises:
            Conflict: It has one.
        """
        if self.path(party).exists():
            raise Conflict(
                f"key of {party}", expected="none yet; move it away", got=f"{self.path(party)}"
            )

    def make(self, party: str) -> SigningKey:
        """Make a key for a party and keep it, on disk when this returns.

        It is never seen half-written: several processes may find that it is missing
        at once, and one of them makes it.

        Raises:
            Conflict: It has one already; a key is never overwritten.
            Unavailable: The folder cannot be written.
        """
        key = Ed25519PrivateKey.generate()
        self.require_none(party)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._keep(self.path(party), pem)
        return SigningKey(key.private_bytes_raw())

    def own(self, name: str) -> SigningKey:
        """A key under a name, made if there is none; one that a broken run left is taken.

        Raises:
            MalformedInput: The file holds no Ed25519 key.
            Unavailable: The folder cannot be written.
        """
        if not self.path(name).exists():
            with suppress(Conflict):  # Another process made it meanwhile.
                return self.make(name)
        self._sync()
        return self.load(name)

    def ml_dsa(self, name: str) -> MLDSA44PrivateKey:
        """A second key under a name, of ML-DSA-44 (FIPS 204); made if there is none.

        Raises:
            MalformedInput: The file holds no such key.
            Unavailable: The folder cannot be written.
        """
        path = self.path(f"{name}.ml-dsa-44")
        if not path.exists():
            made = MLDSA44PrivateKey.generate()
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with suppress(Conflict):  # Another process made it meanwhile.
                self._keep(path, pem)
        self._sync()
        key = self._read(path, "an ML-DSA-44")
        if not isinstance(key, MLDSA44PrivateKey):
            raise MalformedInput(
                f"{path}", expected="an ML-DSA-44 key (PEM)", got=type(key).__name__
            )
        return key

    def load(self, party: str) -> SigningKey:
        """A party's key.

        Raises:
            NotFound: It has none here.
            MalformedInput: The file holds no Ed25519 key.
        """
        path = self.path(party)
        key = self._read(path, "an Ed25519")
        if not isinstance(key, Ed25519PrivateKey):
            raise MalformedInput(f"{path}", expected="an Ed25519 key (PEM)", got=type(key).__name__)
        return SigningKey(key.private_bytes_raw())

    def _keep(self, path: Path, pem: bytes) -> None:
        try:
            keep_new(path, pem)
        except FileExistsError:
            raise Conflict(f"key of {path.stem}", expected="none yet", got=f"{path}") from None
        except OSError as error:
            raise Unavailable(
                f"key of {path.stem}",
                expected=f"{path.parent} to take a file",
                got=error.strerror or str(error),
            ) from error

    def _sync(self) -> None:
        """Have what is here last: whoever made it may have been killed before it did."""
        try:
            sync_folder(self.folder)
        except OSError as error:
            raise Unavailable(f"keys in {self.folder}", got=str(error)) from error

    def _read(self, path: Path, name: str) -> PrivateKeyTypes:
        try:
            data = path.read_bytes()[:KEY_BYTES_MAX]
        except OSError:
            raise NotFound(
                f"private key of {path.stem}", expected=f"{path}; `detente party new` makes one"
            ) from None
        try:
            return load_pem_private_key(data, password=None)
        except (ValueError, TypeError) as error:
            raise MalformedInput(f"{path}", expected=f"{name} key (PEM)", got=str(error)) from None


def public_key(key: SigningKey) -> PublicKey:
    """What others need to know of a key."""
    raw = bytes(key.verify_key)
    return PublicKey(id=key_id(raw), ed25519=raw.hex())
