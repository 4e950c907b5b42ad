"""Log lines: one JSON object each, with the time in UTC. Values whose name says that they are secret are masked."""

from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("password", "secret", "passphrase", "token", "authorization", "private", "cookie")


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that names a secret. A second fence: such values are never logged on purpose."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "[masked]"
    return event


ENRICH: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    mask_secrets,
]
RENDER: list[structlog.typing.Processor] = [
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
]
