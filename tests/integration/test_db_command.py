"""`chanflow db` as a person gives it."""

from __future__ import annotations

from pathlib import Path

from commands import chanflow

from chanflow.adapters.storage.database.versions import revisions
from chanflow.runtime.home import Home

NEWEST = revisions()[-1]


def test_a_database_is_made_looked_at_and_taken_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = home / "chanflow.db"
    advice = "; a desk brings it there when it starts, or chanflow db upgrade"
    assert chanflow(home, "db", "current").stdout == f"{path}: revision none, newest {NEWEST}{advice}\n"
    assert not home.exists()
    assert chanflow(home, "db", "upgrade").stdout == f"{path}: revision {NEWEST}\n"
    assert chanflow(home, "db", "current").stdout == f"{path}: revision {NEWEST}, newest {NEWEST}\n"
    hasty = chanflow(home, "db", "downgrade", "base")
    assert (hasty.returncode, hasty.stdout) == (2, "")
    assert "copy the file first, then say --yes" in hasty.stderr
    assert chanflow(home, "db", "downgrade", "base", "--yes").stdout == f"{path}: revision base\n"
    assert chanflow(home, "db", "current").stdout == f"{path}: revision none, newest {NEWEST}{advice}\n"


def test_the_shape_is_not_changed_under_a_desk(tmp_path: Path) -> None:
    with Home(tmp_path).lock():
        for order in (("upgrade",), ("downgrade", "base", "--yes")):
            told = chanflow(tmp_path, "db", *order)
            assert told.returncode == 1
            assert "stop it, or set CHANFLOW_HOME to another directory" in told.stderr
