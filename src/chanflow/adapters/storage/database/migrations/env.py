"""What Alembic runs: the step it was asked for, on the connection it was given, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from chanflow.adapters.storage.database import tables
from chanflow.adapters.storage.database.metadata import METADATA

_ = tables  # their import fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
)
context.run_migrations()
