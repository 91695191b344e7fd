"""Refuse a lock that names a package index other than the public ones; npm's names none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PUBLIC = {
    "uv.lock": ("https://pypi.org/simple", "https://files.pythonhosted.org/"),
    "Cargo.lock": ("registry+https://github.com/rust-lang/crates.io-index",),
    "tests/conformance/package-lock.json": ("https://registry.npmjs.org/",),
    "sdk/typescript/package-lock.json": (),
}
_SOURCE = {
    "uv.lock": re.compile(r'(?:registry|url) = "([^"]+)"'),
    "Cargo.lock": re.compile(r'^source = "([^"]+)"', re.MULTILINE),
    "tests/conformance/package-lock.json": re.compile(r'"resolved": "([^"]+)"'),
    "sdk/typescript/package-lock.json": re.compile(r'"resolved": "([^"]+)"'),
}


def foreign(name: str, text: str) -> list[str]:
    """Return the sources that a lock's text names beside the public ones."""
    return sorted({s for s in _SOURCE[name].findall(text) if not s.startswith(PUBLIC[name])})


def main() -> int:
    """Return 1 and say why where a lock is missing or names a foreign index."""
    bad = 0
    for name in PUBLIC:
        path = ROOT / name
        if not path.exists():
            print(f"{name}: missing; run make lock")
            bad = 1
            continue
        for source in foreign(name, path.read_text("utf-8")):
            print(f"{name}: {source} is not a public index")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
