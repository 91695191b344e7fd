"""Run every benchmark, one after another, and write what they say to `benchmarks/README.md`: `make bench`.

With names, as `make bench ONLY="gateway push"`, only those sections are made anew.

`run.py` makes the first table of the page; what the others print stands below it as they printed it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECTIONS = {
    "chan_peers.py": "Chan structure beside its peers",
    "orderflow.py": "Order flow",
    "market.py": "Frames to events, bins and rows",
    "gate.py": "The quality gate of rows",
    "judgement.py": "The risk gate",
    "harvest.py": "A socket to rows",
    "feed.py": "Slices and snapshots",
    "simulator.py": "The matching core",
    "decision.py": "From data to a proposal",
    "monitor.py": "The monitor",
    "exchange.py": "The emulated exchange",
    "memory.py": "Memory with 100,000 decisions",
    "access.py": "What the policy costs a call",
    "gateway.py": "The gateway under load",
    "push.py": "Pushed events with 1,000 sockets",
}


def printed(script: str) -> str:
    """Run a benchmark and return what it prints, showing it as it comes. Raises CalledProcessError if it fails."""
    command = [sys.executable, str(HERE / script)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip())
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    return "\n".join(lines).strip()


def with_section(page: str, title: str, body: str) -> str:
    """Return a page with a section in the place of the one of its title, or at the end."""
    parts = page.rstrip().split("\n## ")
    new = f"{title}\n\n{body}\n"
    at = next((at for at, part in enumerate(parts) if at and part.partition("\n")[0] == title), len(parts))
    return "\n## ".join([*(part.rstrip() + "\n" for part in parts[:at]), new, *parts[at + 1 :]]).rstrip() + "\n"


def main() -> int:
    """Run all, or those named; a benchmark that fails is told and the others go on."""
    failed, names = [], {f"{name}.py" for name in sys.argv[1:]}
    if unknown := names - SECTIONS.keys():
        print(f"there is no {', '.join(sorted(unknown))}: name some of {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    if not names:
        subprocess.run([sys.executable, str(HERE / "run.py")], check=True)
    page = HERE / "README.md"
    for script, title in SECTIONS.items():
        if names and script not in names:
            continue
        print(f"\n{title}", flush=True)
        try:
            said = printed(script)
        except subprocess.CalledProcessError as fault:
            said = f"{script} ended with code {fault.returncode}."
            failed.append(script)
        fence = "" if said.lstrip().startswith("|") else "```"
        body = f"{fence}\n{said}\n{fence}".strip()
        page.write_text(with_section(page.read_text(), title, body))
    for script in failed:
        print(f"{script} failed: run it alone to see why", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
