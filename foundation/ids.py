"""Keys: UUIDs that sort by time, and digests of what was sent under a key."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID


def time_uuid(moment: datetime) -> UUID:
    """Make a version 7 UUID (RFC 9562 section 5.7) for `moment`."""
    milliseconds = int(moment.timestamp() * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def digest(content: Any) -> str:
    """Give a short fingerprint of JSON-like `content`, to compare what came under a key."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
