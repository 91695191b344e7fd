"""Who signed an action: the phantom agent of trading actions, and the typed data of what a master signs itself.

The hash is over the action as it was sent, key by key, and over nonce, vault and expiry. Signatures are those for the
test net: nothing that is good here is good on the main net.

Source: hyperliquid-python-sdk (MIT), `utils/signing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator.hyperliquid.refusals import Refusal

_NOBODY: Final = "0x0000000000000000000000000000000000000000"
_DOMAIN_TYPES: Final = [
    {"name": "name", "type": "string"}, {"name": "version", "type": "string"}, {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]  # fmt: skip
_AGENT_TYPES: Final = [{"name": "source", "type": "string"}, {"name": "connectionId", "type": "bytes32"}]
_APPROVE_AGENT: Final = [
    {"name": "hyperliquidChain", "type": "string"}, {"name": "agentAddress", "type": "address"},
    {"name": "agentName", "type": "string"}, {"name": "nonce", "type": "uint64"},
]  # fmt: skip


def action_signer(body: Mapping[str, Any]) -> str:
    """Return the address that signed a trading action. Raises Refusal where none can be had of the signature."""
    import msgpack  # type: ignore[import-untyped]
    from eth_utils.crypto import keccak

    vault, expires = body.get("vaultAddress"), body.get("expiresAfter")
    try:
        packed = msgpack.packb(body["action"]) + int(body["nonce"]).to_bytes(8, "big")
        packed += b"\x00" if vault is None else b"\x01" + bytes.fromhex(str(vault).removeprefix("0x"))
        if expires is not None:
            packed += b"\x00" + int(expires).to_bytes(8, "big")
    except (ValueError, TypeError, OverflowError, KeyError) as cause:
        raise Refusal("Unable to recover signer.") from cause
    domain = {"name": "Exchange", "version": "1", "chainId": 1337, "verifyingContract": _NOBODY}
    message = {"source": "b", "connectionId": keccak(packed)}
    return _recover(domain, "Agent", _AGENT_TYPES, message, body.get("signature"))


def agent_approver(body: Mapping[str, Any]) -> str:
    """Return the address that signed an `approveAgent`. Raises Refusal where none can be had of the signature."""
    action = body["action"]
    try:
        chain = int(str(action["signatureChainId"]), 16)
        message = {
            "hyperliquidChain": action["hyperliquidChain"], "agentAddress": action["agentAddress"],
            "agentName": action.get("agentName") or "", "nonce": action["nonce"],
        }  # fmt: skip
    except (KeyError, ValueError) as cause:
        raise Refusal("Unable to recover signer.") from cause
    domain = {
        "name": "HyperliquidSignTransaction", "version": "1", "chainId": chain, "verifyingContract": _NOBODY,
    }  # fmt: skip
    return _recover(domain, "HyperliquidTransaction:ApproveAgent", _APPROVE_AGENT, message, body.get("signature"))


def _recover(
    domain: Mapping[str, Any], primary: str, types: list[dict[str, str]], message: Mapping[str, Any], signature: Any
) -> str:
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    whole = {
        "domain": domain, "types": {primary: types, "EIP712Domain": _DOMAIN_TYPES}, "primaryType": primary,
        "message": message,
    }  # fmt: skip
    try:
        r, s, v = int(signature["r"], 16), int(signature["s"], 16), int(signature["v"])
        # What is wrong with a signature has no common type in the libraries below.
        return str(Account.recover_message(encode_typed_data(full_message=whole), vrs=(v, r, s))).lower()
    except Exception as cause:
        raise Refusal("Unable to recover signer.") from cause
