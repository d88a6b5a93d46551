"""A part of a document whose empty lists are absent on the wire, as its absent members are."""

from typing import Any

from pydantic import ConfigDict, SerializerFunctionWrapHandler, model_serializer

from schemas.model import WireModel


class Part(WireModel):
    """A part of an alert. Its validator is built at first use: a command line that reads one kind pays for one."""

    model_config = ConfigDict(defer_build=True)

    @model_serializer(mode="wrap")
    def _leave_out_what_is_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None and value not in ((), [])}
