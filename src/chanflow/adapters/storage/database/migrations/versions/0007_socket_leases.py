"""Leases of open sockets, and the tickets that open them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of leases and tickets."""
    op.create_table(
        "socket_lease",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("symbols", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_socket_lease"),
        sa.CheckConstraint("symbols >= 0", name=op.f("ck_socket_lease_symbols")),
    )
    op.create_index("ix_socket_lease_account", "socket_lease", ["account"])
    op.create_index("ix_socket_lease_expires_at", "socket_lease", ["expires_at"])
    op.create_table(
        "socket_ticket",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("principal", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_socket_ticket"),
    )
    op.create_index("ix_socket_ticket_expires_at", "socket_ticket", ["expires_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("socket_ticket")
    op.drop_table("socket_lease")
