"""Alerts over real sockets: mail and webhooks on this machine, dead and slow ones among them."""

from __future__ import annotations

import email
import email.policy
import json
from contextlib import closing
from pathlib import Path

import pytest
from made_alerts import alert, until
from made_receivers import free_port, mail_server, web_hook

from chanflow.adapters.notify.apprise_channel import AppriseChannel
from chanflow.adapters.notify.heartbeat import ping
from chanflow.adapters.notify.outbox import Outbox
from chanflow.domain.alert import Message
from chanflow.domain.errors import DeliveryFailed
from chanflow.runtime.alert_policy import ChannelRule, Waiting, message_of
from chanflow.runtime.alerts import Alerts
from chanflow.runtime.clock import SystemClock

pytestmark = pytest.mark.server


def _mail(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=desk@example.com&to=me@example.com&mode=insecure"


def test_a_mail_arrives_with_title_and_body() -> None:
    with mail_server() as box:
        AppriseChannel(_mail(box.port)).send(Message("critical", "[critical] halted", "drawdown 0.11"), cap_s=60)
        ((receivers, content),) = box.mails
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert (receivers, mail["Subject"]) == (["me@example.com"], "[critical] halted")
    assert "drawdown 0.11" in mail.as_string()


def test_line_ends_in_a_title_make_no_header() -> None:
    told = alert("halt\r\nBcc: thief@example.com\r\n\r\nX-Evil: 1", severity="critical")
    with mail_server() as box:
        AppriseChannel(_mail(box.port)).send(message_of([Waiting(1, told, 0)]), cap_s=60)
        ((receivers, content),) = box.mails
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert receivers == ["me@example.com"]
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["Subject"] == "[critical] halt Bcc: thief@example.com X-Evil: 1"


def test_a_webhook_gets_severity_title_and_body() -> None:
    with web_hook() as hook:
        AppriseChannel(f"json://127.0.0.1:{hook.port}/x").send(Message("critical", "halted", "<b> & 中枢"), cap_s=60)
        (body,) = hook.bodies
    told = json.loads(body)
    assert (told["title"], told["message"], told["type"]) == ("halted", "<b> & 中枢", "failure")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_answer_that_is_no_yes_is_a_failure_with_its_number(status: int) -> None:
    with web_hook(status=status) as hook:
        channel = AppriseChannel(f"json://me:s3cret@127.0.0.1:{hook.port}/s3cret")
        with pytest.raises(DeliveryFailed) as caught:
            channel.send(Message("info", "t", "b"), cap_s=60)
    assert str(caught.value) == f"json://127.0.0.1 answered {status}"


def test_a_dead_address_is_a_failure_without_its_secret(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    channel = AppriseChannel(f"json://me:s3cret@127.0.0.1:{free_port()}/s3cret")
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(Message("info", "t", "b"), cap_s=60)
    assert str(caught.value) == "json://127.0.0.1 could not be reached"
    assert "s3cret" not in caplog.text + "".join(capsys.readouterr())


async def test_a_slow_webhook_fails_at_its_cap_while_mail_goes_out(tmp_path: Path) -> None:
    with web_hook(slow=True) as hook, mail_server() as box:
        alerts = Alerts(
            rules=[ChannelRule("hook"), ChannelRule("mail")],
            messengers={
                "hook": AppriseChannel(f"json://127.0.0.1:{hook.port}"), "mail": AppriseChannel(_mail(box.port)),
            },
            outbox=Outbox(tmp_path / "alerts.db"), clock=SystemClock(), attempt_s=3,
        )  # fmt: skip
        async with alerts.serving(grace_s=0):
            await alerts.take(alert("halt", severity="critical"), alert_id="1")
            await until(lambda: box.mails and alerts.policy.channels["hook"].tally.failed)
        assert hook.came.is_set()
    with closing(Outbox(tmp_path / "alerts.db")) as outbox:
        assert {(each.name, each.waiting, each.sent) for each in outbox.counts()} == {("hook", 1, 0), ("mail", 0, 1)}


async def test_where_one_is_dead_the_next_tells_and_the_dead_one_follows_once_it_lives(tmp_path: Path) -> None:
    with web_hook() as good, web_hook(status=503) as dead:
        alerts = Alerts(
            rules=[
                ChannelRule("dead", escalate_to="good", escalate_after_ns=0),
                ChannelRule("good", min_severity="critical"),
            ],
            messengers={
                "dead": AppriseChannel(f"json://127.0.0.1:{dead.port}"),
                "good": AppriseChannel(f"json://127.0.0.1:{good.port}"),
            },
            outbox=Outbox(tmp_path / "alerts.db"),
            clock=SystemClock(),
        )
        async with alerts.serving():
            await alerts.take(alert("loss"), alert_id="1")
            await until(lambda: good.bodies)
            dead.status = 200
            await until(lambda: alerts.policy.channels["dead"].tally.sent)
        assert json.loads(good.bodies[0])["title"] == json.loads(dead.bodies[-1])["title"] == "[warning] loss"


async def test_the_sign_of_life_asks_for_its_address() -> None:
    with web_hook() as hook:
        await ping(f"http://127.0.0.1:{hook.port}/uuid", cap_s=60)
        assert hook.paths == ["/uuid"]


@pytest.mark.parametrize("status", [302, 404])
async def test_a_sign_of_life_that_is_not_taken_is_a_failure(status: int) -> None:
    with web_hook(status=status) as hook, pytest.raises(DeliveryFailed) as caught:
        await ping(f"http://127.0.0.1:{hook.port}/s3cret", cap_s=60)
    assert str(caught.value) == f"http://127.0.0.1 answered {status}"


async def test_a_sign_of_life_to_nobody_is_a_failure_within_its_cap() -> None:
    with pytest.raises(DeliveryFailed, match=r"http://127\.0\.0\.1 could not be reached"):
        await ping(f"http://127.0.0.1:{free_port()}/s3cret", cap_s=60)
