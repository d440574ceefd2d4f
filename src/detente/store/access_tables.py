"""Tables of access: what proves who asks. They are beside the record, not in it.

No secret is in them that opens anything: passwords and client secrets as argon2id,
session tokens as SHA-256 (docs/adr/0013).
"""

import sqlalchemy as sa

from detente.store.tables import metadata, text

client = sa.Table(
    "access_client",
    metadata,
    sa.Column("id", text(63), primary_key=True),
    sa.Column("party", text(63), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text),
    sa.Column("certificate", sa.LargeBinary(32), unique=True),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("revoked_us", sa.BigInteger),
)

account = sa.Table(
    "access_account",
    metadata,
    sa.Column("name", text(200), primary_key=True),
    sa.Column("party", text(63), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("disabled_us", sa.BigInteger),
)

session = sa.Table(
    "access_session",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("party", text(63), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("subject", text(400), nullable=False),
    sa.Column("issuer", sa.Text),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger, nullable=False),
)
