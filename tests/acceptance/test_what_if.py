"""What a person asks of a recorded run: why, and what if."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from commands import chanflow
from made_commands import HandDesk, trade

from chanflow.review.journal import read_records

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a run with one order."""
    given = [(200.3, trade(order_type="limit", price=Decimal("100.50")))]
    return HandDesk(tmp_path_factory.mktemp("run"), given, overrides=("risk.sizing.sigma_prior=1",)).run().journal


def test_the_same_policy_is_told_as_no_difference(run: Path, tmp_path: Path) -> None:
    done = chanflow(tmp_path, "what-if", str(run))
    assert done.returncode == 0, done.stderr
    assert "1 judged again, 0 come out otherwise" in done.stdout
    assert "the whole run: nothing differs" in done.stdout


def test_a_stricter_policy_names_verdict_bound_and_money(run: Path, tmp_path: Path) -> None:
    policy = tmp_path / "strict.yaml"
    policy.write_text('risk: {target_trade_loss: "0.001"}')
    done = chanflow(tmp_path, "what-if", str(run), "--policy", str(policy), "--json")
    body = json.loads(done.stdout)
    [change] = body["changed"]
    assert (change["how"], change["after"]["binding"]) == ("smaller", "stop_distance")
    assert next(pair["after"]["leg"] for pair in body["run"]["resized"]) == "entry"
    assert Decimal(body["run"]["fees_delta_quote"]) < 0


def test_a_bad_policy_is_one_sentence(run: Path, tmp_path: Path) -> None:
    policy = tmp_path / "loose.yaml"
    policy.write_text('risk: {max_leverage: "9"}')
    done = chanflow(tmp_path, "what-if", str(run), "--policy", str(policy))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "set at most 5" in done.stderr


def test_an_order_is_explained_to_its_fill(run: Path, tmp_path: Path) -> None:
    order = next(r for r in read_records(run) if r.kind == "order_intent").body["client_order_id"]
    done = chanflow(tmp_path, "explain", order, "--run", str(run))
    assert done.returncode == 0, done.stderr
    kinds = [line.split()[2] for line in done.stdout.splitlines()[1:]]
    assert {"trade_proposal", "judged", "approved_order", "order_intent", "fill"} <= set(kinds)


def test_what_nobody_knows_is_said_so(run: Path, tmp_path: Path) -> None:
    done = chanflow(tmp_path, "explain", "nothing-of-the-kind")
    assert done.returncode == 2
    assert "is no run, no day and no id" in done.stderr
