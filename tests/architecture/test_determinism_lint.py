"""The determinism check catches each planted violation, lets the harmless twin pass, and finds our tree clean."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_determinism.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_determinism", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = _load()


def _findings(tmp_path: Path, source: str, place: str) -> list[str]:
    path = tmp_path / "src" / "chanflow" / place
    path.parent.mkdir(parents=True)
    path.write_text(source)
    found: list[str] = CHECK.check(tmp_path)
    return found


FROM_THE_SYSTEM = [
    "import time\nx = time.time()",
    "import time as t\nx = t.time_ns()",
    "from time import monotonic_ns as now\nx = now()",
    "import time\nstart = time.perf_counter_ns",
    "import time\ntime.sleep(1)",
    "from datetime import UTC, datetime\nx = datetime.now(UTC)",
    "import datetime as dt\nx = dt.datetime.utcnow()",
    "from datetime import datetime as d\nx = d.today()",
    "import datetime\nx = datetime.date.today()",
    "from uuid import uuid4\nx = uuid4()",
    "import uuid\nx = uuid.uuid1()",
    "import uuid\nx = uuid.uuid3(uuid.NAMESPACE_DNS, 'x')",
    "import random\nx = random.random()",
    "from random import choice\nx = choice([1])",
    "from random import SystemRandom\nx = SystemRandom()",
    "from random import Random\nx = Random()",
    "import os\nx = os.environ['A']",
    "from os import environ as e\nx = e.get('A')",
    "import os\nx = os.getenv('A')",
    "import os\nx = os.urandom(8)",
    "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
    "from asyncio import sleep",
    "import secrets\nx = secrets.token_hex()",
    "def f():\n    import secrets as s\n    return s.token_hex()",
]


@pytest.mark.parametrize("source", FROM_THE_SYSTEM)
@pytest.mark.parametrize("place", ["interfaces/cli/planted.py", "risk/planted.py"])
def test_time_chance_and_environment_are_caught_everywhere(tmp_path: Path, source: str, place: str) -> None:
    found = _findings(tmp_path, source, place)
    assert found
    assert all(line.startswith(f"src/chanflow/{place}:") for line in found)


@pytest.mark.parametrize("place", ["runtime/clock.py", "runtime/settings.py"])
@pytest.mark.parametrize("source", FROM_THE_SYSTEM)
def test_the_two_sources_may_ask_the_system(tmp_path: Path, source: str, place: str) -> None:
    assert _findings(tmp_path, source, place) == []


@pytest.mark.parametrize(
    "source",
    [
        "from random import Random\nx = Random(7)\ny: Random = x",
        "import uuid\nx = uuid.uuid5(uuid.NAMESPACE_DNS, 'x')\ny: uuid.UUID = x",
        "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)",
        "import asyncio\nx = asyncio.Queue()",
        "import os\nx = os.getpid()",
        "from chanflow.domain.time import rfc3339\nx = rfc3339(0)",
        "from . import time\nx = time.now()",
        "def f(clock, random):\n    return clock.time() + random.random()",
    ],
)
def test_what_only_looks_like_it_passes(tmp_path: Path, source: str) -> None:
    assert _findings(tmp_path, source, "risk/planted.py") == []


ORDER_BY_CHANCE = [
    "for x in {1, 2}:\n    pass",
    "for x in set([1]):\n    pass",
    "y = [x for x in {a for a in 'ab'}]",
    "y = {x: 1 for x in frozenset('ab')}",
    "y = list({1, 2})",
    "y = tuple(set('ab'))",
    "y = ','.join({'a', 'b'})",
    "y = ','.join(x for x in {'a', 'b'})",
    "y = [*{1, 2}]",
    "y = sum({0.1, 0.2})",
    "y = list(enumerate(set('ab')))",
    "a, b = {1, 2}",
    "for x in {1} | {2}:\n    pass",
    "for x in set('a').union('b'):\n    pass",
    "seen = set()\nfor x in seen:\n    pass",
    "def f(names: set[str]):\n    return [n for n in names]",
    "def f(names: frozenset[str]):\n    yield from names",
    "class A:\n    def put(self):\n        self.s: set[str] = set()\n    def f(self):\n        return list(self.s)",
    "seen = {1}\nx = seen.pop()",
    "async def f():\n    async for x in {1}:\n        pass",
    "y = hash('a')",
    "y = {id(x): x for x in [1]}",
    "from pathlib import Path\nfor p in Path('.').glob('*'):\n    pass",
    "from pathlib import Path\ny = list(Path('.').rglob('*'))",
    "from pathlib import Path\ny = [p for p in Path('.').iterdir()]",
    "import os\ny = os.listdir('.')",
    "from os import scandir\ny = scandir('.')",
    "from glob import glob\ny = glob('*')",
    "from concurrent.futures import as_completed\ny = as_completed([])",
    "import asyncio\ny = asyncio.as_completed([])",
]


@pytest.mark.parametrize("source", ORDER_BY_CHANCE)
def test_order_by_chance_is_caught_in_the_stages(tmp_path: Path, source: str) -> None:
    assert len(_findings(tmp_path, source, "signals/planted.py")) == 1


@pytest.mark.parametrize("folder", CHECK.REPLAYED)
def test_every_replayed_folder_is_watched(tmp_path: Path, folder: str) -> None:
    assert _findings(tmp_path, "\nfor x in {1}:\n    pass", f"{folder}/deep/planted.py") == [
        f"src/chanflow/{folder}/deep/planted.py:2: walks a set, whose order is chance: sort it first"
    ]


def test_a_folder_that_is_not_replayed_may_walk_a_set(tmp_path: Path) -> None:
    assert _findings(tmp_path, "for x in {1}:\n    pass", "interfaces/planted.py") == []


@pytest.mark.parametrize(
    "source",
    [
        "for x in sorted({1, 2}):\n    pass",
        "y = sorted(x for x in {1, 2})",
        "y = any(x for x in {1, 2})",
        "y = {x + 1 for x in {1, 2}}",
        "y = len({1}) + max({1})",
        "y = 1 in {1, 2}",
        "seen = set()\nseen.add(1)",
        "seen = set()\nseen = sorted(seen)\nfor x in seen:\n    pass",
        "def f():\n    x = set()\n    return x\ndef g(x):\n    return list(x)",
        "from pathlib import Path\nfor p in sorted(Path('.').glob('*')):\n    pass",
        "from pathlib import Path\ny = sorted(p.name for p in Path('.').iterdir())",
        "y = [1].pop()",
        "class A:\n    def __hash__(self):\n        return 1",
        "y = list({'a': 1})",
        "y = 3 - 2\nz = list(range(y))",
    ],
)
def test_what_is_ordered_passes(tmp_path: Path, source: str) -> None:
    assert _findings(tmp_path, source, "signals/planted.py") == []


def test_a_file_that_is_no_python_is_a_finding(tmp_path: Path) -> None:
    (found,) = _findings(tmp_path, "x = 1\ndef f(:\n", "risk/planted.py")
    assert found.startswith("src/chanflow/risk/planted.py:2: no Python that ")


def test_the_command_prints_the_findings_and_exits_with_1(tmp_path: Path) -> None:
    path = tmp_path / "src" / "chanflow" / "risk" / "planted.py"
    path.parent.mkdir(parents=True)
    path.write_text("import time\nx = time.time()\n")
    ran = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (
        1,
        "src/chanflow/risk/planted.py:2: time.time: take a Clock (domain/time.py)\n",
    )


def test_our_tree_is_clean() -> None:
    ran = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("", 0)
