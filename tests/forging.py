"""Evidence files that were altered, by anybody or by an operator who lends his key to it."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from detente import verify as verifier
from detente.core.evidence import SEAL_TYPE
from detente.core.party import key_id
from detente.node.keyring import Keyring

Forge = Callable[[dict[str, Any]], object]


def checked(data: bytes, policy: str | None = None) -> str:
    """What the verifier says of a file in which all holds."""
    status, said = verifier.verify(data, policy)
    assert status == 0, said
    return said


def refused(data: bytes, number: int, why: str, policy: str | None = None) -> str:
    """A file that fails a check for a reason."""
    status, said = verifier.verify(data, policy)
    assert status == 1, said
    verdict = re.search(rf"^{number}\. .*\n   (FAILS|holds): (.*)$", said, re.MULTILINE)
    assert verdict is not None
    assert verdict[1] == "FAILS", said
    assert why in verdict[2], said
    return said


def block_of(data: bytes) -> tuple[bytes, dict[str, Any], bytes]:
    before, _, rest = data.partition(verifier.OPENS)
    block, _, after = rest.partition(verifier.CLOSES)
    whole: dict[str, Any] = json.loads(block)
    return before, whole, after


def rebuilt(before: bytes, whole: dict[str, Any], after: bytes) -> bytes:
    block = verifier.canonical(whole).replace(b"<", b"\\u003c")
    return before + verifier.OPENS + block + verifier.CLOSES + after


def forged(keyring: Keyring, data: bytes, change: Forge) -> bytes:
    """The evidence with a change, sealed again by an operator who lends his key to it."""
    before, whole, after = block_of(data)
    change(whole["evidence"])
    key = keyring.load("node")
    body = verifier.canonical(whole["evidence"])
    message = b"DSSEv1 %d %b %d %b" % (len(SEAL_TYPE), SEAL_TYPE, len(body), body)
    signature = key.sign(message).signature
    whole["seal"] = {
        "keyid": key_id(bytes(key.verify_key)), "sig": base64.b64encode(signature).decode()
    }  # fmt: skip
    return rebuilt(before, whole, after)
