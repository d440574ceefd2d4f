"""The tables, the same on SQLite and PostgreSQL.

``entry`` is the record: what was signed, in order, never changed. ``content``
holds what the commitments cover; erasing an object deletes its rows here, and
the record still verifies. ``object`` points at the current version of each
object. ``tile`` holds the hashes of the tree and ``head`` its size and root.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("party", sa.String(63), nullable=False),
    sa.Column("party_sequence", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("object", sa.String(32), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("party", "party_sequence", name="entry_party_sequence"),
    sa.UniqueConstraint("object", "version", name="entry_object_version"),
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
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("party", sa.String(63), nullable=False),
    sa.Column("source_id", sa.String(200), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, sa.ForeignKey("entry.sequence"), nullable=False),
    sa.UniqueConstraint("kind", "party", "source_id", name="object_source"),
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
    sa.Column("theatre", sa.String(63), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
)
