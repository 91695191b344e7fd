"""The door to pydantic-ai: is it there, and is it set as we need it."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec

from chanflow.domain.errors import MissingExtra

_NEEDED = ("pydantic_ai", "openai", "anthropic")


def require_library() -> None:
    """Return if models can be asked. Raises MissingExtra with the command that installs what is missing."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise MissingExtra(f"asking a model needs {name}: pip install 'chanflow[llm]'")


def load_library() -> None:
    """Load all that asking needs; this takes seconds the first time, so it belongs in a thread."""
    for name in ("models", "run", "asked"):
        import_module(f"chanflow.adapters.llm.{name}")


def set_library() -> None:
    """Silence pydantic-ai's banner, and make its warnings about costs and missing usage errors.

    The library goes on where it cannot price a model; a warning that is an error stops it. Models that take no
    temperature are asked without one, and not complained about.
    """
    import pydantic_ai
    from pydantic_ai import CostNotFoundWarning, UsageLimitUnavailableWarning

    pydantic_ai.BANNER_ENABLED = False
    for category in (CostNotFoundWarning, UsageLimitUnavailableWarning):
        warnings.filterwarnings("error", category=category)
    warnings.filterwarnings("ignore", message="Sampling parameters ", category=UserWarning)
