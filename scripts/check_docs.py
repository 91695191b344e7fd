"""Check the pages: every relative link leads to a file, and every command shown is one that exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
BLOCK = re.compile(r"^```(?:sh|console)([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Return the project's pages."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def dead_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    found = LINK.findall(page.read_text("utf-8"))
    return [link for link in found if "://" not in link and not (page.parent / link).exists()]


def unknown_commands(page: Path) -> list[str]:
    """Return the make targets and chanflow verbs a page shows that do not exist."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    source = (ROOT / "src/chanflow/interfaces/cli/app.py").read_text("utf-8")
    verbs = set(re.findall(r"^def (\w+)\(", source, re.MULTILINE)) - {"main"}
    verbs |= set(re.findall(r"app\.command\(\)\((\w+)\)", source))
    verbs |= set(re.findall(r'@app.command\("([\w-]+)"', source))
    verbs |= set(re.findall(r'add_typer\(\w+, name="([\w-]+)"', source))
    wrong = []
    for _, block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.splitlines():
            words = line.removeprefix("$ ").split("#")[0].split()
            if len(words) > 1 and words[0] == "make" and words[1] not in targets:
                wrong.append(line)
            if len(words) > 1 and words[0].endswith("chanflow") and words[1] not in verbs and words[1][0] != "-":
                wrong.append(line)
    return wrong


def main() -> int:
    """Return 1 and say what is wrong."""
    bad = 0
    for page in pages():
        name = page.relative_to(ROOT)
        for link in dead_links(page):
            print(f"{name}: the link {link} leads nowhere")
            bad = 1
        for line in unknown_commands(page):
            print(f"{name}: {line.strip()!r} is no command")
            bad = 1
    helped = subprocess.run([sys.executable, "-m", "chanflow", "--help"], capture_output=True, text=True, check=False)
    if helped.returncode != 0:
        print("chanflow --help does not answer")
        bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
