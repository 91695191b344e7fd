"""`chanflow init`, `user`, `key`, `plan` and `doctor --audit` as a person gives them."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from pathlib import Path

import pytest
from commands import chanflow
from made_access import viewer_key

from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.access_desk import open_books
from chanflow.runtime.clock import SystemClock, SystemRandomness
from chanflow.runtime.home import Home


def test_init_makes_secrets_for_their_owner_alone_and_never_again(tmp_path: Path) -> None:
    assert chanflow(tmp_path, "init").returncode == 0
    pepper = tmp_path / "secrets" / "key_pepper"
    before = pepper.read_text()
    assert (stat.S_IMODE(pepper.stat().st_mode), len(before.strip())) == (0o600, 64)
    assert "was there" in chanflow(tmp_path, "init").stdout
    assert pepper.read_text() == before
    assert before.strip() not in chanflow(tmp_path, "doctor").stdout


def test_a_user_has_a_key_that_is_shown_once(tmp_path: Path) -> None:
    chanflow(tmp_path, "init")
    assert chanflow(tmp_path, "user", "add", "ann", "--role", "trader", "--plan", "pro").returncode == 0
    taken = chanflow(tmp_path, "user", "add", "ann")
    assert (taken.returncode, taken.stdout) == (2, "")
    assert "there is a user ann already" in taken.stderr
    key = chanflow(tmp_path, "key", "create", "laptop", "--user", "ann", "--scope", "market:read").stdout.strip()
    assert re.fullmatch(r"cf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}", key)
    key_id = key.split("_")[1]
    listed = chanflow(tmp_path, "key", "list").stdout
    assert listed == f"{key_id}  ann  laptop  market:read  never used\n"
    too_much = chanflow(tmp_path, "key", "create", "x", "--user", "ann", "--scope", "audit:read")
    assert too_much.returncode == 2
    assert "scope audit:read is not the owner's" in too_much.stderr
    new = chanflow(tmp_path, "key", "rotate", key_id, "--grace-s", "0").stdout.strip()
    assert new != key
    assert chanflow(tmp_path, "key", "revoke", new.split("_")[1]).returncode == 0
    assert chanflow(tmp_path, "key", "list", "--user", "ann").stdout.count("revoked ") == 2
    assert chanflow(tmp_path, "user", "role", "ann", "viewer", "agent").stdout == "ann: viewer, agent\n"
    assert chanflow(tmp_path, "plan", "set", "ann", "gold").returncode == 2
    assert chanflow(tmp_path, "plan", "set", "ann", "developer").returncode == 0
    assert chanflow(tmp_path, "user", "disable", "ann").returncode == 0
    assert re.match(r"ann  viewer, agent  plan developer  disabled 2", chanflow(tmp_path, "user", "list").stdout)


def test_a_password_is_read_from_standard_input_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    chanflow(tmp_path, "init")
    chanflow(tmp_path, "user", "add", "ann")
    password = "a password of ann's"
    weak = chanflow(tmp_path, "user", "password", "ann", given="short\n")
    assert (weak.returncode, "5 characters, allowed are 12 to 256" in weak.stderr) == (2, True)
    assert chanflow(tmp_path, "user", "password", "nobody", given=f"{password}\n").returncode == 2
    done = chanflow(tmp_path, "user", "password", "ann", given=f"{password}\n")
    assert done.stdout == "ann: the password is set, 0 sessions ended\n"
    kept = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("chanflow.db*")))
    assert (b"$argon2id$" in kept, password.encode() in kept) == (True, False)


def test_a_desk_with_its_own_plans_says_so_and_refuses_unknown_keys(tmp_path: Path) -> None:
    (tmp_path / "plans.yaml").write_text("free: {bsp_query: 30}\n")
    assert chanflow(tmp_path, "plan", "list").stdout.startswith("free: bsp_query 30, ")
    (tmp_path / "plans.yaml").write_text("free: {bsp_querys: 30}\n")
    refused = chanflow(tmp_path, "plan", "list")
    assert refused.returncode == 2
    assert "free has no key 'bsp_querys'" in refused.stderr


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (None, 0o600, "cannot be read: no such file or directory; make it with chanflow init"),
        ("", 0o600, "holds 0 bytes, at least 32 are needed"),
        ("short", 0o600, "holds 5 bytes, at least 32 are needed"),
        ("0" * 64, 0o600, "holds a sample value"),
        ("changeme-changeme-changeme-changeme-1234567890", 0o600, "holds a sample value"),
        ("3f9c1b7a" * 8, 0o644, "has mode 0644, others can read it"),
    ],
)
def test_a_desk_does_not_start_on_a_weak_secret(tmp_path: Path, content: str | None, mode: int, sentence: str) -> None:
    home = Home(tmp_path)
    if content is not None:
        home.pepper_path.parent.mkdir()
        home.pepper_path.write_text(content)
        home.pepper_path.chmod(mode)
    with pytest.raises(SettingsInvalid) as raised:
        open_books(home, SystemClock(), SystemRandomness())
    assert sentence in str(raised.value)


def test_a_desk_that_asks_for_keys_refuses_to_start_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("access: {required: true}\n")
    refused = chanflow(tmp_path, "serve", "--port", "0", "--config", str(tmp_path / "s.yaml"))
    assert refused.returncode == 2
    assert "make it with chanflow init" in refused.stderr


def test_a_call_of_the_command_line_is_audited_and_the_audit_verified(tmp_path: Path) -> None:
    chanflow(tmp_path, "init")
    called = chanflow(tmp_path, "call", "get_user_quota", CHANFLOW_ACCESS__REQUIRED="true")
    quotas = json.loads(called.stdout)
    assert (quotas["plan"], quotas["quotas"][0]["used"]) == ("enterprise", 0)
    found = chanflow(tmp_path, "doctor", "--audit")
    assert found.returncode == 0
    assert found.stdout == "audit: 2 rows, the chain holds\nquotas: every counter is the sum of its events\n"
    chanflow(tmp_path, "call", "get_user_quota")
    assert chanflow(tmp_path, "doctor", "--audit").stdout == found.stdout  # a desk that asks for no key keeps none


@pytest.mark.timeout(180)
def test_a_command_acts_as_the_owner_of_the_key_that_the_environment_names(tmp_path: Path) -> None:
    key = asyncio.run(viewer_key(Home(tmp_path)))
    quota = chanflow(tmp_path, "call", "get_user_quota", CHANFLOW_API_KEY=key)
    assert (quota.returncode, json.loads(quota.stdout)["plan"]) == (0, "pro")
    refused = chanflow(tmp_path, "call", "halt", "--reason", "x", CHANFLOW_API_KEY=key)
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "insufficient_scope")
    wrong = chanflow(tmp_path, "call", "get_user_quota", CHANFLOW_API_KEY=f"{key[:-1]}x")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("chanflow: the key in CHANFLOW_API_KEY is none that this desk takes")
    assert key[:20] not in wrong.stderr
    assert chanflow(tmp_path, "mcp", CHANFLOW_API_KEY="cf_nothing").returncode == 2


@pytest.mark.timeout(180)
def test_a_signing_key_of_tokens_is_rotated_by_a_command(tmp_path: Path) -> None:
    chanflow(tmp_path, "init")
    first, second = (chanflow(tmp_path, "key", "rotate-signing") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert re.match(r"[A-Za-z0-9_-]{43}: signs from now on", second.stdout)
    assert first.stdout.split(":")[0] != second.stdout.split(":")[0]
