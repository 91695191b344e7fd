"""The environment and the steps of Alembic."""
