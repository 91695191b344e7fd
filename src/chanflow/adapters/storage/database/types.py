"""Column types that mean the same in SQLite and in PostgreSQL. No amount is ever a binary float.

`Amount` keeps any exact decimal, and is for what is read whole. `Usd` keeps dollars as a whole number of 1e-12, so
that the database itself can add them up. Times are `Nanoseconds`: Unix ns, UTC. Documents are `Json`.
"""

from __future__ import annotations

from decimal import ROUND_UP, Context, Decimal, Inexact
from typing import Any

from sqlalchemy import JSON, BigInteger, Numeric, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from chanflow.domain.canonical import decimal_text

Nanoseconds = BigInteger
Json = JSON

AMOUNT_DIGITS, AMOUNT_DECIMALS = 38, 18
_USD_DECIMALS = 12
_MAX_USD = Decimal(1_000_000)
_EXACT = Context(prec=60, traps=[Inexact])


class Amount(TypeDecorator[Decimal]):
    """An exact decimal of at most 20 digits before the point and 18 behind it: NUMERIC, and canonical text in SQLite.

    Raises ValueError for NaN, infinities, and what does not fit; it is never rounded.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what stands for it in one kind of database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(AMOUNT_DIGITS + 2))
        return dialect.type_descriptor(Numeric(AMOUNT_DIGITS, AMOUNT_DECIMALS))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return what is stored."""
        if value is None:
            return None
        text = decimal_text(value)
        whole, _, part = text.lstrip("-").partition(".")
        if len(whole) > AMOUNT_DIGITS - AMOUNT_DECIMALS or len(part) > AMOUNT_DECIMALS:
            raise ValueError(f"{text} has {len(whole)} digits and {len(part)} decimals, at most 20 and 18 can be kept")
        return text if dialect.name == "sqlite" else Decimal(text)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the canonical decimal."""
        return None if value is None else Decimal(decimal_text(Decimal(value)))


class Usd(TypeDecorator[Decimal]):
    """Dollars as a whole number of 1e-12, at most a million; finer ones are rounded away from zero.

    A sum of such columns has the same type. Raises ValueError for NaN, infinities, and more than a million.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return what is stored."""
        if value is None:
            return None
        if not value.is_finite() or abs(value) > _MAX_USD:
            raise ValueError(f"{value} is no amount of dollars that can be kept: it is at most {_MAX_USD}")
        return int(value.scaleb(_USD_DECIMALS).to_integral_value(ROUND_UP))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the dollars."""
        return None if value is None else Decimal(int(value)).scaleb(-_USD_DECIMALS, _EXACT)
