"""Whether what models answer to the analyst is kept on a tape, and which."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from chanflow.adapters.llm.cassette import TapeMode
from chanflow.runtime.setting_fields import Section


def _word(mode: object) -> object:
    """Return the mode as a word: YAML reads a bare off as false."""
    return "off" if mode is False else mode


class CassetteSettings(Section):
    """The tape of a desk's analyst; it changes no decision of a run that it repeats, so no journal names it."""

    mode: Annotated[TapeMode, BeforeValidator(_word)]
    path: Annotated[str, Field(pattern=r"^(.+\.jsonl\.zst)?$")]
