from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from chanflow.adapters.storage.database.database import Database
from chanflow.domain.errors import BudgetSpent, SettingsInvalid
from chanflow.domain.question import Claim
from chanflow.runtime.clock import SeededRandomness, SimulatedClock, Uuid7Ids
from chanflow.runtime.minds import analyst_config, build_budget, build_mind, limits_of_models, rules_stand_in
from chanflow.runtime.settings import Settings, load_settings

KEY = "sk-canary-0123456789abcdef"
CLOCK = SimulatedClock(1_795_262_400_000_000_000)
CHANCE = SeededRandomness(1)

DEEPSEEK = """
providers:
  deepseek: {kind: deepseek, api_key: "${KEY}"}
  local: {kind: openai_compatible, base_url: "http://127.0.0.1:11434/v1", free: true}
agents: {analyst: {model: deepseek/deepseek-chat, fallback: [local/qwen3]}}
"""


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _settings(text: str = "", *overrides: str) -> Settings:
    Path("desk.yaml").write_text(text, encoding="utf-8")
    environ = {"HOME": "/home/me", "KEY": KEY}
    return load_settings(config=Path("desk.yaml"), overrides=overrides, environ=environ).settings


class NoPurse:
    """A purse that is never opened."""

    async def reserve(self, claim: Claim) -> str:
        raise BudgetSpent("empty")

    async def settle(self, reservation: str, *, tokens_in: int, tokens_out: int, cost_usd: Decimal) -> None:
        raise AssertionError


def test_rules_need_no_mind() -> None:
    assert build_mind(_settings(), NoPurse(), clock=CLOCK, randomness=CHANCE) is None


async def test_a_named_model_gets_a_mind() -> None:
    mind = build_mind(_settings(DEEPSEEK), NoPurse(), clock=CLOCK, randomness=CHANCE)
    assert mind is not None
    assert KEY not in repr(mind)
    await mind.close()


def test_a_model_without_a_price_stops_the_start() -> None:
    settings = _settings(DEEPSEEK, "agents.analyst.model=deepseek/deepseek-v99")
    with pytest.raises(SettingsInvalid, match=r"agents\.analyst\.model: model deepseek/deepseek-v99 has no price in"):
        build_mind(settings, NoPurse(), clock=CLOCK, randomness=CHANCE)


def test_a_price_file_makes_a_model_known(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(
        'as_of: "2026-11-21"\nsource: me\nusd_per_million_tokens: {deepseek/deepseek-v99: {input: "1", output: "2"}}\n'
    )
    settings = _settings(DEEPSEEK, "agents.analyst.model=deepseek/deepseek-v99", f"budget.prices={file}")
    assert build_mind(settings, NoPurse(), clock=CLOCK, randomness=CHANCE) is not None


def test_the_analyst_is_set_up_as_the_settings_say() -> None:
    config = analyst_config(_settings(DEEPSEEK, "analyst.language=zh", "agents.analyst.timeout_s=180"))
    assert (config.models, config.rules_answer, config.language, config.timeout_s) == (
        ("deepseek/deepseek-chat", "local/qwen3"), False, "zh", 180.0,
    )  # fmt: skip
    assert config.quota.max_usd_per_day == Decimal("2.00")
    assert analyst_config(_settings()).models == ()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), False),
        (("analyst.fallback=rules",), True),
        (("agents.analyst.fallback=local/qwen3,rules",), True),
    ],
)
def test_rules_stand_in_where_either_setting_says_so(overrides: tuple[str, ...], expected: bool) -> None:
    assert rules_stand_in(_settings(DEEPSEEK, *overrides)) is expected


LIMITS = [
    ("agents.analyst.quota.max_tokens_per_run=99", "allows 99 tokens per run"),
    ("agents.analyst.quota.max_usd_per_day=0.009", "agents.analyst.quota.max_usd_per_day allows 0.009 USD per day"),
    ("budget.max_usd_per_hour=0.009", "budget.max_usd_per_hour allows 0.009 USD per hour"),
    ("budget.max_usd_per_day=0.009", "budget.max_usd_per_day allows 0.009 USD per day"),
    ("budget.max_usd_per_month=0.009", "budget.max_usd_per_month allows 0.009 USD per month"),
    ("budget.account.max_usd_per_day=0.009", "budget.account.max_usd_per_day allows 0.009 USD per day"),
]


async def _reserve(tmp_path: Path, settings: Settings, times: int = 1) -> None:
    async def silent(_: object) -> None:
        return None

    async with await Database.open(tmp_path / "chanflow.db") as database:
        budget = build_budget(
            settings, database=database, clock=CLOCK, ids=Uuid7Ids(CLOCK, CHANCE), on_alert=silent
        )  # fmt: skip
        for number in range(times):
            await budget.reserve(Claim(f"q{number}", "analyst", "paper", "deepseek/x", 100, Decimal("0.01")))


@pytest.mark.parametrize(("override", "words"), LIMITS)
async def test_every_limit_of_the_settings_refuses(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(BudgetSpent, match=words):
        await _reserve(tmp_path, _settings("", override))


@pytest.mark.parametrize("key", ["agents.analyst.quota.max_requests_per_hour", "budget.account.max_requests_per_hour"])
async def test_requests_are_counted_by_the_hour(tmp_path: Path, key: str) -> None:
    with pytest.raises(BudgetSpent, match=f"from 2 requests to 3 requests, and {key} allows 2 requests per hour"):
        await _reserve(tmp_path, _settings("", f"{key}=2"), times=3)


async def test_what_is_allowed_out_of_the_box_is_allowed(tmp_path: Path) -> None:
    await _reserve(tmp_path, _settings(), times=3)


def test_every_limit_says_where_it_is_set() -> None:
    from chanflow.runtime.settings import setting_keys

    limits = limits_of_models(_settings())
    assert {limit.setting for limit in limits} <= set(setting_keys())
    assert len({limit.setting for limit in limits}) == len(limits) == 14
