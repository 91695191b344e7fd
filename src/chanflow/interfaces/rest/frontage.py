"""How others reach the desk: under which names, over TLS or through whose proxy, and as which protected resource."""

from __future__ import annotations

import ipaddress
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chanflow.domain.errors import SettingsInvalid
from chanflow.interfaces.rest.oauth import ProtectedResource
from chanflow.runtime.settings import Settings

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Frontage:
    """What stands between the desk and its callers. `host` is the address it binds to, without brackets."""

    host: str = "127.0.0.1"
    allowed_hosts: frozenset[str] = LOOPBACK_NAMES
    trusted_proxies: tuple[Network, ...] = ()
    tls: tuple[str, str] | None = None
    resource: ProtectedResource | None = None

    def url(self, port: int) -> str:
        """Return where its own port answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"

    @property
    def local(self) -> bool:
        """Whether commands of this machine reach its own port in plain HTTP."""
        return self.tls is None and is_loopback(self.host)

    def trusts(self, address: str) -> bool:
        """Return whether an address is of a proxy that is believed."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.trusted_proxies)


LOOPBACK = Frontage()
"""A desk for its own machine."""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's loopback, by address or as localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def loopback_host(host: str) -> str:
    """Return `host` without brackets if it is this machine's loopback. Raises SettingsInvalid otherwise."""
    host = host.strip("[]")
    if not is_loopback(host):
        raise SettingsInvalid("this door has neither TLS nor keys, so it listens on loopback alone: use 127.0.0.1")
    return host


def frontage_of(settings: Settings, host: str | None = None) -> Frontage:
    """Return how the desk of these settings is reached, `host` standing in for the one they name.

    Raises SettingsInvalid where strangers could reach a desk that asks them for nothing, or reads what they send in
    plain text: beyond loopback it takes keys, names, and either TLS or a proxy that is trusted.
    """
    http, required = settings.http, settings.access.required
    host = (http.host if host is None else host).strip("[]")
    proxies = tuple(ipaddress.ip_network(text) for text in http.trusted_proxies)
    if not is_loopback(host) and not (http.tls_cert or proxies):
        raise SettingsInvalid(
            f"http.host is {host}, beyond loopback: set http.tls_cert and http.tls_key, or http.trusted_proxies"
        )
    if (proxies or not is_loopback(host)) and not required:
        what = f"http.host is {host}" if not is_loopback(host) else "http.trusted_proxies are named"
        raise SettingsInvalid(f"{what}, so strangers reach the desk, and it asks for no key: set access.required=true")
    if not is_loopback(host) and not http.allowed_hosts:
        raise SettingsInvalid(f"http.host is {host}, beyond loopback: name in http.allowed_hosts what it answers to")
    tls = (http.tls_cert, http.tls_key) if http.tls_cert else None
    if tls is not None:
        _require_tls(*tls)
    shown = f"[{host}]" if ":" in host else host
    names = LOOPBACK_NAMES | frozenset(http.allowed_hosts) | ({shown} if is_loopback(host) else set())
    issuers = tuple(each.issuer for each in settings.access.issuers)
    resource = ProtectedResource(http.public_url, issuers) if http.public_url else None
    return Frontage(host, names | _named(http.public_url), proxies, tls, resource)


def _named(url: str) -> frozenset[str]:
    """Return the host of the public URL, as `Host` has it."""
    host = urlsplit(url).hostname
    return frozenset() if not host else frozenset({f"[{host}]" if ":" in host else host})


def _require_tls(cert: str, key: str) -> None:
    """Raise SettingsInvalid unless the files are a certificate and its key, and nobody else reads the key."""
    try:
        mode = stat.S_IMODE(Path(key).stat().st_mode)
        if mode & 0o007:
            raise SettingsInvalid(f"http.tls_key {key} has mode {mode:04o}, everyone can read it: chmod 640 or less")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except ssl.SSLError:
        raise SettingsInvalid(f"http.tls_cert {cert} and http.tls_key are no certificate and its key, in PEM") from None
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise SettingsInvalid(f"http.tls_cert {cert} or http.tls_key {key} cannot be read: {why}") from fault
