from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chanflow.analyst.config import DEFAULT_TOOLS, AgentConfig, Quota, analyst_hash
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.prompt import load_prompt
from chanflow.domain.question import ToolSpec

CONFIG = AgentConfig(model="local/qwen", fallback=("far/other", "rules"))
PROMPTS = (load_prompt("chanflow.analyst", "entry", "en"), load_prompt("chanflow.analyst", "management", "en"))
TOOLS = (ToolSpec("get_klines", "Closed bars.", {"type": "object"}),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tools": ("get_klines", "execute_trade")}, "may not use execute_trade"),
        ({"tools": ("get_klines", "get_klines")}, "each once"),
        ({"model": "deepseek-chat"}, "provider/name"),
        ({"model": "/x"}, "provider/name"),
        ({"fallback": ("rules", "local/b")}, "rules always answer"),
        ({"temperature": 2.1}, "from 0 to 2"),
        ({"temperature": float("nan")}, "from 0 to 2"),
        ({"language": "fr"}, "en or zh"),
        ({"timeout_s": 0.5}, "from 1 to 600"),
        ({"quota": Quota(max_tokens_per_run=0)}, "must be positive"),
    ],
)
def test_a_part_outside_its_bounds_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        AgentConfig(**changes)


def test_a_tool_list_may_shrink() -> None:
    assert AgentConfig(tools=("get_klines",)).tools == ("get_klines",)
    assert AgentConfig(tools=()).tools == ()
    assert AgentConfig().tools == DEFAULT_TOOLS


def test_rules_are_no_model_to_ask() -> None:
    assert (CONFIG.models, CONFIG.rules_answer) == (("local/qwen", "far/other"), True)
    assert (AgentConfig().models, AgentConfig().rules_answer) == ((), True)
    assert not AgentConfig(model="local/qwen").rules_answer


@pytest.mark.parametrize(
    "changes", [{"model": "local/other"}, {"fallback": ()}, {"temperature": 0.5}, {"language": "zh"}]
)
def test_another_model_or_setting_is_another_analyst(changes: dict[str, Any]) -> None:
    assert analyst_hash(replace(CONFIG, **changes), PROMPTS, TOOLS) != analyst_hash(CONFIG, PROMPTS, TOOLS)


def test_another_prompt_or_tool_is_another_analyst() -> None:
    own = analyst_hash(CONFIG, PROMPTS, TOOLS)
    assert analyst_hash(CONFIG, PROMPTS[:1], TOOLS) != own
    assert analyst_hash(CONFIG, PROMPTS, ()) != own
    assert analyst_hash(CONFIG, PROMPTS, (replace(TOOLS[0], schema={"type": "array"}),)) != own


def test_what_it_may_spend_leaves_the_analyst_the_same() -> None:
    dearer = replace(CONFIG, quota=Quota(max_tokens_per_run=10), timeout_s=5)
    assert analyst_hash(dearer, PROMPTS, TOOLS) == analyst_hash(CONFIG, PROMPTS, TOOLS)
