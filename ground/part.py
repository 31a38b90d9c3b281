"""What every table of a file that staff edit has in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A table that never changes and knows no other keys; a fault in it does not repeat what was written, which may be secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, serialize_by_alias=True)
