"""Webhook secrets: one a subscription, derived and never stored.

Each is an HMAC of the subscription's id under a secret of the node's, a file beside
its key. Whoever serves the same record from another machine needs that file as
well; the database does not hold it.

Source: Standard Webhooks (standard-webhooks/standard-webhooks, spec v1.0.0): 24 to
64 bytes, ``whsec_`` and base64.
"""

import base64
import hmac
import secrets
from contextlib import suppress
from hashlib import sha256

from detente.errors import MalformedInput, Unavailable
from detente.node.keyring import Keyring
from detente.node.whole_file import keep_new, sync_folder

SECRET_BYTES = 32
"""Of the node's secret, and of each that is derived from it: those of SHA-256."""

FILE = "webhooks.secret"


class WebhookSecrets:
    """The secrets of all subscriptions.

    Args:
        master: The node's secret, SECRET_BYTES long.
    """

    def __init__(self, master: bytes) -> None:
        self._master = master

    @classmethod
    def load(cls, keyring: Keyring) -> "WebhookSecrets":
        """From the file beside the node's key; it is made where there is none.

        Raises:
            Unavailable: The file cannot be read or written.
            MalformedInput: It holds something else.
        """
        path = keyring.folder / FILE
        try:
            if not path.exists():
                with suppress(FileExistsError):  # Another process made it meanwhile.
                    keep_new(path, base64.b64encode(secrets.token_bytes(SECRET_BYTES)))
            else:
                sync_folder(path.parent)  # Whoever made it may have been killed before it lasted.
            text = path.read_text(encoding="ascii")
            master = base64.b64decode(text, validate=True)
        except OSError as error:
            raise Unavailable("webhook secret", got=error.strerror or "an error") from error
        except ValueError:
            raise MalformedInput(f"{path}", expected="base64") from None
        if len(master) != SECRET_BYTES:
            raise MalformedInput(f"{path}", expected=f"{SECRET_BYTES} bytes in base64")
        return cls(master)

    def of(self, subscription: str) -> bytes:
        """The secret of one subscription, as bytes."""
        message = b"detente webhook " + subscription.encode()
        return hmac.new(self._master, message, sha256).digest()

    @property
    def master(self) -> bytes:
        """From which other keys of the node's are derived, each under a name of its own."""
        return self._master

    def shown(self, subscription: str) -> str:
        """The secret as its subscriber puts it into his receiver."""
        return "whsec_" + base64.b64encode(self.of(subscription)).decode()
