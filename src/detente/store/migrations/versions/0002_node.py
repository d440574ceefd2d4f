"""Chains, names that come free again, and what a node keeps beside the record.

Rows of before: every entry is in its party's own chain; a plan that has ended
gives its name free.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ENDED = {"ended", "withdrawn"}
_STANDING = sa.text("NOT ended")

_TEXTS = {
    "entry": {"party": 63, "kind": 24, "object": 32},
    "object": {"id": 32, "kind": 24, "party": 63, "source_id": 200},
    "head": {"theatre": 63},
}
"""Longer kinds; and on PostgreSQL compared by bytes, as SQLite does by itself."""


def upgrade() -> None:
    """Change the tables of the record, then make those beside it."""
    _entries()
    _objects()
    if op.get_bind().dialect.name == "postgresql":
        _compare_by_bytes("head")
    _beside()


def _entries() -> None:
    op.add_column("entry", sa.Column("chain", _text(63), nullable=True))
    op.execute("UPDATE entry SET chain = party")
    with op.batch_alter_table("entry") as batch:
        batch.alter_column("chain", existing_type=_text(63), nullable=False)
        batch.alter_column("kind", existing_type=sa.String(16), type_=_text(24))
        batch.drop_constraint("entry_party_sequence", type_="unique")
        batch.create_unique_constraint("entry_chain_sequence", ["chain", "party_sequence"])
    if op.get_bind().dialect.name == "postgresql":
        _compare_by_bytes("entry")
    op.create_index("entry_leaf", "entry", ["leaf"])


def _objects() -> None:
    with op.batch_alter_table("object") as batch:
        batch.add_column(sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()))
        batch.alter_column("kind", existing_type=sa.String(16), type_=_text(24))
        batch.drop_constraint("object_source", type_="unique")
    if op.get_bind().dialect.name == "postgresql":
        _compare_by_bytes("object")
    _end_plans()
    op.create_index(
        "object_name",
        "object",
        ["kind", "party", "source_id"],
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )
    op.create_index("object_source_id", "object", ["source_id"])
    op.create_index("object_sequence", "object", ["sequence"])
    op.create_index("object_kind_sequence", "object", ["kind", "sequence"])
    op.create_index("object_party_sequence", "object", ["party", "sequence"])


def _end_plans() -> None:
    """Mark the plans that have ended; what was erased says no more whether it has."""
    bind = op.get_bind()
    plans = bind.exec_driver_sql(
        "SELECT object.id, content.data FROM object JOIN content"
        " ON content.sequence = object.sequence WHERE object.kind = 'plan'"
    ).all()
    ended = [{"plan": id_} for id_, data in plans if json.loads(data).get("state") in _ENDED]
    if ended:
        bind.execute(sa.text("UPDATE object SET ended = true WHERE id = :plan"), ended)


def _beside() -> None:
    op.create_table(
        "idempotency",
        sa.Column("party", _text(63), primary_key=True),
        sa.Column("key", _text(200), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_received", "idempotency", ["received_us"])
    op.create_table(
        "budget",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", _text(63), primary_key=True),
        sa.Column("asker", _text(63), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("area_km2_milli", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "cursor",
        sa.Column("subscription", _text(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_us", sa.BigInteger, nullable=False),
        sa.Column("failing_since_us", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "notified",
        sa.Column("subscription", _text(64), primary_key=True),
        sa.Column("notification_index", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )


def _compare_by_bytes(table: str) -> None:
    for name, length in _TEXTS[table].items():
        op.alter_column(table, name, type_=sa.String(length, collation="C"))


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
