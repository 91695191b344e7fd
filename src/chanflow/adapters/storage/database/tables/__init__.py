"""The tables, a module for each room. Importing this package puts them all into `METADATA`."""

from chanflow.adapters.storage.database.tables import access, alerts, budget, leases, memory

__all__ = ["access", "alerts", "budget", "leases", "memory"]
