"""A check on the record: its commitment goes there, and what opens it to whoever asked.

The node keeps neither the object nor the salt, on disk or in memory, so that nobody learns
from it afterwards who asked what: not its operator, and not whoever may order it to tell.
Nothing could give the same answer again, so there is no idempotency key for it either.

Source: DESIGN section 3; docs/rules/R-10.md; docs/adr/0020.
"""

import secrets
from datetime import datetime

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.check import Verdict
from detente.core.committed import Question, told
from detente.core.entry import SALT_BYTES, EntryKind
from detente.core.ledger import NODE
from detente.core.principal import Principal, Scope
from detente.core.tiles import root
from detente.core.wire import encode
from detente.node.author import Author
from detente.node.engine import Decision, Said
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches, submit
from detente.store import Content, Store


class Committed(Struct, frozen=True, kw_only=True):
    """That it is on record, and what opens it: given once, and kept by whoever asked."""

    receipt: Receipt
    content: Content


class Commit:
    """Puts the commitment to an answer on the record; the node says that it gave it.

    Who asked stands in the object alone: the entry names the node.

    Args:
        principal: Who asked.
        question: What.
        verdict: What was answered, as it was cut for him.
    """

    def __init__(self, principal: Principal, question: Question, verdict: Verdict) -> None:
        principal.require(Scope.CHECK)
        self.principal = principal
        self._question = question
        self._verdict = verdict
        self._id = secrets.token_hex(16)
        self.touches = Touches(objects=(self._id,), drawn=((EntryKind.CHECK, NODE, self._id),))

    def decide(self, moment: Moment) -> Decision[Committed]:
        """One entry of the node's."""
        grounds = root(moment.record.tile, self._verdict.sequence)
        value = told(self._question, self._verdict, root=grounds, object_id=self._id)
        content = Content(salt=secrets.token_bytes(SALT_BYTES), data=encode(value))
        said = Said(value=value, object_id=self._id, of_node=True, salt=content.salt)
        return Decision(
            says=(said,),
            answer=lambda receipts: Committed(receipt=receipts[0], content=content),
        )


def commit(
    store: Store, key: SigningKey, question: Question, verdict: Verdict, *, now: datetime
) -> Committed:
    """The same for a register on this machine.

    Args:
        store: The theatre's.
        key: The node's.
        question: What was asked of it.
        verdict: What was answered.
        now: UTC.

    Raises:
        DetenteError: As for ``submit``.
    """
    with store.reading() as record:
        author = Author.following(record, NODE, key)
        grounds = root(record.tile, verdict.sequence)
    value = told(question, verdict, root=grounds, object_id=secrets.token_hex(16))
    written = author.write(value, now=now, object_id=value.source_id)
    [receipt] = submit(store, [written], now=now)
    return Committed(receipt=receipt, content=written.content)
