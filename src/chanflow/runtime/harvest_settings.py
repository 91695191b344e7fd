"""Settings of the recorder of market data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chanflow.runtime.setting_fields import Section, Whole


class HarvestOutputSettings(Section):
    """Where harvested files go; an empty directory means `lake/{venue}` in the data directory."""

    base_dir: str
    format: Literal["parquet", "jsonl"]


class HarvestRotateSettings(Section):
    """When a harvested file is closed, whichever comes first."""

    max_rows: Annotated[Whole, Field(ge=1, le=10_000_000)]
    max_sec: Annotated[Whole, Field(ge=1, le=86_400)]
    max_mb: Annotated[Whole, Field(ge=1, le=4_096)]


class HarvestSettings(Section):
    """The recorder of market data."""

    output: HarvestOutputSettings
    rotate: HarvestRotateSettings
