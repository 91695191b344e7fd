"""Refuse an installed dependency, or a crate, whose licence is not on the allow list."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0",
    "PSF-2.0", "Python-2.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib", "Zlib-acknowledgement",
    "LLVM-exception", "BSL-1.0", "CNRI-Python",
}  # fmt: skip
SPELLINGS = {
    "mit license": "MIT", "mit": "MIT", "bsd license": "BSD", "bsd": "BSD", "bsd-3-clause license": "BSD-3-Clause",
    "apache software license": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache": "Apache-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "python software foundation license": "PSF-2.0",
    "isc license (iscl)": "ISC", "isc license": "ISC", "the unlicense (unlicense)": "Unlicense",
    "new bsd license": "BSD-3-Clause", "3-clause bsd license": "BSD-3-Clause", "apache-2": "Apache-2.0",
}  # fmt: skip
OURS = {"chanflow", "chanflow-native"}
READ = {"aiofastnet": "MIT", "picows": "MIT"}
"""Distributions whose metadata name no licence, and what the licence file that they ship says."""


def acceptable(expression: str) -> bool:
    """Return whether an SPDX-like expression can be met with allowed licences alone."""
    text = expression.strip()
    if text.lower() in SPELLINGS:
        return True
    text = text.strip("()")
    if text.lower() in SPELLINGS or text in ALLOWED:
        return True
    if re.search(r"\bOR\b|/", expression):
        return any(acceptable(part) for part in re.split(r"\bOR\b|/", expression) if part.strip())
    if re.search(r"\bAND\b|\bWITH\b|,", expression):
        return all(acceptable(part) for part in re.split(r"\bAND\b|\bWITH\b|,", expression) if part.strip())
    return False


def licence_of(distribution: metadata.Distribution) -> str:
    """Return what a distribution says of its licence: the SPDX expression, else classifiers, else the short text."""
    info = distribution.metadata
    if "License-Expression" in info:
        return info["License-Expression"]
    names = [c.rpartition(" :: ")[2] for c in info.get_all("Classifier", []) if c.startswith("License ::")]
    named = [n for n in names if n != "OSI Approved"]
    if named:
        return " OR ".join(named)
    text = info["License"].strip() if "License" in info else ""
    return text.splitlines()[0] if text else READ.get(distribution.name, "none given")


def main() -> int:
    """Return 1 and name what is not allowed."""
    bad = []
    for distribution in sorted(metadata.distributions(), key=lambda d: d.name.lower()):
        licence = licence_of(distribution)
        if distribution.name not in OURS and not acceptable(licence):
            bad.append(f"{distribution.name} {distribution.version}: {licence}")
    tree = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tree.returncode != 0:
        print(f"cargo metadata failed: {tree.stderr.strip().splitlines()[-1] if tree.stderr else 'no reason given'}")
        return 1
    bad.extend(
        f"crate {package['name']} {package['version']}: {package['license']}"
        for package in json.loads(tree.stdout)["packages"]
        if not acceptable(package["license"] or "none given")
    )
    for row in bad:
        print(f"licence not on the allow list: {row}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
