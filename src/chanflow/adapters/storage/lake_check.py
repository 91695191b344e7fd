"""Whether the files of a lake are those that its manifests list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chanflow.adapters.storage.publish import manifest_entries, sha256_of_file
from chanflow.domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class LakeFinding:
    """A file and what is wrong with it."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class LakeReport:
    """How many files are right, and what is wrong with the others, by path."""

    right: int
    findings: tuple[LakeFinding, ...]


def check_lake(root: Path) -> LakeReport:
    """Hash every file again and compare it with its newest manifest line. Raises NotFound where there is no lake."""
    if not (root / "_manifest").is_dir():
        raise NotFound(f"{root} has no folder _manifest: it is the directory of no venue")
    listed: dict[str, dict[str, object]] = {}
    for manifest in sorted((root / "_manifest").glob("*.jsonl")):
        listed.update({str(entry["path"]): entry for entry in manifest_entries(manifest.read_bytes())})
    found = sorted(path.relative_to(root).as_posix() for path in root.glob("**/date=*/part-*") if path.is_file())
    there = [name for name in found if not name.startswith("_tmp/")]
    findings, right = [], 0
    for name in sorted({*there, *listed}):
        what = _fault(root / name, listed.get(name))
        right += what is None
        if what is not None:
            findings.append(LakeFinding(name, what))
    return LakeReport(right, tuple(findings))


def _fault(path: Path, entry: dict[str, object] | None) -> str | None:
    if entry is None:
        return "no manifest line lists it"
    if not path.is_file():
        return "a manifest line lists it, and it is not there"
    size = path.stat().st_size
    if "bytes" in entry and size != entry["bytes"]:
        return f"it has {size} bytes, its manifest line says {entry['bytes']}"
    sha256 = sha256_of_file(path)
    if sha256 != entry["sha256"]:
        return f"its SHA-256 is {sha256}, its manifest line says {entry['sha256']}"
    return None
