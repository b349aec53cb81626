"""LedgerEntry is a line of the ledger, which has the hash of the one before it.

The hash is the SHA-256 of the entry's JSON without `entry_hash`, its keys in
order, as Python's json module writes it. The gateway's ledger has entries of
the same form, so that either verifies the other's lines.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def entry_hash(members: Mapping[str, Any]) -> str:
    """The hash of an entry with these members, whatever `entry_hash` says."""
    hashed = {
        name: value for name, value in members.items() if name != "entry_hash"
    }
    text = json.dumps(hashed, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def merkle_root(hashes: Sequence[str]) -> str:
    """The root over these hashes in their order; empty without any.

    A pair is the SHA-256 of its two texts, one behind the other; a level with
    an odd number has its last one twice.
    """
    level = list(hashes)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [
            hashlib.sha256((left + right).encode("ascii")).hexdigest()
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0] if level else ""


def _new_id() -> str:
    return f"LED-{uuid.uuid4().hex[:8]}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


@dataclass
class LedgerEntry:
    """One entry. The client that writes it sets both hashes."""

    event_type: str
    submission_id: str
    decision: str
    reason: str
    prompts_used: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=_new_id)
    timestamp: str = field(default_factory=_now)  # ISO 8601 with offset.
    previous_hash: str = ""  # Empty in the first entry.
    entry_hash: str = ""

    def make_utf8(self) -> None:
        """Makes a lone surrogate, which a model's answer may have and no file
        can, a question mark."""
        line = self.to_json()
        try:
            line.encode("utf-8")
        except UnicodeEncodeError:
            vars(self).update(json.loads(line.encode("utf-8", "replace")))

    def to_json(self) -> str:
        """The entry's line, without its end."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> LedgerEntry:
        """ValueError or TypeError if the line is no entry."""
        members = json.loads(line)
        if not isinstance(members, dict):
            raise ValueError("a ledger's line is a JSON object")
        return cls(**members)


@dataclass
class TierContext:
    """Where a client writes from, which its entries' metadata then says."""

    tier: str
    plane_root: Path
    work_order_id: str | None = None
    session_id: str | None = None

    def to_metadata(self) -> dict[str, Any]:
        stamp = {"_tier": self.tier, "_plane_root": str(self.plane_root)}
        if self.work_order_id:
            stamp["_work_order_id"] = self.work_order_id
        if self.session_id:
            stamp["_session_id"] = self.session_id
        return stamp


@dataclass
class SegmentMeta:
    """A file of the ledger that is complete, as `index.jsonl` has it."""

    segment: str  # The file's name.
    count: int
    bytes: int
    first_timestamp: str
    last_timestamp: str
    first_entry_hash: str
    last_entry_hash: str
    merkle_root: str
