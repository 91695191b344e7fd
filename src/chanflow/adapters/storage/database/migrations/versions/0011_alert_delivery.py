"""Webhooks of alerts and their deliveries; alerts belong to the account, no longer to the key that set them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = ("alert_target", "alert_delivery")

_TO_ACCOUNTS = """
UPDATE alert SET account = (SELECT user_id FROM api_key WHERE 'key:' || api_key.id = alert.account)
WHERE EXISTS (SELECT 1 FROM api_key WHERE 'key:' || api_key.id = alert.account)
AND 1 = (
    SELECT count(*) FROM alert AS other JOIN api_key AS theirs ON other.account IN ('key:' || theirs.id, theirs.user_id)
    JOIN api_key AS mine ON mine.user_id = theirs.user_id AND 'key:' || mine.id = alert.account
    WHERE other.client_alert_id = alert.client_alert_id
)
"""
"""Where two keys of one user used one name for two alerts, both stay with their keys."""


def upgrade() -> None:
    """Make the tables, and give each alert to the owner of its key."""
    op.create_table(
        "alert_target",
        sa.Column("alert_id", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("shown", sa.String(255), nullable=False),
        sa.Column("sealed", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("off_at", sa.BigInteger()),
        sa.Column("off_why", sa.String(255)),
        sa.PrimaryKeyConstraint("alert_id", "channel", name="pk_alert_target"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_target_alert_id_alert"),
        sa.CheckConstraint("channel IN ('webhook', 'desk')", name=op.f("ck_alert_target_channel")),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("alert_id", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger()),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_alert_delivery"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_delivery_alert_id_alert"),
        sa.ForeignKeyConstraint(
            ["seq"], ["alert_event.seq"], name="fk_alert_delivery_seq_alert_event", ondelete="CASCADE"
        ),
        sa.CheckConstraint("state IN ('waiting', 'delivered')", name=op.f("ck_alert_delivery_state")),
    )
    op.create_index("ix_alert_delivery_state_next_at", "alert_delivery", ["state", "next_at"])
    op.create_index("ix_alert_delivery_alert_id_seq", "alert_delivery", ["alert_id", "seq"])
    op.create_index("ix_alert_delivery_seq", "alert_delivery", ["seq"])
    op.execute(_TO_ACCOUNTS)


def downgrade() -> None:
    """Drop the tables; alerts stay with their accounts."""
    for table in reversed(TABLES):
        op.drop_table(table)
