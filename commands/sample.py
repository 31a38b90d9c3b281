"""What the demonstration says where nobody has filled in the real thing yet: the samples of an invented county."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from campaigns.campaign import Campaign
from ground.part import Part
from ground.text import BLANK
from menus.guide import named

NONE = "（示例）"


class Demonstration(Part):
    """Blank of the campaigns, such as 时间和地点 of 〔待填：时间和地点〕, → what the demonstration says for it."""

    sample: Mapping[str, str] = Field(default_factory=dict)

    def told(self, campaigns: tuple[Campaign, ...]) -> tuple[Campaign, ...]:
        """The campaigns with every blank filled; nothing else of them is different."""
        return tuple(self._filled(one) for one in campaigns)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return BLANK.sub(lambda blank: self.sample.get(named(blank[0]), NONE), value)
        if isinstance(value, tuple):
            return tuple(map(self._filled, value))
        if isinstance(value, Mapping):
            return {key: self._filled(each) for key, each in value.items()}
        if not isinstance(value, BaseModel):
            return value
        filled = {key: self._filled(each) for key, each in value}
        changed = {key: each for key, each in filled.items() if each != getattr(value, key)}
        return value.model_copy(update=changed) if changed else value
