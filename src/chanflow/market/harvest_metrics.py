"""What a harvest has done so far, as numbers and as Prometheus text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class HarvestMetrics:
    """Counters since the start. `unsynced_s` and `recovery_s` are by symbol; `drops` by reason."""

    frames: int = 0
    bytes: int = 0
    rows: int = 0
    gaps: int = 0
    resyncs: int = 0
    dead: int = 0
    repeats: int = 0
    quarantined: int = 0
    snapshots: int = 0
    filled: int = 0
    """Aggregate trades that were missed and asked for."""
    snapshot_refusals: int = 0
    backlog_rows: int = 0
    sockets_open: int = 0
    lag_p50_ms: float | None = None
    lag_p99_ms: float | None = None
    drops: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    unsynced_s: dict[str, float] = field(default_factory=dict)
    recovery_s: dict[str, float] = field(default_factory=dict)
    """How long the newest resync of each symbol took."""

    def line(self, elapsed_s: float) -> str:
        """Return the status in one line."""
        lag = "-" if self.lag_p50_ms is None else f"{self.lag_p50_ms:.0f}/{self.lag_p99_ms:.0f}"
        unsynced = sum(value for value in self.unsynced_s.values())
        drops = sum(self.drops.values())
        return (
            f"{elapsed_s:.0f} s: {self.frames} frames, {self.bytes / 1e6:.1f} MB, {self.rows} rows, "
            f"{self.sockets_open} sockets, {self.gaps} gaps, {self.resyncs} resyncs, lag p50/p99 {lag} ms, "
            f"{self.dead} dead, {self.quarantined} quarantined, {drops} dropped, "
            f"backlog {self.backlog_rows} rows, unsynced {unsynced:.1f} s"
        )

    def prometheus(self, venue: str) -> str:
        """Return the counters in Prometheus' text format, version 0.0.4."""
        out: list[str] = []

        def add(name: str, kind: str, values: Mapping[tuple[str, str] | None, float]) -> None:
            out.append(f"# TYPE chanflow_harvest_{name} {kind}")
            for label, value in sorted(values.items(), key=str):
                extra = "" if label is None else f',{label[0]}="{_escaped(label[1])}"'
                out.append(f'chanflow_harvest_{name}{{venue="{_escaped(venue)}"{extra}}} {value:g}')

        for name in ("frames", "bytes", "rows", "gaps", "resyncs", "dead", "repeats", "quarantined", "snapshots",
                     "snapshot_refusals", "filled"):  # fmt: skip
            add(f"{name}_total", "counter", {None: getattr(self, name)})
        add("drops_total", "counter", {("reason", reason): count for reason, count in self.drops.items()})
        add("socket_losses_total", "counter", {("reason", reason): count for reason, count in self.losses.items()})
        add("unsynced_seconds_total", "counter", {("symbol", name): value for name, value in self.unsynced_s.items()})
        add("recovery_seconds", "gauge", {("symbol", name): value for name, value in self.recovery_s.items()})
        add("backlog_rows", "gauge", {None: self.backlog_rows})
        add("sockets_open", "gauge", {None: self.sockets_open})
        quantiles = {("quantile", "0.5"): self.lag_p50_ms, ("quantile", "0.99"): self.lag_p99_ms}
        add("lag_ms", "gauge", {label: value for label, value in quantiles.items() if value is not None})
        return "\n".join(out) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
