"""Every operation on people, in the order doors list them."""

from __future__ import annotations

from chanflow.operations.logins import LOGIN_OPERATIONS
from chanflow.operations.operation import AnyOperation
from chanflow.operations.privacy import PRIVACY_OPERATIONS
from chanflow.operations.user import USER_OPERATIONS
from chanflow.operations.users import USERS_OPERATIONS

PEOPLE_OPERATIONS: tuple[AnyOperation, ...] = (
    *USER_OPERATIONS,
    *LOGIN_OPERATIONS,
    *PRIVACY_OPERATIONS,
    *USERS_OPERATIONS,
)
