"""Which filesystem a path lies on, and whether SQLite's write-ahead log may live there."""

from __future__ import annotations

import re
from pathlib import Path

from chanflow.domain.errors import StorageUnwritable

NETWORK_FILESYSTEMS = ("afs", "ceph", "cifs", "lustre", "ncpfs", "nfs", "nfs4", "smb", "smb2", "smb3", "smbfs")
"""Filesystem types whose locks and shared memory cannot carry SQLite's write-ahead log."""

NETWORK_FUSE = ("ceph", "ceph-fuse", "davfs", "glusterfs", "rclone", "s3fs", "sshfs")
"""The same, as they name themselves after `fuse.`."""

MOUNTS = Path("/proc/mounts")
"""The system's list of mounted filesystems."""


def refuse_network(path: Path, *, mounts: Path = MOUNTS) -> None:
    """Raise StorageUnwritable if `path` lies on a network filesystem."""
    kind = _filesystem(path, mounts)
    family, _, name = kind.partition(".")
    if kind in NETWORK_FILESYSTEMS or (family == "fuse" and name in NETWORK_FUSE):
        raise StorageUnwritable(
            f"{path} lies on {kind}, a network filesystem, where SQLite's write-ahead log can lose data;"
            " set CHANFLOW_HOME to a local directory"
        )


def _filesystem(path: Path, mounts: Path) -> str:
    """Return the type of the filesystem under `path`, or "" where the system keeps no such list."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved = path.resolve()
    deepest, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1]))
        # A later mount on the same point hides the earlier one.
        if resolved.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), fields[2]
    return kind
