"""The tables, a module for each room. Importing this package puts them all into `METADATA`."""

from chanflow.adapters.storage.database.tables import (
    access,
    alerts,
    billing,
    budget,
    confirmations,
    identity,
    jobs,
    leases,
    memory,
    tokens,
)

__all__ = ["access", "alerts", "billing", "budget", "confirmations", "identity", "jobs", "leases", "memory", "tokens"]
