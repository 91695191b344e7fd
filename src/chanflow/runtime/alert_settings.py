"""The settings of alerts: channels by name, what a channel does unless it says otherwise, and the sign of life.

Addresses hold passwords and tokens. They are kept as secrets, appear nowhere (a dump says only `set`), and no sentence
about a wrong setting repeats what was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    model_validator,
)

from chanflow.adapters.notify.address import shown_address
from chanflow.domain.alert import Severity
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_policy import ChannelRule, QuietHours
from chanflow.runtime.setting_fields import Section, Whole

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _address(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    if not text or any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("url is empty or holds a space: an address like mailtos://user:password@host is needed")
    if "://" not in text:
        raise ValueError("url has no scheme: an address like mailtos://user:password@host is needed")
    return SecretStr(text)


def _ping_address(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    if text and re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) is None:
        raise ValueError("is no address like https://host/path")
    return SecretStr(text)


def _text(value: object) -> object:
    if not isinstance(value, str | SecretStr):
        raise ValueError("is no text")
    return value


def quiet_hours(text: str) -> QuietHours | None:
    """Return the stretch that `22:00-06:30` names, UTC; None for an empty text. Raises ValueError."""
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"quiet_hours is {text!r}, a stretch of UTC like 22:00-06:30 is needed")
    start, end = ((int(found[h]) * 3_600 + int(found[m]) * 60) * NS_PER_S for h, m in ((1, 2), (3, 4)))
    if start == end:
        raise ValueError(f"quiet_hours is {text!r}: a stretch ends at another time than it begins")
    return QuietHours(start, end)


def _hours(text: str) -> str:
    quiet_hours(text)
    return text


def _shown(url: SecretStr) -> str:
    return "set" if url.get_secret_value() else ""


Secret = PlainSerializer(_shown, return_type=str)
Hours = Annotated[str, AfterValidator(_hours)]
DigestS = Annotated[Whole, Field(ge=0, le=86_400)]
DedupeS = Annotated[Whole, Field(ge=0, le=7 * 86_400)]
PerMinute = Annotated[Whole, Field(ge=1, le=600)]
AfterS = Annotated[Whole, Field(ge=1, le=86_400)]


class ChannelDefaults(Section):
    """What a channel does unless it says otherwise."""

    min_severity: Severity
    quiet_hours: Hours
    digest_s: DigestS
    dedupe_s: DedupeS
    per_minute: PerMinute
    escalate_after_s: AfterS


class ChannelSettings(Section):
    """One channel; what it leaves out is as in `alerts.defaults`."""

    url: Annotated[SecretStr, BeforeValidator(_text), AfterValidator(_address), Secret]
    min_severity: Severity | None = None
    quiet_hours: Hours | None = None
    digest_s: DigestS | None = None
    dedupe_s: DedupeS | None = None
    per_minute: PerMinute | None = None
    escalate_to: str | None = None
    escalate_after_s: AfterS | None = None

    def __str__(self) -> str:
        said = [f"{k}={v}" for k, v in self.model_dump(exclude={"url"}, exclude_none=True).items()]
        return " ".join([shown_address(self.url.get_secret_value()), *said])


def _channels(value: object) -> object:
    """Return the channels by name. Raises ValueError in words of ours: pydantic's would repeat the address."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except ValueError:
            raise ValueError('is no JSON, write it like {"ops": {"url": "…"}}') from None
    if not isinstance(value, Mapping):
        raise ValueError("is no mapping of names to channels")
    return {_name(name): _channel(_name(name), each) for name, each in value.items()}


def _name(name: object) -> str:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError("has a name that is none: a to z, 0 to 9, _ and -, up to 32, a letter first")
    return name


def _channel(name: str, value: object) -> ChannelSettings:
    if isinstance(value, ChannelSettings):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"has no settings at {name}: write at least its url")
    try:
        return ChannelSettings.model_validate(dict(value))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        if place not in ChannelSettings.model_fields:
            known = ", ".join(ChannelSettings.model_fields)
            raise ValueError(f"has an unknown key at {name}: known are {known}") from None
        words = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"].lower()
        raise ValueError(f"is wrong at {name}.{place}: {words}") from None


class HeartbeatSettings(Section):
    """An address of a dead-man service, asked for while the desk runs; none if empty."""

    url: Annotated[SecretStr, BeforeValidator(_text), AfterValidator(_ping_address), Secret]
    interval_s: Annotated[Whole, Field(ge=5, le=86_400)]


class AlertsSettings(Section):
    """Who is told what."""

    channels: Annotated[dict[str, ChannelSettings], BeforeValidator(_channels)]
    defaults: ChannelDefaults
    attempt_s: Annotated[Whole, Field(ge=1, le=5)]
    keep: Annotated[Whole, Field(ge=10, le=100_000)]
    refusals: Annotated[Whole, Field(ge=2, le=10_000)]
    refusals_s: Annotated[Whole, Field(ge=1, le=86_400)]
    heartbeat: HeartbeatSettings

    @model_validator(mode="after")
    def _escalations_end(self) -> Self:
        for name, each in self.channels.items():
            target = each.escalate_to
            if target is not None and (target == name or target not in self.channels):
                others = ", ".join(sorted(set(self.channels) - {name})) or "none"
                raise ValueError(f"channels.{name}.escalate_to names no other channel, others are {others}")
        return self


def channel_rules(settings: AlertsSettings) -> tuple[ChannelRule, ...]:
    """Return what each channel asks of alerts, in the order of their names."""
    return tuple(_rule(name, each, settings) for name, each in sorted(settings.channels.items()))


def _rule(name: str, each: ChannelSettings, settings: AlertsSettings) -> ChannelRule:
    said: dict[str, Any] = settings.defaults.model_dump() | each.model_dump(exclude={"url"}, exclude_none=True)
    return ChannelRule(
        name=name,
        min_severity=said["min_severity"],
        quiet=quiet_hours(said["quiet_hours"]),
        digest_ns=said["digest_s"] * NS_PER_S,
        dedupe_ns=said["dedupe_s"] * NS_PER_S,
        per_minute=said["per_minute"],
        escalate_to=each.escalate_to,
        escalate_after_ns=said["escalate_after_s"] * NS_PER_S,
        keep=settings.keep,
    )
