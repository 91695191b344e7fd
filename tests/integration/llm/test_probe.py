"""A model asked for prices by heart, at the scripted server."""

from __future__ import annotations

import json
from datetime import date

import pytest
from made_minds import desk as served

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.time import MS_PER_DAY
from chanflow.review.probe import Probe
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.probe import closes_of, days_of, probe

DAYS = days_of(["2024-03-01,2024-03-02", *(f"2024-03-{at:02d}" for at in range(3, 13))])
CLOSES = tuple(50_000.0 + 1_000 * at for at in range(12))


class OneBar:
    """A lake of two days."""

    def klines(self, symbol: str, level: str, *, start_ms: int | None, end_ms: int | None, limit: int) -> list[Bar]:
        assert (level, limit, end_ms) == ("1d", 1, (start_ms or 0) + MS_PER_DAY)
        if start_ms not in (1_709_251_200_000, 1_709_337_600_000):
            return []
        return [Bar(start_ms, MS_PER_DAY, 1, 2, 1, 1.5 if start_ms == 1_709_251_200_000 else 2.5, 1, 1, 1, 1)]


async def asked(script: str, language: str = "en") -> tuple[Probe, list[str]]:
    async with served(script) as desk:
        clock = SystemClock()
        found = await probe(
            "local/scripted", "BTCUSDT", DAYS, CLOSES, desk.mind, clock=clock,
            ids=Uuid7Ids(clock, SystemRandomness()), language=language,
        )  # fmt: skip
        assert len(desk.purse.claims) == len(DAYS)
        return found, [json.dumps(heard.body) for heard in desk.server.heard]


@pytest.mark.server
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_one_that_knows_them_by_heart_is_found_and_was_shown_no_price(language: str) -> None:
    script = "\n".join(
        f"- {{when: {{contains: '{day}'}}, reply: {{json: {{known: true, price: {close + 10}}}}}}}"
        for day, close in zip(DAYS, CLOSES, strict=True)
    )
    found, heard = await asked(script, language)
    assert (found.finding, found.nearer, found.said) == ("remembers", 12, 12)
    assert not any(f"{close:g}" in body for body in heard for close in CLOSES)


@pytest.mark.server
async def test_one_that_knows_none_says_none() -> None:
    found, _ = await asked("- reply: {json: {known: false, price: 0}}")
    assert (found.finding, found.said, found.error_frac) == ("too_few", 0, None)


def test_closes_are_the_lake_s_and_a_day_without_a_bar_is_named() -> None:
    assert closes_of(OneBar(), "X", (date(2024, 3, 1), date(2024, 3, 2))) == (1.5, 2.5)
    with pytest.raises(NotFound, match="no closed daily bar of X on 2024-03-03"):
        closes_of(OneBar(), "X", (date(2024, 3, 3),))


@pytest.mark.parametrize(
    ("texts", "words"),
    [(["yesterday"], "a day is written like"), (["2024-03-01"], "names 1 days, allowed is 2 to 400"),
     (["2024-03-01", "2024-03-01"], "a day twice"), ([], "names 0 days")],
)  # fmt: skip
def test_days_that_are_none_are_refused(texts: list[str], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        days_of(texts)
