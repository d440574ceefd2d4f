"""Which peers by F3548 the node had to tell of what, and as which notification."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of what is owed to peers."""
    op.create_table(
        "owed",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subscription", _text(32), primary_key=True),
        sa.Column("party", _text(63), nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
    )
    op.create_index("owed_party", "owed", ["party", "sequence"])


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
