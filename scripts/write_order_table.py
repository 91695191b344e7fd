"""Write the order table into docs/orders.md, between its markers, from the table the code runs on."""

from __future__ import annotations

import sys
from pathlib import Path

from chanflow.execution.lifecycle import table_markdown

PAGE = Path(__file__).resolve().parent.parent / "docs" / "orders.md"
BEGIN, END = "<!-- order table: begin -->\n", "<!-- order table: end -->\n"


def main() -> int:
    """Return 1 where the page has no place for the table."""
    text = PAGE.read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        print(f"{PAGE} has no place for the table: it wants the lines {BEGIN.strip()} and {END.strip()}")
        return 1
    PAGE.write_text(head + begin + table_markdown() + end + tail, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
