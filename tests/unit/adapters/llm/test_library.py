from __future__ import annotations

import subprocess
import sys

import pytest
from made_minds import CountingPurse, mind_at

from chanflow.adapters.llm import library
from chanflow.adapters.llm.providers import Provider
from chanflow.domain.errors import InvalidArgument, MissingExtra

LOCAL = Provider("local", "ollama")


def test_a_mind_without_the_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = library.find_spec
    monkeypatch.setattr(library, "find_spec", lambda name: None if name == "pydantic_ai" else real(name))
    with pytest.raises(MissingExtra, match=r"pip install 'chanflow\[llm\]'"):
        mind_at(LOCAL, purse=CountingPurse())


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="two providers have one name"):
        mind_at(LOCAL, LOCAL, purse=CountingPurse())


def test_neither_the_command_line_nor_a_mind_that_was_not_asked_loads_the_library() -> None:
    code = (
        "import sys; import chanflow.interfaces.cli.app, chanflow.adapters.llm.mind, chanflow.adapters.llm.cassette; "
        "heavy = ('pydantic_ai', 'openai', 'anthropic', 'httpx2', 'polars', 'jsonschema', 'aiohttp', 'yaml'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
