"""Who was told what, who acknowledged it, and which process tells."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables of telling."""
    op.create_table(
        "disclosed",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("party", _text(63), primary_key=True),
        sa.Column("extent", sa.Integer, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("disclosed_party_at", "disclosed", ["party", "at_us"])
    op.create_table(
        "acknowledged",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("party", _text(63), primary_key=True),
        sa.Column("level", _text(16), primary_key=True),
        sa.Column("destination", _text(200), primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("acknowledged_party_at", "acknowledged", ["party", "at_us"])
    op.create_table(
        "lease",
        sa.Column("name", _text(63), primary_key=True),
        sa.Column("holder", _text(63), nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
    )


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
