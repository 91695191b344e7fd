from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.llm.providers import Provider, split_model
from chanflow.domain.errors import InvalidArgument

KEY = "planted-key"


def test_a_provider_tells_its_key_to_nobody() -> None:
    provider = Provider("deepseek", "deepseek", api_key=KEY)
    assert KEY not in repr(provider)
    assert KEY not in f"{provider}"
    assert provider.address == "https://api.deepseek.com"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "mystic"}, "is none of deepseek, openai_compatible"),
        ({"kind": "deepseek"}, "needs an api_key"),
        ({"kind": "openai_compatible"}, "base_url must be"),
        ({"kind": "ollama", "base_url": "ftp://host/v1"}, "base_url must be"),
        ({"kind": "ollama", "base_url": "http://user:pw@host/v1"}, "base_url must be"),
        ({"kind": "ollama", "base_url": "http://[::1/v1"}, "base_url must be"),
        ({"kind": "ollama", "base_url": "http://far.example/v1", "api_key": KEY}, "this machine or over https only"),
        ({"kind": "ollama", "output_mode": "guess"}, "is none of tool, native, prompted"),
        ({"kind": "ollama", "stall_s": 0}, "stall_s is 0 s, allowed is 0.01 to 600 s"),
        ({"kind": "ollama", "stall_s": float("nan")}, "stall_s is nan s"),
        ({"kind": "openai", "api_key": f"{KEY}\n"}, "letters that no header can carry"),
        ({"kind": "ollama", "name": "a/b"}, "a name has letters, digits, - and _"),
    ],
)
def test_what_cannot_be_is_refused_without_the_key(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument) as told:
        Provider(**({"name": "p"} | values))
    assert words in str(told.value)
    assert KEY not in str(told.value)
    assert "pw" not in str(told.value)


def test_a_model_is_a_provider_and_a_name() -> None:
    assert split_model("local/qwen/qwen3:8b") == ("local", "qwen/qwen3:8b")
    for text in ("rules", "/x", "x/", "", "a/\n", "a/" + "b" * 300):
        with pytest.raises(InvalidArgument, match="is not provider/name"):
            split_model(text)
