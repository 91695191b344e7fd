"""People: what they log in by, their sessions, consent, and the keys of their personal texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = ("person", "login_session", "recovery_code", "one_use_link", "consent", "user_key")


def upgrade() -> None:
    """Make the tables, and room for a sealed address in the audit."""
    op.create_table(
        "person",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("email_hmac", sa.String(64)),
        sa.Column("email_sealed", sa.String(512)),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("factor_sealed", sa.String(255)),
        sa.Column("factor_confirmed", sa.Boolean(), nullable=False),
        sa.Column("factor_step", sa.BigInteger(), nullable=False),
        sa.Column("notice_asked", sa.Boolean(), nullable=False),
        sa.Column("deletion_at", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_person"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_person_user_id_user"),
        sa.UniqueConstraint("email_hmac", name="uq_person_email_hmac"),
    )
    _sessions()
    op.create_table(
        "one_use_link",
        sa.Column("token_hmac", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.Column("user_id", sa.String(36)),
        sa.Column("email_sealed", sa.String(512)),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_hmac", name="pk_one_use_link"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_one_use_link_user_id_user"),
    )
    op.create_index("ix_one_use_link_expires_at", "one_use_link", ["expires_at"])
    op.create_table(
        "consent",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "version", name="pk_consent"),
    )
    op.create_table(
        "user_key",
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("sealed", sa.String(128)),
        sa.Column("destroyed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_key"),
    )
    _resize_ip(sa.String(45), sa.String(200))


def _sessions() -> None:
    op.create_table(
        "login_session",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("secret_hmac", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.String(45)),
        sa.Column("client", sa.String(120)),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_session"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_login_session_user_id_user"),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("code_hmac", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("code_hmac", name="pk_recovery_code"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_recovery_code_user_id_user"),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])


def _resize_ip(old: sa.String, new: sa.String) -> None:
    """Change the audit's column; SQLite makes the table anew, so the triggers that let it only grow are made again."""
    with op.batch_alter_table("audit") as audit:
        audit.alter_column("ip", existing_type=old, type_=new, existing_nullable=True)
    if op.get_bind().dialect.name != "sqlite":
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER IF NOT EXISTS audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit only grows'); END"
        )


def downgrade() -> None:
    """Drop them. Addresses that were sealed in the audit stay so."""
    _resize_ip(sa.String(200), sa.String(45))
    for table in reversed(TABLES):
        op.drop_table(table)
