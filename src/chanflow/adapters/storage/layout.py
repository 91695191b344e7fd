"""Names and places in the lake: `{output_dir}/{symbol}/date={YYYY-MM-DD}/part-{timestamp}.parquet`.

Every other layer lies at `{output_dir}/_{layer}/{symbol}/date=…/part-….{ext}`. Everything that is no row stands behind
an underscore (`_raw`, `_manifest`, `_tmp`), so readers of the tree skip it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date

_NAME = re.compile(r"[A-Za-z0-9:._-]{1,32}")


def checked_name(name: str, *, field: str) -> str:
    """Return `name` when it may become one part of a path. Raises InvalidArgument, whose `field` is as given."""
    if _NAME.fullmatch(name) is None or name[0] in "._":
        raise InvalidArgument(
            f"{field} {name[:64]!r} is not 1 to 32 letters, digits, ':', '.', '_' or '-' that begin with none of '._'",
            field=field,
        )
    return name


def date_of_day(day: int) -> str:
    """Return the UTC date, YYYY-MM-DD, of a count of days since the epoch."""
    return utc_date(day * MS_PER_DAY * NS_PER_MS)


def date_folder(root: Path, symbol: str, date: str) -> Path:
    """Return the folder of one symbol's rows of one UTC date."""
    return root / symbol / f"date={date}"


def layer_folder(root: Path, layer: str, symbol: str, date: str) -> Path:
    """Return the folder of one layer; `rows` lie directly in the symbol's own."""
    return date_folder(root if layer == "rows" else root / f"_{layer}", symbol, date)


def manifest_path(root: Path, date: str) -> Path:
    """Return the file that lists the published parts of one UTC date."""
    return root / "_manifest" / f"{date}.jsonl"


def dates(root: Path, symbol: str) -> list[str]:
    """Return the dates, oldest first, that have a folder for `symbol`."""
    try:
        names = os.listdir(root / symbol)  # noqa: PTH208  # a path for each name is slow
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name.removeprefix("date=") for name in names if name.startswith("date="))


def parts(root: Path, symbol: str, date: str) -> list[Path]:
    """Return the published row files of one symbol and date, by name."""
    folder = date_folder(root, symbol, date)
    return [folder / name for name in part_names(folder)]


def part_names(folder: Path) -> list[str]:
    """Return the names of the published row files in a folder, sorted; none where there is no folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # as above
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if name.startswith("part-") and name.endswith(".parquet"))
