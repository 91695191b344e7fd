"""Settings of the doors: whose tokens they take, where they listen, and whom of those in front they believe."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from chanflow.access.token_issuers import ALGORITHMS, Issuer
from chanflow.adapters.net.outward import outward_url
from chanflow.domain.errors import InvalidArgument
from chanflow.runtime.setting_fields import Section, Texts, Whole

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\]")


class IssuerSettings(Section):
    """One issuer of tokens; `access/token_issuers.py` says what each field means."""

    issuer: Annotated[str, Field(min_length=1, max_length=255)]
    jwks_url: str
    audience: Annotated[str, Field(min_length=1, max_length=255)]
    algorithms: Annotated[Texts, Field(min_length=1)] = ("RS256", "ES256", "Ed25519")
    scope_claim: str = "scope"
    role_claim: str = ""
    plan_claim: str = ""
    map: Annotated[dict[str, str], Field(max_length=100)] = Field(default={})

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in self.algorithms:
            if name not in ALGORITHMS:
                raise ValueError(f"algorithms names {name}, allowed are {', '.join(ALGORITHMS)}: keys are public ones")
        if not self.scope_claim and not self.role_claim:
            raise ValueError("names neither scope_claim nor role_claim: nobody could do anything")
        try:
            outward_url(self.jwks_url, field="jwks_url")
        except InvalidArgument as fault:
            raise ValueError(str(fault)) from None
        return self

    def as_issuer(self) -> Issuer:
        """Return it as access takes it."""
        return Issuer(
            self.issuer, self.jwks_url, self.audience, self.algorithms, self.scope_claim, self.role_claim,
            self.plan_claim, self.map,
        )  # fmt: skip


def _issuers(value: object) -> object:
    """Return the issuers in order; text is JSON. Raises ValueError in words that name the place."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            raise ValueError('is no JSON, write it like [{"issuer": …, "jwks_url": …, "audience": …}]') from None
    if not isinstance(value, list | tuple):
        raise ValueError("is no list of issuers")
    found = tuple(_issuer(number, each) for number, each in enumerate(value))
    if len({each.issuer for each in found}) < len(found):
        raise ValueError("names an issuer twice: keep one")
    return found


def _issuer(number: int, value: object) -> IssuerSettings:
    if isinstance(value, IssuerSettings):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"has no fields at {number}: write issuer, jwks_url and audience")
    try:
        return IssuerSettings.model_validate(dict(value))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        field = "".join(f".{part}" for part in first["loc"][:1])
        words = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"].lower()
        raise ValueError(f"is wrong at {number}{field}: {words}") from None


Issuers = Annotated[tuple[IssuerSettings, ...], BeforeValidator(_issuers), Field(max_length=16)]


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise ValueError(f"names {text}, which is no network: write addresses or CIDR, as 10.0.0.0/24") from None
        if network.prefixlen == 0:
            raise ValueError(f"names {text}, which is everyone: name the proxy alone")
    return texts


def _hosts(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if _HOST.fullmatch(text) is None:
            raise ValueError(f"names {text[:64]}, which is no host name: write it without scheme, port or *")
    return tuple(text.lower() for text in texts)


def _public_url(text: str) -> str:
    """Return a URL as it is: it is compared byte for byte. Raises ValueError."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    local = host in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise ValueError("must begin with https:// (http:// only for this machine)")
    if not host or parts.query or parts.fragment or "@" in parts.netloc or not text.isascii() or text != text.strip():
        raise ValueError("is no plain URL: write it like https://desk.example/mcp")
    return text


class HttpSettings(Section):
    """Where the doors listen, under which names, and whom in front of them they believe."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[Whole, Field(ge=0, le=65_535)]
    public_url: Annotated[str, AfterValidator(_public_url), Field(max_length=2048)]
    allowed_hosts: Annotated[Texts, AfterValidator(_hosts), Field(max_length=100)]
    trusted_proxies: Annotated[Texts, AfterValidator(_networks), Field(max_length=100)]
    tls_cert: str
    tls_key: str

    @model_validator(mode="after")
    def _tls_whole(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            missing = "tls_key" if self.tls_cert else "tls_cert"
            raise ValueError(f"{missing} is empty: TLS needs a certificate and its key")
        return self
