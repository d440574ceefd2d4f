"""Alembic's entry: the connection comes from detente.store.database."""

from alembic import context

from detente.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
