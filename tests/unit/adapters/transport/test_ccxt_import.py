from __future__ import annotations

import subprocess
import sys

import pytest

ALONE = """
import sys
from chanflow.adapters.transport.ccxt_import import exchange_class
binance, okx = exchange_class("binanceusdm"), exchange_class("okx")
loaded = {name.rpartition(".")[2] for name in sys.modules if name.startswith("ccxt.async_support.")}
assert {"binanceusdm", "okx"} <= loaded and not {"kraken", "bybit"} & loaded, loaded
assert "ccxt" not in sys.modules and "ccxt.async_support" not in sys.modules
signed = binance({"apiKey": "k", "secret": "s"}).sign("order", ["fapiPrivate"], "POST", {"newClientOrderId": "a"})
assert "signature=" in signed["body"], signed
"""

AFTERWARDS = """
from chanflow.adapters.transport.ccxt_import import exchange_class
alone = exchange_class("okx")
import ccxt, ccxt.async_support
assert ccxt.async_support.okx is alone and ccxt.kraken and ccxt.__version__
assert issubclass(ccxt.OrderNotFound, ccxt.BaseError)
assert exchange_class("okx") is alone
"""


@pytest.mark.slow
@pytest.mark.parametrize("script", [ALONE, AFTERWARDS], ids=["alone", "afterwards"])
def test_one_exchange_is_loaded_and_ccxt_stays_whole(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=290)
    assert done.returncode == 0, done.stderr
