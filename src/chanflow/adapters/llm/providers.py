"""Where models live: the providers, and how a model is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from chanflow.domain.errors import InvalidArgument

Kind = Literal["deepseek", "openai_compatible", "openai", "anthropic", "ollama"]
OutputMode = Literal["tool", "native", "prompted"]

KINDS: tuple[Kind, ...] = get_args(Kind)
OUTPUT_MODES: tuple[OutputMode, ...] = get_args(OutputMode)
RULES = "rules"
"""A name in a fallback chain that is no model: whoever asked goes on without one."""

_HOMES: dict[Kind, str] = {
    "deepseek": "https://api.deepseek.com",
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434/v1",
}
_KEYLESS: tuple[Kind, ...] = ("openai_compatible", "ollama")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Provider:
    """One place that serves models, under the `name` that stands before the slash in `name/model`.

    `free` means that no price list is asked. `output_mode` says how an answer is demanded: as a call of a tool, by the
    server's own JSON schema, or by words alone for weak models. `connect_s` bounds a connection, `stall_s` the time
    without a byte. Raises InvalidArgument for what cannot be. The key is in no `repr`.
    """

    name: str
    kind: Kind
    api_key: str = field(default="", repr=False)
    base_url: str = ""
    free: bool = False
    output_mode: OutputMode = "tool"
    connect_s: float = 5.0
    stall_s: float = 20.0

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("-", "").replace("_", "").isalnum():
            raise InvalidArgument(f"provider {self.name!r}: a name has letters, digits, - and _", field="name")
        if self.kind not in KINDS:
            raise InvalidArgument(f"provider {self.name}: kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.output_mode not in OUTPUT_MODES:
            raise InvalidArgument(
                f"provider {self.name}: output_mode {self.output_mode!r} is none of {', '.join(OUTPUT_MODES)}"
            )
        if not self.api_key and self.kind not in _KEYLESS:
            raise InvalidArgument(f"provider {self.name}: kind {self.kind} needs an api_key")
        if any(ord(letter) < 33 or ord(letter) > 126 for letter in self.api_key):
            raise InvalidArgument(f"provider {self.name}: the api_key has letters that no header can carry")
        for name, value in (("connect_s", self.connect_s), ("stall_s", self.stall_s)):
            if not 0.01 <= value <= 600:
                raise InvalidArgument(f"provider {self.name}: {name} is {value:g} s, allowed is 0.01 to 600 s")
        self._check_address()

    @property
    def address(self) -> str:
        """The base URL, or the kind's own where none was given."""
        return self.base_url or _HOMES.get(self.kind, "")

    def _check_address(self) -> None:
        try:
            parts = urlsplit(self.address)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host or parts.scheme not in {"http", "https"} or parts.username or parts.query or parts.fragment:
            raise InvalidArgument(
                f"provider {self.name}: base_url must be http(s)://host[:port]/path without user, query or fragment"
            )
        if parts.scheme == "http" and self.api_key and host not in _LOOPBACK:
            raise InvalidArgument(f"provider {self.name}: a key is sent to this machine or over https only")


def split_model(name: str) -> tuple[str, str]:
    """Return the provider's and the model's name of `provider/model`. Raises InvalidArgument for any other text."""
    provider, slash, model = name.partition("/")
    if not slash or not provider or not model or not model.isprintable() or len(name) > 200:
        raise InvalidArgument(f"model {name[:80]!r} is not provider/name", field="model")
    return provider, model
