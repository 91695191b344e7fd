"""The settings of access: whether callers must say who they are, who may sign up, and how mail is sent."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr

from chanflow.runtime.alert_settings import Secret
from chanflow.runtime.door_settings import Issuers
from chanflow.runtime.setting_fields import Section

_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|https?://\[[0-9a-fA-F:]{2,39}\](?::[0-9]{1,5})?")


def _text(value: object) -> object:
    if not isinstance(value, str | SecretStr):
        raise ValueError("is no text")
    return value


def _mail_server(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    if text and (re.match(r"mailtos?://\S", text) is None or any(not "!" <= char <= "~" for char in text)):
        raise ValueError("is no address like mailtos://user:password@host?from=desk@example.org")
    return SecretStr(text)


def _page(url: str) -> str:
    text = url.rstrip("/")
    if _URL.fullmatch(text) is None:
        raise ValueError("is no address like https://desk.example.org")
    return text


class AccessSettings(Section):
    """Whether callers must say who they are, whose tokens are taken, who may sign up, and how mail is sent."""

    required: bool
    issuers: Issuers = ()
    signup: Literal["closed", "invite", "open"]
    public_url: Annotated[str, AfterValidator(_page)]
    mail_url: Annotated[SecretStr, BeforeValidator(_text), AfterValidator(_mail_server), Secret]
