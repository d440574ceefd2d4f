"""Clients, accounts and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of access."""
    op.create_table(
        "access_client",
        sa.Column("id", _text(63), primary_key=True),
        sa.Column("party", _text(63), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text),
        sa.Column("certificate", sa.LargeBinary(32), unique=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("revoked_us", sa.BigInteger),
    )
    op.create_table(
        "access_account",
        sa.Column("name", _text(200), primary_key=True),
        sa.Column("party", _text(63), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("disabled_us", sa.BigInteger),
    )
    op.create_table(
        "access_session",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("party", _text(63), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("subject", _text(400), nullable=False),
        sa.Column("issuer", sa.Text),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
