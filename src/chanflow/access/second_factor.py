"""The second factor: codes of an authenticator (TOTP, RFC 6238: SHA-1, six digits, 30 s), and recovery codes.

A code counts once: the step it is of must be later than that of the last one that was taken.
"""

from __future__ import annotations

import base64
import hmac
import re
from random import Random

from chanflow.access.keys import secret_hmac
from chanflow.domain.time import NS_PER_S

SECRET_BYTES, CODES, CODE_BYTES = 20, 10, 10
_STEP_S, _DRIFT = 30, 1
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}")
ISSUER = "chanflow"


def new_secret(chance: Random) -> str:
    """Return a new secret, base32."""
    return base64.b32encode(chance.randbytes(SECRET_BYTES)).decode()


def provisioning_uri(secret: str, name: str) -> str:
    """Return the `otpauth://` address that an authenticator reads, as from a QR code."""
    from pyotp import TOTP  # noqa: PLC0415

    return TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(secret: str, code: str, now_ns: int) -> int | None:
    """Return the 30 s step that a code is of, the present or one beside it; None for a wrong code."""
    from pyotp import TOTP  # noqa: PLC0415

    if _CODE.fullmatch(code) is None:
        return None
    totp, present = TOTP(secret), now_ns // (_STEP_S * NS_PER_S)
    found: int | None = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):  # all are compared, so that the time tells nothing
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def new_recovery_codes(chance: Random) -> tuple[str, ...]:
    """Return new recovery codes: 80 random bits each, four groups of four letters."""
    texts = (base64.b32encode(chance.randbytes(CODE_BYTES)).decode().lower() for _ in range(CODES))
    return tuple("-".join(text[i : i + 4] for i in range(0, 16, 4)) for text in texts)


def recovery_hmac(pepper: bytes, user_id: str, code: str) -> str | None:
    """Return what is kept of a recovery code; None for a text that is none."""
    text = code.strip().lower()
    return secret_hmac(pepper, f"recovery {user_id} {text}") if _RECOVERY.fullmatch(text) else None
