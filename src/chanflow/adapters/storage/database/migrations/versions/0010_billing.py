"""Subscriptions, what the payment provider told, and changes of plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = ("subscription", "billing_event", "plan_change")


def upgrade() -> None:
    """Make the tables of billing."""
    op.create_table(
        "subscription",
        sa.Column("account", sa.String(36), nullable=False),
        sa.Column("subscription_id", sa.String(255), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_with_period", sa.Boolean(), nullable=False),
        sa.Column("next_plan", sa.String(16)),
        sa.Column("past_due_at", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("check_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", name="pk_subscription"),
        sa.ForeignKeyConstraint(["account"], ["user.id"], name="fk_subscription_account_user"),
    )
    op.create_index("ix_subscription_subscription_id", "subscription", ["subscription_id"], unique=True)
    op.create_index("ix_subscription_check_at", "subscription", ["check_at"])
    op.create_table(
        "billing_event",
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(255)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("event_id", name="pk_billing_event"),
    )
    op.create_table(
        "plan_change",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("account", sa.String(36), nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_plan_change"),
    )
    op.create_index("ix_plan_change_account", "plan_change", ["account"])


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.drop_table(table)
