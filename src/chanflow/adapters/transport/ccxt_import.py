"""One exchange of ccxt without the others.

`import ccxt` loads more than two hundred exchanges, which takes seconds: too long for a desk that restarts with a
position open. Its packages are stood in for while the one module is loaded; afterwards nothing of that is left, and
whoever imports ccxt gets the whole of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from chanflow.domain.errors import MissingExtra

_PACKAGES = ("ccxt", "ccxt.async_support")


def exchange_class(name: str) -> Any:
    """Return the asynchronous class of an exchange. Raises MissingExtra where ccxt is not installed."""
    found = importlib.util.find_spec("ccxt")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("real venues need ccxt: install chanflow[venues]")
    if any(package in sys.modules for package in _PACKAGES):
        return _whole(name)
    try:
        return _alone(name, Path(found.submodule_search_locations[0]))
    except ImportError:
        # Another version may need more of the package than the stand-in has.
        return _whole(name)


def _whole(name: str) -> Any:
    return getattr(importlib.import_module("ccxt.async_support"), name)


def _alone(name: str, folder: Path) -> Any:
    root, inner = (ModuleType(package) for package in _PACKAGES)
    root.__path__, inner.__path__ = [str(folder)], [str(folder / "async_support")]
    sys.modules.update(zip(_PACKAGES, (root, inner), strict=True))
    try:
        # What the modules below take from the package itself.
        errors = importlib.import_module("ccxt.base.errors")
        vars(root).update({word: value for word, value in vars(errors).items() if isinstance(value, type)})
        vars(root)["Exchange"] = importlib.import_module("ccxt.base.exchange").Exchange
        return getattr(importlib.import_module(f"ccxt.async_support.{name}"), name)
    finally:
        for package in _PACKAGES:
            sys.modules.pop(package, None)
