"""The shelf of certificates: which one answers, which ones are refused, and that none of them breaks a question."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_certificate import cell, certificate_text, entries

from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.runtime.certificates import MAX_BYTES, MAX_FILES, CertificateShelf, install
from chanflow.runtime.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def put(home: Home, name: str, text: str) -> Path:
    home.certificates_dir.mkdir(exist_ok=True)
    path = home.certificates_dir / name
    path.write_text(text)
    return path


def hit_rate(shelf: CertificateShelf, symbol: str = "BTCUSDT", level: str = "1m", **more: Any) -> float | None:
    """Return the hit rate from first sight that the shelf tells of a point, None without a cell."""
    asked = {"of": "stroke", "point_type": "1", "side": "buy", "preset": "default"} | more
    found = shelf.cell(symbol, level, **asked)
    return None if found is None else found["from_first_seen"]["hit_rate"]


def of_rate(rate: float, **changed: Any) -> str:
    return certificate_text(cell(seen=entries(hit_rate=rate)), **changed)


def test_without_a_folder_there_is_nothing(home: Home) -> None:
    shelf = CertificateShelf(home)
    assert (hit_rate(shelf), shelf.usable(), shelf.refused()) == (None, (), {})
    assert not home.certificates_dir.exists()


def test_an_installed_certificate_answers_as_its_json_has_it(home: Home) -> None:
    made = cell()
    install(home, certificate_text(made), "default")
    found = CertificateShelf(home).cell("BTCUSDT", "1m", of="stroke", point_type="1", side="buy", preset="default")
    assert found == made


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "600000.SH"},
        {"level": "5m"},
        {"of": "segment"},
        {"point_type": "1p"},
        {"side": "sell"},
        {"preset": "new_bi"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_cell_answers_for_its_own_kind_of_point_only(home: Home, other: dict[str, str]) -> None:
    install(home, certificate_text(), "default")
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) == 0.5
    assert hit_rate(shelf, **other) is None


def test_an_interval_is_the_same_by_any_name(home: Home) -> None:
    install(home, certificate_text(cell(market="cn", interval="60m"), cell(interval="1M")), "default")
    shelf = CertificateShelf(home)
    assert hit_rate(shelf, "600000.SH", "1h") == 0.5
    assert hit_rate(shelf, level="1M") == 0.5
    assert hit_rate(shelf, level="1m") is None


def test_parameters_are_part_of_the_rule(home: Home) -> None:
    install(home, certificate_text(params={"macd_algo": "area", "divergence_rate": 0.8}), "default")
    shelf = CertificateShelf(home)
    kind = {"of": "stroke", "point_type": "1", "side": "buy", "preset": "default"}
    assert hit_rate(shelf) is None
    assert shelf.find("crypto", "1m", **kind, params={"divergence_rate": "0.80", "macd_algo": "area"}) is not None
    assert shelf.find("crypto", "1m", **kind, params={"divergence_rate": "0.9", "macd_algo": "area"}) is None


def test_the_highest_number_is_the_newest_whatever_its_time(home: Home) -> None:
    first = install(home, of_rate(0.4), "default")
    second = install(home, of_rate(0.6), "default")
    assert [first.name[:13], second.name[:13]] == ["0001-default-", "0002-default-"]
    os.utime(first, (2e9, 2e9))
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) == 0.6
    assert [one.name for one in shelf.usable()] == [second.name, first.name]


def test_an_older_certificate_answers_for_what_a_newer_one_lacks(home: Home) -> None:
    install(home, certificate_text(cell(seen=entries(hit_rate=0.4)), cell("2", seen=entries(hit_rate=0.3))), "default")
    install(home, of_rate(0.6), "default")
    shelf = CertificateShelf(home)
    assert (hit_rate(shelf), hit_rate(shelf, point_type="2")) == (0.6, 0.3)


def test_a_file_without_a_number_is_older_and_among_those_data_tell_the_newer(home: Home) -> None:
    put(home, "a.json", of_rate(0.1, data=[{"last_ts_ms": 9}]))
    put(home, "b.json", of_rate(0.2, data=[{"last_ts_ms": 5}]))
    assert hit_rate(CertificateShelf(home)) == 0.1
    put(home, "0001-old.json", of_rate(0.3, data=[{"last_ts_ms": None}]))
    assert hit_rate(CertificateShelf(home)) == 0.3


def test_the_same_bytes_are_installed_once(home: Home) -> None:
    assert install(home, of_rate(0.4), "default") == install(home, of_rate(0.4), "default")
    install(home, of_rate(0.6), "default")
    assert install(home, of_rate(0.4), "default").name.startswith("0003-")


def test_a_changed_folder_is_read_again(home: Home) -> None:
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) is None
    path = put(home, "a.json", of_rate(0.1))
    assert hit_rate(shelf) == 0.1
    path.write_text(of_rate(0.25))
    assert hit_rate(shelf) == 0.25
    path.unlink()
    assert hit_rate(shelf) is None


def test_a_file_is_read_once_while_it_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    install(home, of_rate(0.4), "default")
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) == 0.4
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was read again"))
    assert hit_rate(shelf) == 0.4


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "x.json is damaged: invalid JSON"),
    "cut": (certificate_text()[:300], "x.json is damaged: invalid JSON"),
    "no-text": (b"\xff\xfe\x00", "x.json is damaged: invalid JSON"),
    "deep": ("[" * 100_000, "x.json is damaged: invalid JSON"),
    "list": ("[]", "x.json is damaged: "),
    "foreign": ('{"schema":"chanflow.scan/1"}', "x.json is no certificate: its schema is not chanflow.certificate/1"),
    "later": (certificate_text(schema="chanflow.certificate/2"), "its schema is not chanflow.certificate/1"),
    "no-cells": (certificate_text(cells=None), "x.json is damaged at cells: "),
    "text-for-n": (certificate_text(cell(seen=entries() | {"n": "40"})), "damaged at cells.0.from_first_seen.n: "),
    "share": (certificate_text(cell(seen=entries(hit_rate=1.5))), "crypto 1m stroke 1 buy: hit_rate is 1.5, outside 0"),
    "nan": (certificate_text(cell(seen=entries(hit_rate=float("nan")))), "hit_rate is nan, outside 0 to 1"),
    "count": (certificate_text(cell(ever_shown=-1)), "ever_shown is -1, outside 0"),
    "vast": (certificate_text(cell(ever_shown=10**30)), "ever_shown is 1e+30, outside 0"),
    "mean": (certificate_text(cell(seen=entries() | {"mean_net_bps": float("inf")})), "mean_net_bps is inf, no finite"),
    "fails": (certificate_text(holds=False), "x.json does not hold"),
    "withdrawn": (certificate_text(cell(confirmed_withdrawn=1)), "x.json does not hold"),
    "huge": (" " * (MAX_BYTES + 1), "x.json is larger than the 8,388,608 bytes"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence_and_breaks_nothing(home: Home, kind: str) -> None:
    install(home, of_rate(0.4), "default")
    content, sentence = BROKEN[kind]
    home.certificates_dir.joinpath("x.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) == 0.4
    assert list(shelf.refused()) == ["x.json"]
    assert sentence in shelf.refused()["x.json"]
    assert "\n" not in shelf.refused()["x.json"]


def folder_there(home: Home) -> None:
    (home.certificates_dir / "x.json").mkdir()


def dead_link(home: Home) -> None:
    (home.certificates_dir / "x.json").symlink_to("nowhere")


def fifo(home: Home) -> None:
    os.mkfifo(home.certificates_dir / "x.json")


@pytest.mark.parametrize("make", [folder_there, dead_link, fifo])
def test_what_is_no_file_is_refused_unopened(home: Home, make: Callable[[Home], None]) -> None:
    install(home, of_rate(0.4), "default")
    make(home)
    shelf = CertificateShelf(home)
    assert hit_rate(shelf) == 0.4
    assert shelf.refused() == {"x.json": "x.json is no regular file: put a certificate there, or remove it"}


def test_only_json_files_in_sight_are_looked_at(home: Home) -> None:
    put(home, ".0001-a.json.draft", "half")
    put(home, ".hidden.json", "half")
    put(home, "README.md", "words")
    shelf = CertificateShelf(home)
    assert (shelf.usable(), shelf.refused()) == ((), {})


def test_of_too_many_files_the_newest_are_read(home: Home) -> None:
    for number in range(MAX_FILES + 3):
        put(home, f"{number:04d}-x.json", "{}")
    assert min(CertificateShelf(home).refused()) == "0003-x.json"


def test_a_folder_that_is_a_file_answers_nothing_and_takes_nothing(home: Home) -> None:
    home.certificates_dir.write_text("in the way")
    assert hit_rate(CertificateShelf(home)) is None
    with pytest.raises(StorageUnwritable, match="certificates cannot be used"):
        install(home, certificate_text(), "default")


@pytest.mark.parametrize("kind", ["cut", "foreign", "fails"])
def test_what_would_be_refused_is_not_installed(home: Home, kind: str) -> None:
    with pytest.raises(InvalidArgument, match="the certificate"):
        install(home, str(BROKEN[kind][0]), "default")
    assert not home.certificates_dir.exists()


def test_a_presets_name_makes_no_path(home: Home) -> None:
    path = install(home, certificate_text(), "../../x")
    assert path.parent == home.certificates_dir
    assert path.name.startswith("0001-x-")


def test_threads_see_whole_certificates_while_they_change(home: Home) -> None:
    install(home, of_rate(0.0), "default")
    shelf = CertificateShelf(home)
    seen: list[float | None] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(hit_rate(shelf))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for step in range(1, 21):
        install(home, of_rate(step / 20), "default")
    stop.set()
    for asker in askers:
        asker.join()
    assert set(seen) <= {step / 20 for step in range(21)}
    assert hit_rate(shelf) == 1.0
