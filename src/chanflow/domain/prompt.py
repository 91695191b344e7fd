"""Prompts as files: `prompts/<name>-<language>/<version>.md` in the folder of the room that uses them.

A file begins with a front matter between two lines `---`: `version`, `language`, `inputs` (names by comma, or none),
`output` (what the answer is called) and `changelog`, each on one line. In the text behind it, `{{name}}` stands for an
input. No prompt text lives in code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, get_args

from chanflow.domain.errors import NotFound, SettingsInvalid

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_FIELDS = ("version", "language", "inputs", "output", "changelog")
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of one language and version. `text` has its inputs unfilled; `hash` is the SHA-256 of that text."""

    name: str
    version: int
    language: str
    inputs: tuple[str, ...]
    output: str
    changelog: str
    text: str
    hash: str


def load_prompt(room: str, name: str, language: str, *, version: int | None = None) -> Prompt:
    """Return a prompt of a room (a package, as chanflow.analyst), the newest version where none is asked.

    Raises NotFound where there is none, SettingsInvalid for a file that is not as it must be.
    """
    folder = files(room) / "prompts" / f"{name}-{language}"
    versions = _versions(folder)
    if not versions:
        raise NotFound(f"{room} has no prompt {name!r} in {language!r}; languages are {', '.join(LANGUAGES)}")
    wanted = versions[-1] if version is None else version
    if wanted not in versions:
        raise NotFound(f"prompt {name}-{language} has no version {wanted}, it has {', '.join(map(str, versions))}")
    prompt = parse_prompt(name, (folder / f"{wanted}.md").read_text(encoding="utf-8"))
    if (prompt.version, prompt.language) != (wanted, language):
        raise SettingsInvalid(
            f"prompt {name}-{language}/{wanted}.md says version {prompt.version}, language {prompt.language}"
        )
    return prompt


def parse_prompt(name: str, text: str) -> Prompt:
    """Return the prompt that a file's text holds. Raises SettingsInvalid, naming what is wrong with it."""
    head, body = _parted(name, text.replace("\r\n", "\n"))
    fields = _front_matter(name, head)
    inputs = tuple(part.strip() for part in fields["inputs"].split(",")) if fields["inputs"] != "none" else ()
    used = tuple(sorted(frozenset(_SLOT.findall(body))))
    if used != tuple(sorted(inputs)):
        raise SettingsInvalid(f"prompt {name} declares the inputs {sorted(inputs)}, its text uses {list(used)}")
    if not fields["version"].isascii() or not fields["version"].isdigit():
        raise SettingsInvalid(f"prompt {name} has the version {fields['version']!r}, it must be a whole number")
    digest = hashlib.sha256(body.encode()).hexdigest()
    return Prompt(
        name, int(fields["version"]), fields["language"], inputs, fields["output"], fields["changelog"], body, digest
    )


def filled(prompt: Prompt, values: Mapping[str, str]) -> str:
    """Return the text with its inputs put in, each once and as it stands. Raises ValueError for other inputs."""
    if sorted(values) != sorted(prompt.inputs):
        raise ValueError(f"prompt {prompt.name} takes {sorted(prompt.inputs)}, given are {sorted(values)}")
    return _SLOT.sub(lambda slot: values[slot[1]], prompt.text)


def _versions(folder: Traversable) -> list[int]:
    if not folder.is_dir():
        return []
    names = sorted(entry.name for entry in folder.iterdir())
    numbers = [name.removesuffix(".md") for name in names if name.endswith(".md")]
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def _parted(name: str, text: str) -> tuple[str, str]:
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise SettingsInvalid(f"prompt {name} must begin with a front matter between two lines of ---")
    return parts[1], parts[2].strip() + "\n"


def _front_matter(name: str, head: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in head.splitlines() if line.strip()]
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    if sorted(fields) != sorted(_FIELDS) or len(pairs) != len(_FIELDS) or not all(fields.values()):
        raise SettingsInvalid(f"the front matter of prompt {name} must have {', '.join(_FIELDS)}, each once")
    return fields
