"""The tables, the same on SQLite and PostgreSQL.

``entry`` is the record: what was signed, in order, never changed. ``content``
holds what the commitments cover; erasing an object deletes its rows here, and
the record still verifies. ``object`` points at the current version of each
object; ``gathered`` has, of the current version of a notice or presence, the plain numbers
that pictures are made of, so that a start need not read all values again. ``tile`` holds
the hashes of the tree and ``head`` its size and root.

Beside the record: ``idempotency`` holds the answers that were given, ``budget``
what was learnt of hidden entries, ``cursor`` and ``notified`` how far others were
told. ``disclosed`` and ``acknowledged`` are drawn from the record, to be found by
entry and party; ``owed`` says which peers by F3548 the node had to tell of what its
own parties said; ``lease`` says which process does what only one may do. ``witnessed``
holds the log's checkpoints that enough witnesses cosigned, ``seen`` what this node as a
witness cosigned last of other logs, which it must never forget. ``mirror``,
``mirror_pending`` and ``mirror_file`` hold the copies that it keeps as a mirror.
"""

import sqlalchemy as sa

metadata = sa.MetaData()


def text(length: int) -> sa.String:
    """Text that is compared by its bytes, as SQLite does by itself.

    PostgreSQL would ask a language: slower, and another order on another machine.
    """
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


STANDING = sa.text("NOT ended")
"""Which names are taken; queries must say it in the same words to use the index."""

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("party", text(63), nullable=False),
    # In whose chain it is: the party's, or the node's for what the node attests.
    sa.Column("chain", text(63), nullable=False),
    sa.Column("party_sequence", sa.BigInteger, nullable=False),
    sa.Column("kind", text(24), nullable=False),
    sa.Column("object", text(32), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("chain", "party_sequence", name="entry_chain_sequence"),
    sa.UniqueConstraint("object", "version", name="entry_object_version"),
    # An acknowledgement names an entry by its hash.
    sa.Index("entry_leaf", "leaf"),
)

content = sa.Table(
    "content",
    metadata,
    sa.Column(
        "sequence",
        sa.BigInteger,
        sa.ForeignKey("entry.sequence"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("salt", sa.LargeBinary(32), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

current = sa.Table(
    "object",
    metadata,
    sa.Column("id", text(32), primary_key=True),
    sa.Column("kind", text(24), nullable=False),
    sa.Column("party", text(63), nullable=False),
    sa.Column("source_id", text(200), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, sa.ForeignKey("entry.sequence"), nullable=False),
    # What has ended gives its name free.
    sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(
        "object_name",
        "kind",
        "party",
        "source_id",
        unique=True,
        # The same on PostgreSQL (migration 0002); to say so here would load its dialect, which
        # takes each command on SQLite some 30 ms.
        sqlite_where=STANDING,
    ),
    # For what people call it, without its kind or party.
    sa.Index("object_source_id", "source_id"),
    # For searches, page by page in the order of the record.
    sa.Index("object_sequence", "sequence"),
    sa.Index("object_kind_sequence", "kind", "sequence"),
    sa.Index("object_party_sequence", "party", "sequence"),
)

gathered = sa.Table(
    "gathered",
    metadata,
    # Of the entry that is the current version; what it replaces goes. On SQLite, INTEGER is
    # the row's own number, so that all are read without an index.
    sa.Column(
        "sequence",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("object", text(32), nullable=False),
    # What many have in common: category, and who may know of it.
    sa.Column("grouping", sa.LargeBinary, nullable=False),
    # Empty where it does not protect.
    sa.Column("numbers", sa.LargeBinary, nullable=False),
)

tile = sa.Table(
    "tile",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

head = sa.Table(
    "head",
    metadata,
    sa.Column("theatre", text(63), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    # How often somebody went past a budget: who holds the head knows by it whether that is news.
    sa.Column("overspent", sa.BigInteger, nullable=False, server_default="0"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("party", text(63), primary_key=True),
    sa.Column("key", text(200), primary_key=True),
    # Of the request, so that a key is not used for another one.
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Index("idempotency_received", "received_us"),
)

budget = sa.Table(
    "budget",
    metadata,
    # Days since 1970, UTC.
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", text(63), primary_key=True),
    sa.Column("asker", text(63), primary_key=True),
    # Of the area that was asked about: the same question costs once a day.
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    # Thousandths of a square kilometre.
    sa.Column("area_km2_milli", sa.BigInteger, nullable=False),
)

cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("subscription", text(64), primary_key=True),
    # The last entry that was delivered or needed not be.
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_us", sa.BigInteger, nullable=False),
    sa.Column("failing_since_us", sa.BigInteger, nullable=True),
)

notified = sa.Table(
    "notified",
    metadata,
    sa.Column("subscription", text(64), primary_key=True),
    sa.Column("notification_index", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

disclosed = sa.Table(
    "disclosed",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("party", text(63), primary_key=True),
    # 1 an area of it, 2 all of it: what was shown in part may be shown in full later.
    sa.Column("extent", sa.Integer, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    # When a party was first told something after it last acknowledged anything.
    sa.Index("disclosed_party_at", "party", "at_us"),
)

acknowledged = sa.Table(
    "acknowledged",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("party", text(63), primary_key=True),
    sa.Column("level", text(16), primary_key=True),
    # To which level of the recipient it was passed on; empty where to none.
    sa.Column("destination", text(200), primary_key=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Index("acknowledged_party_at", "party", "at_us"),
)

owed = sa.Table(
    "owed",
    metadata,
    # The entry that a subscription by F3548 had to be told of,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    # by its object id,
    sa.Column("subscription", text(32), primary_key=True),
    sa.Column("party", text(63), nullable=False),
    # and as its how-manieth: the notification index.
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Index("owed_party", "party", "sequence"),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", text(63), primary_key=True),
    # Empty where it was given back.
    sa.Column("holder", text(63), nullable=False),
    # Counted up by its holder; who sees it stand still for long enough takes the lease.
    sa.Column("beat", sa.BigInteger, nullable=False),
)

witnessed = sa.Table(
    "witnessed",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    # The checkpoint with its cosignatures, as a signed note.
    sa.Column("note", sa.LargeBinary, nullable=False),
)

seen = sa.Table(
    "seen",
    metadata,
    sa.Column("origin", text(255), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
)

mirror = sa.Table(
    "mirror",
    metadata,
    sa.Column("origin", text(255), primary_key=True),
    # The first entry that is not here.
    sa.Column("next", sa.BigInteger, nullable=False),
    # Of the checkpoint under which the copy is served, with our cosignatures; until there is
    # one, 0 and none.
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=True),
)

mirror_pending = sa.Table(
    "mirror_pending",
    metadata,
    sa.Column("origin", text(255), primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True),
    # The checkpoint as the log signed it.
    sa.Column("note", sa.LargeBinary, nullable=False),
)

mirror_file = sa.Table(
    "mirror_file",
    metadata,
    sa.Column("origin", text(255), primary_key=True),
    # Of a tile; -1 is a bundle of entries.
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
