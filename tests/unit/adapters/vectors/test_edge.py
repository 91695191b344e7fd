from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from made_cases import HOUR, T0, made_decision, made_query, made_vector, stored

from chanflow.adapters.vectors.edge import EdgeCases, point_id
from chanflow.domain.errors import DeskBusy, SettingsInvalid, StorageUnwritable
from chanflow.review.state_vector import DIMENSION, VERSION

V = made_vector(1)


def opened(path: Path, **more: object) -> EdgeCases:
    return EdgeCases(path, **{"version": VERSION, "dimension": DIMENSION, **more})  # type: ignore[arg-type]


def filled(path: Path) -> None:
    store = opened(path)
    store.put([stored(made_decision("d1", closed_ns=T0 + HOUR), V)])
    store.close()


def test_what_was_kept_is_there_after_reopening(tmp_path: Path) -> None:
    filled(tmp_path / "v")
    store = opened(tmp_path / "v")
    assert (store.fresh, store.count()) == (False, 1)
    assert store.search(made_query(V)).cases[0].decision.decision_id == "d1"
    store.close()


def test_a_new_folder_says_that_it_is_fresh(tmp_path: Path) -> None:
    store = opened(tmp_path / "v")
    assert (store.fresh, store.count()) == (True, 0)
    store.close()


@pytest.mark.parametrize("other", [{"version": "market_state/2"}, {"dimension": 12}], ids=["version", "dimension"])
def test_another_version_or_dimension_does_not_open(tmp_path: Path, other: dict[str, object]) -> None:
    filled(tmp_path / "v")
    with pytest.raises(SettingsInvalid, match="chanflow memory rebuild"):
        opened(tmp_path / "v", **other)
    assert opened(tmp_path / "v").count() == 1


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    store = opened(tmp_path / "v")
    with pytest.raises(DeskBusy, match="stop it first"):
        opened(tmp_path / "v")
    store.close()
    opened(tmp_path / "v").close()


def every_file(shard: Path) -> list[Path]:
    return sorted(path for path in shard.rglob("*") if path.is_file() and path.stat().st_size)


def test_a_damaged_folder_is_emptied_and_works_again(tmp_path: Path) -> None:
    filled(tmp_path / "v")
    for path in every_file(tmp_path / "v" / "shard"):
        path.write_bytes(b"\x00" * 16)
    store = opened(tmp_path / "v")
    assert (store.fresh, store.count()) == (True, 0)
    store.put([stored(made_decision("d2", closed_ns=T0 + HOUR), V)])
    assert len(store.search(made_query(V)).cases) == 1
    store.close()


def test_a_folder_without_its_shard_is_fresh(tmp_path: Path) -> None:
    filled(tmp_path / "v")
    shutil.rmtree(tmp_path / "v" / "shard")
    store = opened(tmp_path / "v")
    assert store.fresh
    store.close()


def test_a_torn_note_makes_the_folder_fresh(tmp_path: Path) -> None:
    filled(tmp_path / "v")
    (tmp_path / "v" / "note.json").write_text('{"form')
    store = opened(tmp_path / "v")
    assert (store.fresh, json.loads((tmp_path / "v" / "note.json").read_text())["version"]) == (True, VERSION)
    store.close()


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("")
    with pytest.raises(StorageUnwritable, match="cannot be written"):
        opened(tmp_path / "v")


def test_a_point_is_named_for_its_decision() -> None:
    assert point_id("d1") == point_id("d1") != point_id("d2")
    assert point_id("d1").version == 5


def test_cases_after_tending_are_found_as_before(tmp_path: Path) -> None:
    store = opened(tmp_path / "v", exact_below=0)
    store.put(
        [
            stored(made_decision(f"d{i}", at_ns=T0 + i * 24 * HOUR, closed_ns=T0 + i * 24 * HOUR + 1), made_vector(i))
            for i in range(40)
        ]
    )
    before = store.search(made_query(V))
    store.tend()
    after = store.search(made_query(V))
    assert [c.decision.decision_id for c in before.cases] == [c.decision.decision_id for c in after.cases]
    assert not after.exact
    store.close()
