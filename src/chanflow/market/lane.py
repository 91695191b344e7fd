"""One symbol's way from frames to rows: the raw layer first, then the intake, then what it hands out.

What changes the outcome besides frames (a lost book, a closed socket, a part published early) is written between the
frames as a remark, so the raw layer alone gives the same rows again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chanflow.market.activity import Activity
from chanflow.market.ports import RawStore, RowStore

if TYPE_CHECKING:
    from chanflow_native import Intake

SOCKET, CLOSE, RESET, ROTATE, PACE, NOTE = "socket", "close", "reset", "rotate", "pace", "note"
"""Words of remarks: `# <recv_ns> <word> <what>`. All but `note` are acted on when the raw layer is read again."""


def head_of(venue: str, symbol: str, decimals: tuple[int, int]) -> bytes:
    """Return the remark that a raw file begins with."""
    facts = {"venue": venue, "symbol": symbol, "price_decimals": decimals[0], "qty_decimals": decimals[1]}
    return b"# " + json.dumps(facts, sort_keys=True).encode() + b"\n"


def facts_of(remark: bytes) -> Mapping[str, Any] | None:
    """Return what a raw file's first remark says, None for any other line."""
    if not remark.startswith(b"# {"):
        return None
    try:
        facts = json.loads(remark[2:])
    except ValueError:
        return None
    needed = {"venue", "symbol", "price_decimals", "qty_decimals"}
    return facts if isinstance(facts, dict) and needed <= facts.keys() else None


@dataclass(frozen=True, slots=True)
class Handed:
    """What goes to the store, and what the store does after it."""

    taken: Mapping[str, Any]
    word: str = ""
    what: str = ""


class Lane:
    """One symbol's raw file, intake and store.

    `push` and `say` are for the loop that receives; `keep` for the one thread that stores; all else for one worker.
    """

    def __init__(self, symbol: str, intake: Intake, store: RowStore, raw: RawStore | None) -> None:
        self.symbol = symbol
        self.intake = intake
        self.activity = Activity()
        self.frames = 0
        self.shed = self.hurried = False
        self.overdue = ""
        """Layers whose parts nothing closes any more."""
        self.store = store
        self.out: list[Handed] = []
        self._raw = raw
        self._inbox: list[tuple[int, list[bytes]] | tuple[int, str, str]] = []
        self._lines: list[bytes] = []
        self._socket = -1
        self._standing = -1

    @property
    def idle(self) -> bool:
        """Whether nothing waits for `work`."""
        return not self._inbox

    def push(self, socket: int, recv_ns: int, frame: bytes) -> None:
        """Take one frame of a socket."""
        if socket != self._socket:
            self._lines = []
            self._inbox.append((socket, self._lines))
            self._socket = socket
        if b"\n" in frame:
            frame = frame.replace(b"\n", b" ")  # JSON knows no newline inside a text, so nothing of the frame is lost
        self._lines.append(b"%d %b\n" % (recv_ns, frame))

    def say(self, recv_ns: int, word: str, what: str = "") -> None:
        """Record a fact between the frames, and act on it in its turn."""
        self._inbox.append((recv_ns, word, what))
        self._socket = -1

    def work(self) -> None:
        """Record and read what has been pushed. Raises StorageUnwritable."""
        inbox, self._inbox, self._socket = self._inbox, [], -1
        for item in inbox:
            if len(item) == 3:
                self._act(*item)
                continue
            socket, lines = item
            self.feed(b"".join(lines), socket, len(lines), _time_of(lines[0]), _time_of(lines[-1]))

    def feed(self, text: bytes, socket: int, frames: int, first_ns: int, last_ns: int) -> None:
        """Take whole lines of one socket. Raises StorageUnwritable."""
        if self._raw is not None:
            if socket != self._standing:
                self._write(b"# %d %s %d\n" % (first_ns, SOCKET.encode(), socket), first_ns)
                self._standing = socket
            self._raw.write(text, first_ns=first_ns, last_ns=last_ns, frames=frames, standing=self._stands(first_ns))
        self.intake.feed(text, socket)
        self.frames += frames

    def take(self) -> dict[str, Any]:
        """Return what the intake hands out, noting what came when."""
        taken = self.intake.take()
        self.activity.see(taken["rows"])
        return taken

    def hand_out(self) -> None:
        """Put what the intake has for the store into `out`."""
        self.out.append(Handed(self.take()))

    def keep(self, handed: Handed) -> int:
        """Store what was handed out, in its order; returns rows. Raises StorageUnwritable."""
        rows = self.store.add(handed.taken, shed=self.shed)
        match handed.word:
            case "rotate":
                self.store.rotate(handed.what)
            case "pace":
                self.store.pace(float(handed.what))
        return rows

    def quality(self) -> dict[str, Any]:
        """Return how good the data was; `repeats` came more than once and are no rows."""
        return {"symbol": self.symbol, "repeats": self.intake.stats()["repeats"], **self.store.quality()}

    def tick(self, now_ns: int) -> None:
        """Let raw frames that are a second old survive a kill. Raises StorageUnwritable."""
        if self._raw is not None:
            self._raw.tick(now_ns)

    def close_raw(self) -> None:
        """Publish the raw file. Raises StorageUnwritable."""
        if self._raw is not None:
            self._raw.close()

    def act(self, word: str, what: str) -> None:
        """Act on a remark."""
        match word:
            case "close":
                self.intake.close(int(what))
            case "reset":
                self.intake.reset()
            case "rotate" | "pace":
                self.out.append(Handed(self.take(), word, what))

    def _act(self, recv_ns: int, word: str, what: str) -> None:
        self._write(f"# {recv_ns} {word} {what}".rstrip().encode() + b"\n", recv_ns)
        self.act(word, what)

    def _write(self, remark: bytes, recv_ns: int) -> None:
        if self._raw is not None:
            self._raw.write(remark, first_ns=recv_ns, last_ns=recv_ns, frames=0, standing=self._stands(recv_ns))

    def _stands(self, recv_ns: int) -> bytes:
        return b"# %d %s %d\n" % (recv_ns, SOCKET.encode(), max(self._standing, 0))


def _time_of(line: bytes) -> int:
    return int(line[: line.index(b" ")])
