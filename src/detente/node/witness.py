"""This node as a witness of other theatres' logs.

It cosigns what grew out of what it cosigned before, and remembers that before it
answers: whatever happens, it never cosigns two pasts of one log.

Source: C2SP tlog-witness, tlog-cosignature; docs/adr/0018.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from detente.core.note_key import Signer, VerifierKey, cosigner
from detente.core.policy import Policy
from detente.core.witness import (
    Answer,
    Cosigned,
    Decision,
    Refused,
    Request,
    Seen,
    Status,
    answer,
    decide,
    parse_request,
)
from detente.errors import MalformedInput
from detente.node.keyring import Keyring
from detente.store import Store

WITNESS = "+witness"
"""Whose keys cosign, in a keyring: no party can be called so."""


def witness_signers(keyring: Keyring, name: str) -> tuple[Signer, Signer]:
    """The keys of this node as a witness, made where there are none: Ed25519 and ML-DSA-44.

    Of two kinds, for evidence must outlive today's signatures (FIPS 204).

    Args:
        keyring: Where they are.
        name: Of the witness, as a host and path such as witness.example.org.

    Raises:
        MalformedInput: The name cannot stand in a note.
        Unavailable: They cannot be written.
    """
    return cosigner(name, keyring.own(WITNESS)), cosigner(name, keyring.ml_dsa(WITNESS))


class Witness:
    """Cosigns.

    Args:
        store: Where it remembers what it cosigned.
        signers: Its own, from ``witness_signers``.
        policy: Whose ``log`` lines say which logs it knows.
        clock: Gives the time, UTC.
    """

    def __init__(
        self,
        store: Store,
        signers: Sequence[Signer],
        policy: Policy,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._clock = clock
        self.signers = tuple(signers)
        self._logs: Mapping[str, Sequence[VerifierKey]] = {
            log.key.name: [one.key for one in policy.logs if one.key.name == log.key.name]
            for log in policy.logs
        }

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a log that asks for a cosignature; blocks.

        Raises:
            Unavailable: What would be cosigned cannot be remembered.
            OutcomeUnknown: It may have been; nothing is cosigned.
        """
        try:
            request = parse_request(body)
        except MalformedInput as error:
            return answer(Refused(status=Status.MALFORMED, reason=str(error)))
        origin = request.checkpoint.origin
        with self._store.reading() as record:
            refused = self._decided(request, record.seen(origin), signers=())
        if isinstance(refused, Refused):
            # Whoever is refused has nobody wait for the head, which anyone could ask for.
            return answer(refused)
        # Nobody else may sign between what is read here and what is written.
        with self._store.appending() as record:
            seen = record.seen(origin)
            decision = self._decided(request, seen, self.signers)
            if isinstance(decision, Cosigned) and decision.seen != seen:
                record.put_seen(origin, decision.seen)
        return answer(decision)

    def _decided(self, request: Request, seen: Seen, signers: Sequence[Signer]) -> Decision:
        return decide(
            request,
            logs=self._logs,
            seen=seen,
            signers=signers,
            timestamp=int(self._clock().timestamp()),
        )
