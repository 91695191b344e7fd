from __future__ import annotations

import pytest
from made_desk import NOW, D, account
from made_watch import trigger, watching


@pytest.mark.parametrize(("equity", "said"), [("9501", []), ("9500", ["0.050000"]), ("9000", ["0.100000"])])
def test_equity_that_share_below_its_high_water_fires(equity: str, said: list[str]) -> None:
    watch = watching(trigger("drawdown", 0.05))
    told = watch.on_account(account(equity_quote=D(equity)), now_ns=NOW)
    assert [each.observed for each in told] == said
