"""Prices of models in a file: ours, and one of the user's whose entries go before ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from chanflow.analyst.prices import Price, PriceList
from chanflow.domain.errors import SettingsInvalid

_KEYS = {"as_of", "source", "usd_per_million_tokens"}
_MAX_USD = Decimal(10_000)
_SHAPE = 'like deepseek/deepseek-chat: {input: "0.27", output: "1.10"}'


def load_prices(file: Path | None, *, kinds: Mapping[str, str], free: Iterable[str] = ()) -> PriceList:
    """Return our prices with those of `file` before them; `kinds` has the kind of each provider in use.

    Raises SettingsInvalid, one sentence, for a file that cannot be read or a price that is none.
    """
    ours = resources.files("chanflow.runtime").joinpath("prices.yaml").read_text(encoding="utf-8")
    as_of, source, prices = _read(ours, "prices.yaml")
    if file is not None:
        as_of, source, own = _read(_text(file), str(file))
        prices |= own
    return PriceList(as_of, source, prices, dict(kinds), frozenset(free))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as fault:
        raise SettingsInvalid(f"prices {file} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    except UnicodeDecodeError as fault:
        raise SettingsInvalid(f"prices {file} is no UTF-8 text: save it as UTF-8") from fault


def _read(text: str, name: str) -> tuple[str, str, dict[str, Price]]:
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise SettingsInvalid(f"prices {name} is no YAML: {str(fault).splitlines()[0]}") from fault
    if not isinstance(tree, dict) or set(tree) != _KEYS or not isinstance(tree["usd_per_million_tokens"], dict):
        raise SettingsInvalid(f"prices {name} must hold {', '.join(sorted(_KEYS))}, and prices {_SHAPE}")
    as_of, source = str(tree["as_of"]), str(tree["source"])
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", as_of) is None:
        raise SettingsInvalid(f"prices {name}: as_of is {as_of[:40]!r}, the day they were true is needed: 2026-11-21")
    return as_of, source, {_model(m, name): _price(p, m, name) for m, p in tree["usd_per_million_tokens"].items()}


def _model(model: object, name: str) -> str:
    if not isinstance(model, str) or re.fullmatch(r"[^\s/]+/\S+", model) is None or len(model) > 200:
        raise SettingsInvalid(f"prices {name}: {str(model)[:80]!r} names no provider/model, write {_SHAPE}")
    return model


def _price(price: Any, model: str, name: str) -> Price:
    if not isinstance(price, dict) or set(price) != {"input", "output"}:
        raise SettingsInvalid(f"prices {name}: {model} has no input and output, write {_SHAPE}")
    return Price(*(_usd(price[key], f"prices {name}: {model} {key}") for key in ("input", "output")))


def _usd(value: object, what: str) -> Decimal:
    if not isinstance(value, str):
        raise SettingsInvalid(f'{what} is {value!r}, and money is exact: write it as text, like "0.27"')
    try:
        usd = Decimal(value)
    except InvalidOperation:
        raise SettingsInvalid(f'{what} is {value[:40]!r}, a number like "0.27" is needed') from None
    if not usd.is_finite() or not 0 < usd <= _MAX_USD:
        raise SettingsInvalid(f"{what} is {value}, allowed is above 0 to {_MAX_USD}; a free provider says free: true")
    return usd
