"""Alerts that people set, and the log of what happened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = ("alert", "alert_series", "alert_event", "alert_hit", "alert_counter")


def upgrade() -> None:
    """Make the tables of alerts."""
    op.create_table(
        "alert",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("client_alert_id", sa.String(36), nullable=False),
        sa.Column("args_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
        sa.CheckConstraint("status IN ('active', 'deleted', 'expired')", name=op.f("ck_alert_status")),
    )
    op.create_index("ix_alert_account_client_alert_id", "alert", ["account", "client_alert_id"], unique=True)
    op.create_index("ix_alert_status", "alert", ["status"])
    op.create_index("ix_alert_changed_at", "alert", ["changed_at"])
    op.create_table(
        "alert_series",
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("wanted_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "level", name="pk_alert_series"),
    )
    _log()


def _log() -> None:
    op.create_table(
        "alert_event",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("symbol", sa.String(64)),
        sa.Column("level", sa.String(8)),
        sa.Column("type", sa.String(8)),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_event"),
    )
    op.create_index("ix_alert_event_key", "alert_event", ["key"], unique=True)
    op.create_index("ix_alert_event_logged_at", "alert_event", ["logged_at"])
    op.create_table(
        "alert_hit",
        sa.Column("alert_id", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "seq", name="pk_alert_hit"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_hit_alert_id_alert"),
        sa.ForeignKeyConstraint(
            ["seq"], ["alert_event.seq"], name="fk_alert_hit_seq_alert_event", ondelete="CASCADE"
        ),
    )  # fmt: skip
    op.create_index("ix_alert_hit_seq", "alert_hit", ["seq"])
    op.create_table(
        "alert_counter",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_counter"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.drop_table(table)
