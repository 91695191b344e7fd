"""The desk's own tokens, signed requests, and what more a key says of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("signing_key", "token_family", "refresh_token", "request_nonce")
COLUMNS = ("signing", "sealed", "elicitation_trusted", "paper_only", "last_used_at")


def upgrade() -> None:
    """Make the tables, and the columns of keys."""
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("public", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.String(256), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
    )
    op.create_table(
        "token_family",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_token_family"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_token_family_user_id_user"),
    )
    op.create_index("ix_token_family_user_id", "token_family", ["user_id"])
    op.create_index("ix_token_family_expires_at", "token_family", ["expires_at"])
    op.create_table(
        "refresh_token",
        sa.Column("token_hmac", sa.String(64), nullable=False),
        sa.Column("family_id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_hmac", name="pk_refresh_token"),
        sa.ForeignKeyConstraint(
            ["family_id"], ["token_family.id"], name="fk_refresh_token_family_id_token_family", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_refresh_token_family_id", "refresh_token", ["family_id"])
    op.create_table(
        "request_nonce",
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "nonce", name="pk_request_nonce"),
    )
    op.create_index("ix_request_nonce_at", "request_nonce", ["at"])
    op.add_column("api_key", sa.Column("signing", sa.String(8), nullable=False, server_default="none"))
    op.add_column("api_key", sa.Column("sealed", sa.String(256)))
    op.add_column("api_key", sa.Column("elicitation_trusted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("api_key", sa.Column("paper_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("api_key", sa.Column("last_used_at", sa.BigInteger()))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("api_key") as table:
        for column in COLUMNS:
            table.drop_column(column)
    for name in reversed(TABLES):
        op.drop_table(name)
