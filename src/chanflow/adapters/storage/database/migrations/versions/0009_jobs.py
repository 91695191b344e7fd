"""Jobs that outlive their process."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables of jobs."""
    op.create_table(
        "job",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("operation", sa.String(48), nullable=False),
        sa.Column("args_hash", sa.String(64), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("result_ref", sa.String(64)),
        sa.Column("error", sa.String(1024)),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat", sa.BigInteger()),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_job_status")
        ),
    )
    op.create_index("ix_job_account_created", "job", ["account", "created"])
    op.create_index("ix_job_status", "job", ["status"])
    op.create_index("ix_job_expires", "job", ["expires"])
    op.create_table(
        "job_turn",
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_job_turn"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("job_turn")
    op.drop_table("job")
