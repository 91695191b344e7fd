"""Alerts that belonged to keys belong to the keys' owners after the migration."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from chanflow.adapters.storage.database.address import database_url
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.versions import downgrade, revisions, upgrade

KEY = "INSERT INTO api_key (id, user_id, name, secret_hmac, scopes, allow_ips, created_at) VALUES (:id, :user, 'k', '', '[]', '[]', 1)"  # noqa: E501
ALERT = "INSERT INTO alert (id, account, client_alert_id, args_hash, status, terms, created_at, changed_at) VALUES (:id, :account, :name, '', 'active', '{}', 1, 1)"  # noqa: E501


async def test_an_alert_goes_to_the_owner_of_its_key_unless_two_keys_used_its_name(tmp_path: Path) -> None:
    url = database_url(tmp_path / "chanflow.db")
    await upgrade(url)
    await downgrade(url, revisions()[revisions().index("0011") - 1])
    database = Database(url)
    async with database.write() as connection:
        for name in ("ann", "bob"):
            row = {"id": f"user-{name}", "name": name}
            await connection.execute(
                text("INSERT INTO user (id, name, roles, plan, created_at) VALUES (:id, :name, '[]', 'free', 1)"), row
            )
        for key, owner in (("a1", "user-ann"), ("a2", "user-ann"), ("b1", "user-bob")):
            await connection.execute(text(KEY), {"id": key, "user": owner})
        for number, (account, name) in enumerate(
            [("key:a1", "one"), ("key:b1", "one"), ("key:a1", "both"), ("key:a2", "both"), ("local", "one")]
        ):
            await connection.execute(text(ALERT), {"id": f"al_{number}", "account": account, "name": name})
    await database.close()
    await upgrade(url)
    database = Database(url)
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT account FROM alert ORDER BY id"))
        found = list(rows.scalars())
    await database.close()
    assert found == ["user-ann", "user-bob", "key:a1", "key:a2", "local"]
