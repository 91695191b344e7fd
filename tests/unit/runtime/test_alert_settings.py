from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import SettingsInvalid
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.alert_desk import open_channels
from chanflow.runtime.alert_policy import ChannelRule, QuietHours
from chanflow.runtime.alert_settings import channel_rules
from chanflow.runtime.settings import Loaded, config_hash, load_settings

H = 3_600 * NS_PER_S


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _load(text: str = "", **environ: str) -> Loaded:
    config = Path("desk.yaml")
    config.write_text(text, encoding="utf-8")
    return load_settings(config=config, overrides=(), environ={"HOME": "/home/me", **environ})


def test_a_channel_does_what_the_defaults_say_unless_it_says_otherwise() -> None:
    loaded = _load(
        "alerts:\n  defaults: {digest_s: 30}\n  channels:\n"
        "    ops: {url: 'json://host', min_severity: info, quiet_hours: '22:00-06:30', escalate_to: phone}\n"
        "    phone: {url: 'tgram://a/b', dedupe_s: 60}\n"
    )
    assert channel_rules(loaded.settings.alerts) == (
        ChannelRule("ops", "info", QuietHours(22 * H, 6 * H + H // 2), 30 * NS_PER_S, H, 10, "phone", 60 * NS_PER_S),
        ChannelRule("phone", "warning", None, 30 * NS_PER_S, 60 * NS_PER_S, 10, None, 60 * NS_PER_S),
    )


def test_an_address_comes_from_the_environment() -> None:
    alerts = _load('alerts: {channels: {ops: {url: "${OPS_URL}"}}}', OPS_URL="json://me:s3cret@host").settings.alerts
    assert alerts.channels["ops"].url.get_secret_value() == "json://me:s3cret@host"


def test_channels_may_stand_in_one_variable_as_json() -> None:
    alerts = _load(CHANFLOW_ALERTS__CHANNELS='{"ops": {"url": "json://host"}}').settings.alerts
    assert list(alerts.channels) == ["ops"]


def test_no_address_is_in_what_settings_print_dump_or_hash() -> None:
    text = "alerts: {heartbeat: {url: '%s'}, channels: {ops: {url: 'json://me:%s@host'}}}"
    first, second = (_load(text % (f"https://hc/{s}", s)).settings for s in ("s3cret", "0ther"))
    shown = repr(first) + str(first) + str(first.alerts.channels["ops"]) + canonical_json(first.model_dump())
    assert "s3cret" not in shown
    assert config_hash(first) == config_hash(second) != config_hash(_load().settings)


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ("{ops: {url: s3cret}}", "is wrong at ops.url: url has no scheme"),
        ("{ops: {url: 'json://s3cret host'}}", "is wrong at ops.url: url is empty or holds a space"),
        ("{ops: {ulr: 'json://s3cret'}}", "is wrong at ops.url: field required"),
        ("{ops: {url: 'json://s3cret', to: 's3cret'}}", "has an unknown key at ops: known are url, min_severity"),
        ("{ops: {url: 'json://s3cret', min_severity: fatal}}", "is wrong at ops.min_severity: input should be 'info'"),
        ("{ops: {url: 'json://s3cret', quiet_hours: '22-6'}}", "quiet_hours is '22-6', a stretch of UTC like"),
        ("{ops: {url: 'json://s3cret', quiet_hours: '06:00-06:00'}}", "ends at another time than it begins"),
        ("{ops: {url: 'json://s3cret', per_minute: 0}}", "is wrong at ops.per_minute: input should be greater than"),
        ("{ops: 'json://s3cret'}", "has no settings at ops: write at least its url"),
        ("{'json://s3cret': {url: x}}", "has a name that is none"),
        ("['json://s3cret']", "is no mapping of names to channels"),
        ("'{s3cret'", "is no JSON"),
    ],
)
def test_a_wrong_channel_is_named_without_its_address(channels: str, words: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(f"alerts: {{channels: {channels}}}")
    assert words in str(caught.value)
    assert str(caught.value).startswith("alerts.channels ")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("target", ["ops", "nobody"])
def test_a_channel_hands_on_to_another_that_there_is(target: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"channels\.ops\.escalate_to names no other channel, others are phone"):
        _load(f"alerts: {{channels: {{ops: {{url: 'json://h', escalate_to: {target}}}, phone: {{url: 'json://h'}}}}}}")


def test_a_wrong_sign_of_life_is_not_shown() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load("alerts: {heartbeat: {url: 's3cret'}}")
    assert "is no address like https://host/path" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_address_nobody_can_tell_is_refused_at_the_start() -> None:
    settings = _load("alerts: {channels: {ops: {url: 'nothing://s3cret'}}}").settings.alerts
    with pytest.raises(SettingsInvalid, match=r"alerts\.channels is wrong at ops\.url: nothing://… is no address"):
        open_channels(settings)
