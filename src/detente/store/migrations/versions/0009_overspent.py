"""The head says how often somebody went past a budget, so that an append need not ask who."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("head", sa.Column("overspent", sa.BigInteger, nullable=False, server_default="0"))
