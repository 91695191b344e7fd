"""Trades that wait for a yes, trades that were confirmed, and calls under a key of the caller's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chanflow.adapters.storage.database.types import Amount

revision = "0008"
down_revision = "0007"

TABLES = ("confirmation", "trade_request", "keyed_call")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "confirmation",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("binding", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("worst_loss_quote", Amount(), nullable=False),
        sa.Column("notional_quote", Amount(), nullable=False),
        sa.Column("mark_quote", Amount(), nullable=False),
        sa.Column("drift_frac", Amount(), nullable=False),
        sa.Column("policy_version", sa.String(64), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_confirmation"),
    )
    op.create_index("ix_confirmation_expires_at", "confirmation", ["expires_at"])
    op.create_table(
        "trade_request",
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("client_order_id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("args_sha256", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.JSON()),
        sa.PrimaryKeyConstraint("account", "client_order_id", name="pk_trade_request"),
    )
    op.create_table(
        "keyed_call",
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("operation", sa.String(41), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("args_sha256", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.JSON()),
        sa.PrimaryKeyConstraint("account", "operation", "key_sha256", name="pk_keyed_call"),
    )
    op.create_index("ix_keyed_call_begun_at", "keyed_call", ["begun_at"])


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.drop_table(table)
