"""`chanflow doctor`: what is in force, where it came from, and whether a desk can run here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from chanflow.runtime.certificates import CertificateShelf


def doctor(
    *,
    config: Annotated[Path | None, typer.Option("--config", help="A YAML file of settings.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, like risk.max_leverage=3; repeatable.")
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the providers of models, over the network.")
    ] = False,
) -> None:
    """Print each setting with its origin, and check the data directory and what models need.

    Exits with 1 if no desk can run here. Raises SettingsInvalid.
    """
    import platform
    from importlib.metadata import version

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from chanflow.domain.errors import StorageUnwritable
    from chanflow.interfaces.cli.alerts import doctor_line
    from chanflow.interfaces.cli.doctor_models import database_line, models_lines
    from chanflow.runtime.certificates import CertificateShelf
    from chanflow.runtime.home import Home
    from chanflow.runtime.settings import config_hash, load_settings, setting_keys, setting_value

    loaded = load_settings(config=config, overrides=overrides or ())
    table = Table("setting", "value", "origin", title="Settings", title_justify="left")
    for key in setting_keys():
        value = setting_value(loaded.settings, key)
        shown = _shown(value)
        origin = loaded.origins[key]
        table.add_row(key, escape(shown), escape(origin), style="dim" if origin == "default" else "bold")

    home = Home(loaded.home)
    try:
        home.prepare()
        condition = "usable"
    except StorageUnwritable as fault:
        condition = str(fault)
    parts = (f"{name} {version(name)}" for name in ("chanflow", "chanflow-native"))
    versions = ", ".join((*parts, f"Python {platform.python_version()}"))
    models, can_think = models_lines(loaded.settings, online=online)
    database, can_keep = database_line(home) if condition == "usable" else ("not asked", True)
    console = Console()
    console.print(table)
    for label, text in (
        ("settings hash", config_hash(loaded.settings)),
        ("data directory", f"{home.root} (from {loaded.home_origin}): {condition}"),
        ("alerts", doctor_line(loaded) if condition == "usable" else "not asked"),
        ("database", database),
        ("models", ("\n" + " " * 16).join(models)),
        ("certificates", _certificates(CertificateShelf(home))),
        ("versions", versions),
    ):
        console.print(f"{label:<15} {text}", soft_wrap=True, markup=False, highlight=False)
    if condition != "usable" or not can_think or not can_keep:
        raise typer.Exit(1)


def _shown(value: object) -> str:
    """Return a setting as it may be shown: of a secret, whether it is set; of channels, scheme and host."""
    from pydantic import SecretStr

    match value:
        case SecretStr():
            return "set" if value.get_secret_value() else "unset"
        case tuple():
            return ", ".join(map(str, value))
        case dict():
            return "; ".join(f"{name}: {each}" for name, each in sorted(value.items())) or "none"
    return str(value)


def examine_lake(root: Path) -> None:
    """Print what is wrong with the files of a lake, a line each, and the count of those that are right.

    Exits with 6 if anything is wrong. Raises NotFound.
    """
    from chanflow.adapters.storage.lake_check import check_lake

    report = check_lake(root)
    for finding in report.findings:
        typer.echo(f"{finding.path}: {finding.what}")
    parts = f"{report.right} files match their manifest lines"
    typer.echo(f"{root}: {parts}" + (f", {len(report.findings)} do not" if report.findings else ""))
    if report.findings:
        raise typer.Exit(6)


def _certificates(shelf: CertificateShelf) -> str:
    """Return what the measured figures of points come from, and which files are refused, a line each."""
    lines = [
        f"{one.name}: preset {one.preset}"
        + "".join(f" {key}={value}" for key, value in sorted(one.params.items()))
        + ", "
        + (", ".join(f"{market} {interval}" for market, interval in one.covers) or "no points")
        for one in shelf.usable()
    ]
    lines += [f"refused: {sentence}" for _, sentence in sorted(shelf.refused().items())]
    return ("\n" + " " * 16).join(lines) or "none: points show no figures; chanflow certify DATA --install"
