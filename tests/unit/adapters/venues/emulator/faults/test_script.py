"""Fault scripts are understood whole, or refused in one sentence."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.venues.emulator.faults.script import parse_script, read_script
from chanflow.adapters.venues.emulator.faults.words import KINDS, Do, Entry, Rate, When
from chanflow.domain.errors import InvalidArgument

DOCUMENTED = """
- {when: {endpoint: "POST /fapi/v1/order", nth: 3}, do: drop_ack}            # executed, connection closed without reply
- {when: {endpoint: "POST /fapi/v1/order", prob: .02}, do: unknown_503, executed: true}   # or false
- {when: {client_id: "q…"}, do: duplicate_ack}
- {when: {event: ORDER_TRADE_UPDATE}, do: delay, ms: 4000}
- {when: {event: fill}, do: after_cancel}
- {when: {event: ALGO_UPDATE}, do: duplicate}
- {when: {time: 12.5}, do: disconnect, stream: private, for_s: 8}
- {when: {request: 100}, do: error, code: -1021}
- {when: {rate: 50/s}, do: http, status: 429, retry_after: 3, then: 418}
- {when: {stream: depth, nth: 500}, do: skip_frame}
- {when: {time: 30}, do: clock_skew, ms: 1800}
- {when: {time: 60}, do: freeze, for_s: 20}                                  # accepts, never answers
"""
ORDER = ("POST", "/fapi/v1/order")


def refusal(text: str) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read_script(text)
    return str(caught.value)


def test_every_documented_form_is_understood() -> None:
    assert read_script(DOCUMENTED) == (
        Entry(1, When(endpoint=ORDER, nth=3), Do("drop_ack", executed=True)),
        Entry(2, When(endpoint=ORDER, prob=0.02), Do("unknown_503", executed=True)),
        Entry(3, When(client_id="q…"), Do("duplicate_ack")),
        Entry(4, When(event="ORDER_TRADE_UPDATE"), Do("delay", ms=4000)),
        Entry(5, When(event="fill"), Do("after_cancel", ms=10_000)),
        Entry(6, When(event="ALGO_UPDATE"), Do("duplicate")),
        Entry(7, When(time_s=12.5), Do("disconnect", stream="private", for_s=8.0)),
        Entry(8, When(request=100), Do("error", code=-1021)),
        Entry(9, When(rate=Rate(50, 1_000_000_000)), Do("http", status=429, retry_after_s=3, then=418)),
        Entry(10, When(stream="depth", nth=500), Do("skip_frame")),
        Entry(11, When(time_s=30.0), Do("clock_skew", ms=1800)),
        Entry(12, When(time_s=60.0), Do("freeze", for_s=20.0)),
    )


@pytest.mark.parametrize(
    ("line", "do"),
    [
        ("{when: {event: fill}, do: reorder}", Do("reorder", ms=1_000)),
        ("{when: {request: 1}, do: truncate_body}", Do("truncate_body", executed=True)),
        ("{when: {request: 1}, do: garbage, executed: false}", Do("garbage")),
        ("{when: {request: 1}, do: slow, ms: 300}", Do("slow", ms=300)),
        ("{when: {request: 1}, do: reject(-2010)}", Do("reject", code=-2010)),
        ("{when: {request: 1}, do: reject, code: -2019}", Do("reject", code=-2019)),
        ("{when: {time: 1}, do: listen_key_expire}", Do("listen_key_expire")),
        ("{when: {time: 1}, do: adl, symbol: BTCUSDT, qty: 0.5}", Do("adl", symbol="BTCUSDT", qty=Decimal("0.5"))),
        ("{when: {time: 1}, do: liquidate, symbol: X1, api_key: a}", Do("liquidate", symbol="X1", api_key="a")),
        ("{when: {time: 1}, do: gap_price, symbol: BTCUSDT, bps: -500}", Do("gap_price", symbol="BTCUSDT", bps=-500)),
        ("{when: {time: 1}, do: clock_skew, ms: -900, for_s: 3}", Do("clock_skew", ms=-900, for_s=3.0)),
    ],
)  # fmt: skip
def test_every_other_fault_is_understood(line: str, do: Do) -> None:
    assert read_script(f"- {line}")[0].do == do


def test_json_is_read_as_yaml_is() -> None:
    script = [{"when": {"endpoint": "POST /fapi/v1/order", "nth": 3}, "do": "drop_ack"}]
    assert read_script(json.dumps(script)) == parse_script(script)


def test_an_empty_text_is_an_empty_script() -> None:
    assert read_script("# nothing goes wrong\n") == ()


def test_a_star_at_the_end_is_a_beginning_too() -> None:
    assert read_script("- {when: {client_id: 'q*'}, do: drop_ack}")[0].when.client_id == "q…"


def test_an_endpoint_without_method_means_every_method() -> None:
    assert read_script("- {when: {endpoint: /fapi/v1/order}, do: drop_ack}")[0].when.endpoint == ("*", "/fapi/v1/order")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{when: {request: 0}, do: drop_ack}", "entry 1: `request` is 0, allowed are whole numbers from 1 to 1,000,"),
        ("{when: {request: 1}, do: slow, ms: -1}", "entry 1: `ms` is -1, allowed are 0 to 86,400,000"),
        ("{when: {request: 1}, do: slow, ms: 1e9}", "entry 1: `ms` is '1e9', allowed are whole numbers"),
        ("{when: {request: 1}, do: slow}", "entry 1: slow needs `ms`"),
        ("{when: {request: 1}, do: slow, ms: 1, code: -1}", "entry 1: 'code' is no field of slow, allowed are ms"),
        ("{when: {request: 1}, do: explode}", "entry 1: `do` is 'explode', allowed are drop_ack, unknown_503"),
        ("{when: {request: 1}}", "entry 1: `do` is missing, allowed are drop_ack"),
        ("{do: drop_ack}", "entry 1: `when` is None, allowed is a mapping of endpoint"),
        ("{when: {moon: full}, do: drop_ack}", "entry 1: 'moon' is no condition, allowed are endpoint"),
        ("{when: {request: 1, event: fill}, do: drop_ack}", "entry 1: `when` has request and event, allowed is one of"),
        ("{when: {event: fill}, do: drop_ack}", "entry 1: drop_ack cannot wait for `event`, allowed are endpoint"),
        ("{when: {stream: depth}, do: duplicate}", "entry 1: duplicate cannot wait for `stream`, allowed are event"),
        ("{when: {event: fil}, do: duplicate}", "entry 1: `event` is 'fil', allowed are ORDER_TRADE_UPDATE"),
        ("{when: {endpoint: order}, do: drop_ack}", "entry 1: `endpoint` is 'order', allowed is a method and a path"),
        ("{when: {endpoint: /x, nth: 1, prob: 1}, do: drop_ack}", "entry 1: `when` has nth and prob, allowed is one"),
        ("{when: {request: 1, nth: 2}, do: drop_ack}", "entry 1: nth and prob count what endpoint, client_id"),
        ("{when: {endpoint: /x, prob: .nan}, do: drop_ack}", "entry 1: `prob` is nan, allowed are 0 to 1"),
        ("{when: {time: .inf}, do: freeze, for_s: 1}", "entry 1: `time` is inf, allowed are 0 to 31,536,000 s"),
        ("{when: {time: true}, do: freeze, for_s: 1}", "entry 1: `time` is True, allowed are 0 to 31,536,000 s"),
        ("{when: {rate: fast}, do: garbage}", "entry 1: `rate` is 'fast', allowed are a number and a span: 50/s"),
        ("{when: {rate: 0/s}, do: garbage}", "entry 1: `rate` is '0/s', allowed are a number and a span"),
        ("{when: {request: 1}, do: http, status: 200}", "entry 1: `status` is 200, allowed are whole numbers from 400"),
        ("{when: {request: 1}, do: http, status: 429, then: 418}", "entry 1: `then` needs `retry_after`"),
        ("{when: {request: 1}, do: error, code: 1021}", "entry 1: `code` is 1021, allowed are whole numbers"),
        ("{when: {request: 1}, do: unknown_503}", "entry 1: unknown_503 needs `executed`"),
        ("{when: {request: 1}, do: garbage, executed: maybe}", "entry 1: `executed` is 'maybe', allowed are true"),
        ("{when: {time: 1}, do: gap_price, symbol: BTCUSDT}", "entry 1: gap_price needs one of `price` and `bps`"),
        ("{when: {time: 1}, do: adl, symbol: btc}", "entry 1: `symbol` is 'btc', allowed is a symbol such as BTCUSDT"),
        ("{when: {time: 1}, do: adl, symbol: BTCUSDT, qty: -1}", "entry 1: `qty` is -1, allowed are 0.00000001 to"),
        ("{when: {time: 1}, do: disconnect, stream: cable}", "entry 1: `stream` is 'cable', allowed are private"),
        ("drop_ack", "entry 1: it is 'drop_ack', allowed is a mapping with `when` and `do`"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_its_field_and_bound(line: str, words: str) -> None:
    assert f"fault script: {words}" in refusal(f"- {line}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{when: {}}", "it is {'when': {}}, allowed is a list of entries"),
        ("- {when: {request: 1}, do: drop_ack\n", "line 2: "),
        ("- {when: {request: 1}, do: drop_ack, do: garbage}", "line 1: 'do' stands twice in one entry: keep one"),
        ("- &a {when: {request: 1}, do: drop_ack}\n- *a\n", "line 2: an alias (*) stands here: write the entry out"),
        ("- !!python/object/apply:os.system [ls]", "line 1: could not determine a constructor"),
        ("[" * 5_000, "it is nested too deeply, allowed are 4 levels"),
        ("- {when: {request: " + "9" * 5_000 + "}, do: drop_ack}", "a value cannot be read"),
        ("- {when: {time: 2026-02-45}, do: drop_ack}", "a value cannot be read"),
        ("- \x00", "no YAML"),
        ("- {? [a, b] : 1}", "line 1: "),
        ("- {when: {request: 1}, do: drop_ack}\n" * 1_001, "it has 1,001 entries, at most 1,000 are read"),
        ("#" * 1_000_001, "it has 1,000,001 characters, at most 1,000,000 are read"),
    ],
)
def test_a_hostile_text_is_refused_in_one_line(text: str, words: str) -> None:
    said = refusal(text)
    assert words in said
    assert "\n" not in said
    assert len(said) < 500


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
VALUE = ANYTHING | st.sampled_from(["POST /fapi/v1/order", "q…", "fill", "50/s", "depth", 1, 0.5])
CONDITIONS = st.sampled_from(["endpoint", "event", "time", "request", "rate", "stream", "nth", "prob"])
ALMOST = st.fixed_dictionaries(
    {"when": st.dictionaries(CONDITIONS, VALUE), "do": st.sampled_from(sorted(KINDS)) | ANYTHING},
    optional=dict.fromkeys(("ms", "code", "status", "for_s", "executed", "symbol", "price"), VALUE),
)


def understood(tree: object) -> tuple[Entry, ...] | str:
    try:
        return parse_script(tree)
    except InvalidArgument as refused:
        return str(refused)


@given(st.lists(ALMOST | ANYTHING, max_size=3) | ANYTHING)
def test_whatever_is_given_it_is_a_script_or_one_sentence(tree: object) -> None:
    answer = understood(tree)
    if isinstance(answer, str):
        assert answer.startswith("fault script: ")
        assert "\n" not in answer
    else:
        assert all(entry.do.kind in KINDS for entry in answer)
