"""Jobs: work that takes longer than an answer, as every process of the desk sees it."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Index, Integer, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

job = Table(
    "job",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("operation", String(48), nullable=False),
    Column("args_hash", String(64), nullable=False),
    Column("args", Json, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("status", String(9), nullable=False),
    Column("progress", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String(64)),
    Column("stop", Boolean, nullable=False),
    Column("result_ref", String(64)),
    Column("error", String(1024)),
    Column("created", Nanoseconds, nullable=False),
    Column("changed", Nanoseconds, nullable=False),
    Column("heartbeat", Nanoseconds),
    Column("expires", Nanoseconds, nullable=False),
    CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
    Index(None, "account", "created"),
    Index(None, "status"),
    Index(None, "expires"),
)
"""`owner` and `heartbeat` are there while it runs; `args` are what another process needs to do the work anew."""

job_turn = Table(
    "job_turn",
    METADATA,
    Column("account", String(128), primary_key=True),
    Column("served", Nanoseconds, nullable=False),
)
"""When a job of each account was last begun: who was served longest ago is next."""
