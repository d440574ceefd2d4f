"""What a command will ask the record about, said before it is decided."""

from detente.core.entry import EntryKind
from detente.node.f3548.entities import Constraint, Intent, Wish
from detente.node.submit import Touches


def touching(
    known: Intent | Constraint | Wish | None, kind: EntryKind, party: str, name: str
) -> Touches:
    """The object that is to change, as far as is known; else the name, for a new one.

    A guess: a batch asks the record once for all that is guessed right.
    """
    if known is None:
        return Touches(names=((kind, party, name),))
    return Touches(objects=(known.object_id,))
