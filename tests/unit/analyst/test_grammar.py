"""What a person means, without a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.analyst.grammar import UNDERSTOOD, Unclear, plan_of, read, symbol_of
from chanflow.analyst.plan import Plan

KNOWN = ("000001.SH", "000001.SZ", "600000.SH", "BTCUSDC", "BTCUSDT", "ETHUSDT")


def plan(text: str) -> Plan:
    found = plan_of(text, KNOWN)
    assert isinstance(found, Plan), found
    return found


def operations(text: str) -> list[str]:
    return [step.operation for step in plan(text).steps]


@pytest.mark.parametrize(
    "text",
    [
        "帮我找到所有 30 分钟级别形成第二类买点的股票，并回测策略，设置提醒",
        "找出全市场30分钟二买，回测，预警",
        "find all 30m second buys, backtest them, set alerts",
        "Scan every symbol for the 2nd buy point on 30 min, back test and notify me",
    ],
)
def test_the_users_flow_is_a_scan_a_backtest_and_an_alert(text: str) -> None:
    found = plan(text)
    scan, backtest, alert = found.steps
    assert (scan.operation, scan.args["level"], scan.args["type"]) == ("query_buy_sell_points", "30m", ["buy2"])
    assert (backtest.operation, backtest.args["symbols"]) == ("backtest_strategy", "$points.points.symbol[:100]")
    assert (alert.operation, alert.args["type"]) == ("subscribe_alert", ["sell1", "sell2", "sell3"])
    assert found.waits_for(backtest) == found.waits_for(alert) == {"points"}
    assert found.language == ("en" if text.isascii() else "zh")


@pytest.mark.parametrize(
    ("text", "operation"),
    [("取消回测 5e86eb5b-8a49-58c5-996d-0852113c9803", "cancel_job"),
     ("cancel backtest 5E86EB5B-8a49-58c5-996d-0852113c9803 please", "cancel_job"),
     ("回测 5e86eb5b-8a49-58c5-996d-0852113c9803 怎么样了", "backtest_strategy"),
     ("how is backtest 5e86eb5b-8a49-58c5-996d-0852113c9803", "backtest_strategy")],
)  # fmt: skip
def test_a_backtest_is_asked_after_and_cancelled_by_its_id(text: str, operation: str) -> None:
    (step,) = plan(text).steps
    assert (step.operation, step.args) == (operation, {"job_id": "5e86eb5b-8a49-58c5-996d-0852113c9803"})


def test_six_digits_are_the_stock_before_the_index_and_it_is_said() -> None:
    found = plan("帮我看看 000001 现在有什么买卖点")
    assert [step.args["symbol"] for step in found.steps] == ["000001.SZ", "000001.SZ"]
    assert "000001.SH" in found.notes[0]


@pytest.mark.parametrize(
    ("digits", "symbol"), [("600519", "600519.SH"), ("300750", "300750.SZ"), ("830799", "830799.BJ")]
)
def test_a_share_without_data_is_named_by_its_exchange(digits: str, symbol: str) -> None:
    assert symbol_of([digits], KNOWN, "zh").symbol == symbol


def test_what_fits_two_symbols_is_asked_back() -> None:
    found = plan_of("points of BTC", KNOWN)
    assert found == Unclear("en", "Which one is meant: BTCUSDC, BTCUSDT?")


@pytest.mark.parametrize(
    ("text", "level"),
    [("ethusdt 买点", "30m"), ("ETHUSDT 5分钟买点", "5m"), ("ETHUSDT 5m points", "5m"), ("ETHUSDT daily points", "1d"),
     ("ETHUSDT 日线买点", "1d"), ("ETHUSDT 60 分钟买点", "1h"), ("ETHUSDT weekly points", "1w"),
     ("ETHUSDT points 1 h", "1h")],
)  # fmt: skip
def test_a_level_is_understood_as_it_is_said(text: str, level: str) -> None:
    assert plan(text).steps[0].args["level"] == level


@pytest.mark.parametrize(
    ("text", "types"),
    [("第一类买点", ["buy1"]), ("三卖", ["sell3"]), ("第2类卖点", ["sell2"]), ("buy3", ["buy3"]),
     ("third sells", ["sell3"]), ("买点", ["buy1", "buy2", "buy3"]), ("sell points", ["sell1", "sell2", "sell3"]),
     ("一买和三买", ["buy1", "buy3"])],
)  # fmt: skip
def test_points_are_understood_by_type(text: str, types: list[str]) -> None:
    assert sorted(read(text).types) == types


def test_words_inside_of_words_are_not_read() -> None:
    assert read("shalternative buysell thebuy2x").concepts == set()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("structure of ETHUSDT", ["analyze_structure"]), ("ETHUSDT 中枢", ["analyze_structure"]),
        ("我的持仓", ["get_position"]), ("show my positions", ["get_position"]), ("额度", ["get_user_quota"]),
        ("为什么拒绝", ["explain_decision"]), ("why was it refused", ["explain_decision"]), ("停止交易", ["halt"]),
        ("halt!", ["halt"]), ("why did you halt, it was refused", ["explain_decision"]),
    ],
)  # fmt: skip
def test_the_other_questions_have_one_operation_each(text: str, wanted: list[str]) -> None:
    assert operations(text) == wanted


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_example_that_is_offered_is_understood(language: str) -> None:
    for text in UNDERSTOOD[language]:  # type: ignore[index]
        assert isinstance(plan_of(text, KNOWN), Plan), text


def test_what_is_not_understood_gets_the_list() -> None:
    found = plan_of("hello there", KNOWN)
    assert isinstance(found, Unclear)
    assert UNDERSTOOD["en"][0] in found.text


@given(st.text(max_size=300))
def test_no_sentence_breaks_it(text: str) -> None:
    found = plan_of(text, KNOWN)
    assert isinstance(found, Plan | Unclear)


@given(st.text(alphabet="第一二三类买卖点回测提醒30分钟 buyselpoint.:_-İß", max_size=60))
def test_no_pile_of_its_own_words_breaks_it(text: str) -> None:
    assert isinstance(plan_of(text, KNOWN), Plan | Unclear)
