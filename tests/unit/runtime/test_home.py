from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from chanflow.domain.errors import DeskBusy, InvalidArgument, StorageUnwritable
from chanflow.runtime.home import Home, publish

RUN_ID = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def _mounts(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mounts"
    path.write_text("rootfs / ext4 rw 0 0\n" + "".join(f"{line} rw 0 0\n" for line in lines))
    return path


def test_a_run_has_its_files_in_one_numbered_folder(tmp_path: Path) -> None:
    run = Home(tmp_path).new_run(RUN_ID)
    folder = tmp_path / "runs" / f"0001-{RUN_ID}"
    assert run.path == folder
    assert run.journal_path == folder / "journal" / f"journal-{RUN_ID}-1.jsonl"
    assert run.journal_path.parent.is_dir()
    assert run.lake_dir == folder / "lake"
    assert run.lake_dir.is_dir()
    assert (run.bus_path, run.report_path, run.summary_path) == (
        folder / "bus.db",
        folder / "report.html",
        folder / "summary.json",
    )


def test_runs_are_numbered_on_and_listed_oldest_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "runs" / "9999-older").mkdir(parents=True)
    home.new_run("newer")
    assert [(run.number, run.run_id) for run in home.runs()] == [(9999, "older"), (10_000, "newer")]
    newest = home.newest_run()
    assert newest is not None
    assert newest.run_id == "newer"


def test_strangers_among_the_runs_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "runs" / "notes").mkdir(parents=True)
    (tmp_path / "runs" / "0001-file").write_text("")
    assert Home(tmp_path).runs() == ()
    assert Home(tmp_path).newest_run() is None


@pytest.mark.parametrize("run_id", ["", "../../escape", "a/b", "a b"])
def test_a_run_id_cannot_leave_the_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(InvalidArgument, match="run id is"):
        Home(tmp_path).new_run(run_id)
    assert list(tmp_path.iterdir()) == []


def test_a_second_desk_is_refused_with_the_holders_pid(tmp_path: Path) -> None:
    child = """
import sys
from pathlib import Path
from chanflow.runtime.home import Home
with Home(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", child, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DeskBusy, match=f"pid {holder.pid} owns"), Home(tmp_path).lock():
            pytest.fail("two desks hold one directory")
        holder.kill()
    (tmp_path / "desk.lock").write_text("4194304 of a longer name\n")
    with Home(tmp_path).lock():
        assert (tmp_path / "desk.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_is_free_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with Home(tmp_path / "made").lock():
            pass
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["desk.lock"]


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_network_filesystems_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    home = Home(tmp_path / "desk", _mounts(tmp_path, f"server:/x {tmp_path.resolve()} {kind}"))
    with pytest.raises(StorageUnwritable, match=rf"lies on {kind}, a network filesystem, .*write-ahead log"):
        home.prepare()


@pytest.mark.parametrize("kind", ["9p", "ext4", "tmpfs", "fuse.ext4"])
def test_local_filesystems_are_taken(tmp_path: Path, kind: str) -> None:
    home = Home(tmp_path / "desk", _mounts(tmp_path, f"disk {tmp_path.resolve()} {kind}"))
    home.prepare()
    assert list(home.root.iterdir()) == []


def test_the_deepest_and_newest_mount_decides(tmp_path: Path) -> None:
    here = tmp_path.resolve()
    below = _mounts(
        tmp_path, f"s:/ {here.parent} nfs", f"disk {here} nfs", f"disk {here} ext4", f"s:/ {here}/other nfs"
    )
    Home(tmp_path / "desk", below).prepare()


def test_a_mount_point_with_a_space_is_understood(tmp_path: Path) -> None:
    root = tmp_path / "my desk"
    mounts = _mounts(tmp_path, f"s:/x {str(root.resolve()).replace(' ', chr(92) + '040')} nfs")
    with pytest.raises(StorageUnwritable, match="lies on nfs"):
        Home(root, mounts).prepare()


def test_a_system_without_a_list_of_mounts_is_taken(tmp_path: Path) -> None:
    Home(tmp_path / "desk", tmp_path / "absent").prepare()


def test_an_unwritable_directory_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnwritable, match=r"file/desk cannot be written: not a directory; .*CHANFLOW_HOME"):
        Home(tmp_path / "file" / "desk").prepare()
    with pytest.raises(StorageUnwritable, match="cannot be written"):
        Home(tmp_path / "file").new_run("run")


def test_a_system_without_flock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(StorageUnwritable, match="no flock"), Home(tmp_path).lock():
        pass


def test_publish_replaces_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    publish(path, b"old")
    publish(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnwritable, match=r"status\.json cannot be written: no space left on device"):
        publish(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_cut_short_by_the_kernel_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(StorageUnwritable, match="file too large"):
            publish(tmp_path / "report.html", b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_publish_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "report.html", b"x")
    assert list(tmp_path.iterdir()) == []
