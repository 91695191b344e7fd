"""The mails that the desk writes. A link's token stands behind `#`, so that no server on the way reads it."""

from __future__ import annotations

from typing import NamedTuple


class Letter(NamedTuple):
    """A mail without its address."""

    subject: str
    body: str


def join_letter(public_url: str, token: str) -> Letter:
    """Return the mail that lets somebody finish signing up."""
    link = f"{public_url}/auth/verify#{token}"
    return Letter(
        "Finish signing up",
        f"Open this link within a day to choose a name and a password:\n\n{link}\n\nIf you did not ask for it, ignore "
        f"this mail.\n\n请在一天内打开上述链接完成注册；若非本人操作，请忽略。\n",
    )


def address_letter(public_url: str, token: str) -> Letter:
    """Return the mail that lets a user make an address theirs."""
    link = f"{public_url}/auth/verify#{token}"
    return Letter(
        "Confirm this address",
        f"Open this link within a day to make this address yours:\n\n{link}\n\nIf you did not ask for it, ignore this "
        f"mail.\n\n请在一天内打开上述链接确认该邮箱；若非本人操作，请忽略。\n",
    )


def known_letter(public_url: str) -> Letter:
    """Return the mail to somebody who signed up although they have an account."""
    return Letter(
        "You have an account already",
        f"Somebody asked to sign up with this address, which has an account. To log in, or to set another password:\n\n"
        f"{public_url}/\n\n该邮箱已注册，可直接登录或重置密码。\n",
    )


def reset_letter(public_url: str, token: str) -> Letter:
    """Return the mail that lets somebody set another password."""
    link = f"{public_url}/auth/reset#{token}"
    return Letter(
        "Set another password",
        f"Open this link within an hour to set another password:\n\n{link}\n\nIf you did not ask for it, ignore this "
        f"mail: your password stays as it is.\n\n请在一小时内打开上述链接重置密码；若非本人操作，请忽略。\n",
    )


def welcome_letter(public_url: str, token: str) -> Letter:
    """Return the mail to a user that an administrator added."""
    link = f"{public_url}/auth/reset#{token}"
    return Letter(
        "An account for you",
        f"An account was made for you. Open this link within seven days to set its password:\n\n{link}\n\n"
        f"已为您创建账户，请在七天内打开上述链接设置密码。\n",
    )
