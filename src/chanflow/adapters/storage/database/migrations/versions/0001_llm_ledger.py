"""The ledger of what models cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the ledger."""
    op.create_table(
        "llm_ledger",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(128), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("reserved_tokens", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("tokens_in", sa.Integer()),
        sa.Column("tokens_out", sa.Integer()),
        sa.Column("spent", sa.BigInteger()),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_llm_ledger"),
        sa.CheckConstraint("state IN ('reserved', 'settled')", name=op.f("ck_llm_ledger_state")),
        sa.CheckConstraint("(state = 'settled') = (spent IS NOT NULL)", name=op.f("ck_llm_ledger_settled_is_spent")),
        sa.CheckConstraint("reserved >= 0 AND reserved_tokens >= 0", name=op.f("ck_llm_ledger_reserved")),
    )
    op.create_index("ix_llm_ledger_at", "llm_ledger", ["at"])
    op.create_index("ix_llm_ledger_run", "llm_ledger", ["run"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("llm_ledger")
