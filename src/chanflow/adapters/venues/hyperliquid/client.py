"""The venue's two endpoints through hyperliquid-python-sdk, whose calls block: each kind has one thread of its own.

The SDK signs for the main net where its base URL is the main net's own, and for the test net anywhere else: what is
signed for an address on this machine is therefore never good for a real order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chanflow.adapters.venues.hyperliquid.budget import Budget, question_weight
from chanflow.adapters.venues.hyperliquid.nonces import Nonces
from chanflow.adapters.venues.hyperliquid.replies import Verdict, http_outcome, verdicts
from chanflow.adapters.venues.hyperliquid.wire import Action, weight_of
from chanflow.domain.errors import MissingExtra, SettingsInvalid, VenueBusy
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.execution import ports
from chanflow.execution.ports import Unknown, VenueRefused

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

MAIN_URL: Final = "https://api.hyperliquid.xyz"
TEST_URL: Final = "https://api.hyperliquid-testnet.xyz"
EXPIRES_AFTER_MS: Final = 5_000
TIMEOUT_S: Final = 10.0
PAUSE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Keys:
    """Whose account it is, and the agent wallet that signs for it. The agent cannot withdraw."""

    master_address: str
    agent_key: str

    def __repr__(self) -> str:
        """Return it without the key."""
        return f"Keys(master_address={self.master_address!r})"


class Client:
    """Asks and commands one account. `url` is the main net's, the test net's, or one on this machine."""

    def __init__(self, url: str, keys: Keys, nonces: Nonces, clock: Clock) -> None:
        """Raises MissingExtra without the SDK, SettingsInvalid for a URL or key that is none."""
        self.url = checked_url(url)
        self.master = keys.master_address.lower()
        self.offset_ms = 0
        """Venue's clock less ours, as last read."""
        self.budget = Budget(clock)
        self._clock = clock
        self._nonces = nonces
        self._wallet = wallet_of(keys.agent_key)
        self._sender, self._asker = ThreadPoolExecutor(1, "hyperliquid-send"), ThreadPoolExecutor(1, "hyperliquid-ask")
        self._send_api, self._ask_api = _api(self.url), _api(self.url)

    @property
    def agent(self) -> str:
        """The address of the agent wallet."""
        return str(self._wallet.address).lower()

    @property
    def socket_url(self) -> str:
        """Where the streams are: the SDK's rule."""
        return "ws" + self.url.removeprefix("http") + "/ws"

    async def ask(self, kind: str, **fields: Any) -> Any:
        """Return the answer of `/info`. Raises VenueBusy where there is none that can be read."""
        refused = self.budget.spend(question_weight(kind))
        if refused is not None:
            raise VenueBusy(f"{kind} is not asked: {refused}")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._asker, self._ask, {"type": kind, **fields})

    def _ask(self, body: Mapping[str, Any]) -> Any:
        import requests
        from hyperliquid.utils.error import ClientError, ServerError  # type: ignore[import-untyped]

        kind = body["type"]
        try:
            answer = self._ask_api.post("/info", body)
        except ClientError as fault:
            if fault.status_code in (403, 429):
                self.budget.pause(PAUSE_S)
            raise VenueBusy(f"{kind}: HTTP {fault.status_code} {str(fault.error_message)[:200]}") from fault
        except ServerError as fault:
            raise VenueBusy(f"{kind}: HTTP {fault.status_code} {str(fault.message)[:200]}") from fault
        except (requests.RequestException, KeyError, AttributeError, TypeError) as fault:
            raise VenueBusy(f"{kind}: {type(fault).__name__}") from fault
        if isinstance(answer, Mapping) and "error" in answer:
            raise VenueBusy(f"{kind}: {str(answer['error'])[:200]}")
        return answer

    async def command(self, action: Action, count: int = 1, *, urgent: bool = False) -> list[Verdict]:
        """Sign and send an action; returns a verdict for each of its `count` commands. Nothing is ever sent twice."""
        refused = self.budget.spend(weight_of(action), urgent=urgent)
        if refused is not None:
            return [Verdict(VenueRefused(-429, f"not sent: {refused}", ports.Action.PAUSE))] * count
        loop = asyncio.get_running_loop()
        told = await loop.run_in_executor(self._sender, self._send, action, count)
        if any(isinstance(v.outcome, VenueRefused) and v.outcome.action is ports.Action.PAUSE for v in told):
            self.budget.pause(PAUSE_S)
        return told

    def _send(self, action: Action, count: int) -> list[Verdict]:
        import requests
        from hyperliquid.utils.error import ClientError, ServerError

        payload = self.signed(action)
        try:
            return verdicts(self._send_api.post("/exchange", payload), count)
        except ClientError as fault:
            return [Verdict(http_outcome(fault.status_code, str(fault.error_message)))] * count
        except ServerError as fault:
            return [Verdict(http_outcome(fault.status_code, str(fault.message)))] * count
        except (requests.RequestException, KeyError, AttributeError, TypeError) as fault:
            return [Verdict(Unknown(f"no answer that can be read: {type(fault).__name__}"))] * count

    def signed(self, action: Action) -> dict[str, Any]:
        """Return the body of `/exchange`: the action, its nonce, when it expires, and the agent's signature."""
        from hyperliquid.utils.constants import MAINNET_API_URL  # type: ignore[import-untyped]
        from hyperliquid.utils.signing import sign_l1_action  # type: ignore[import-untyped]

        nonce = self._nonces.next()
        expires_ms = self._clock.now_ns() // NS_PER_MS + self.offset_ms + EXPIRES_AFTER_MS
        signature = sign_l1_action(self._wallet, action, None, nonce, expires_ms, self.url == MAINNET_API_URL)
        return {
            "action": action, "nonce": nonce, "signature": signature, "vaultAddress": None, "expiresAfter": expires_ms,
        }  # fmt: skip

    def close(self) -> None:
        """Give back threads, connections and the agent's file; a command under way is waited for."""
        self._sender.shutdown(wait=True)
        self._asker.shutdown(wait=True)
        self._nonces.close()
        self._send_api.session.close()
        self._ask_api.session.close()


def checked_url(url: str) -> str:
    """Return the base URL without a slash at its end. Raises SettingsInvalid unless the venue's or this machine's."""
    base = url.rstrip("/")
    parts = urlsplit(base)
    local = parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if base not in (MAIN_URL, TEST_URL) and not local:
        raise SettingsInvalid(f"hyperliquid is at {MAIN_URL} or {TEST_URL} or on this machine, not at {url!r}")
    return base


def wallet_of(agent_key: str) -> LocalAccount:
    """Return the wallet of a private key. Raises MissingExtra without the SDK, SettingsInvalid for no such key."""
    try:
        import eth_account
        import hyperliquid  # type: ignore[import-untyped]  # noqa: F401  (what is missing is said at once)
    except ImportError as cause:
        raise MissingExtra("hyperliquid needs its SDK: pip install 'chanflow[venues]'") from cause
    try:
        wallet: LocalAccount = eth_account.Account.from_key(agent_key)
    except (ValueError, TypeError):
        # What the library says may hold the key.
        raise SettingsInvalid("the agent's key is no private key: 0x and 64 hexadecimal digits") from None
    return wallet


def _api(url: str) -> Any:
    from hyperliquid.api import API  # type: ignore[import-untyped]

    api = API(url, TIMEOUT_S)
    # A proxy of the environment is for the way out, not for this machine.
    api.session.trust_env = url in (MAIN_URL, TEST_URL)
    return api
