"""LedgerClient appends entries to a chain of hashes in files, and verifies it.

    ledger = LedgerClient(Path("ledger/governance.jsonl"))
    ledger.write(LedgerEntry(event_type="DISPATCH", ...))
    valid, issues = ledger.verify_chain()

A ledger is one file of JSON lines, behind which there are others, its later
segments: `governance-20270131-120000.jsonl`. A new one is begun each day, by
UTC, and when the last one is large. Of a segment that is complete, a line of
`index.jsonl` beside them says what it holds, and `idx/<segment>.json` where the
entries of each submission begin in it.

Entries are on the disk when `write` returns, unless they are batched. Several
processes may write: each takes the ledger's lock, and goes on behind what the
others have written. Thread-safe. Behind a fork() what waits is its parent's.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from llm_gateway.router.ledger_entry import (
    LedgerEntry,
    SegmentMeta,
    TierContext,
    entry_hash,
    merkle_root,
)
from llm_gateway.router.ledger_segment import (
    CheckedSegment,
    entries_of,
    last_members,
    members_of,
)

try:
    import fcntl
except ImportError:  # Windows: one process writes.
    fcntl = None  # type: ignore[assignment]

_DEFAULT_PATH = Path("ledger") / "governance.jsonl"
_ROTATE_BYTES = 256 * 1024 * 1024
_VERIFY_WORKERS = 4

_CLIENTS: weakref.WeakSet[LedgerClient] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    """What a program that ends without close() would leave unwritten."""
    for client in list(_CLIENTS):
        client.flush()


def _begin_in_child() -> None:
    """What waits is its parent's to write; and no thread that held a lock is
    there to let it go."""
    for client in list(_CLIENTS):
        client._waiting = []
        client._lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # Not on Windows.
    os.register_at_fork(after_in_child=_begin_in_child)


class LedgerClient:
    def __init__(
        self,
        ledger_path: Path | str | None = None,
        rotate_bytes: int = _ROTATE_BYTES,
        rotate_daily: bool = True,
        batch_size: int = 1,
        batch_interval_sec: float = 0.0,
        enable_index: bool = True,
        tier_context: TierContext | None = None,
    ) -> None:
        """Makes the file, and its folder, if they are not there.

        Without `ledger_path` it is `ledger/governance.jsonl` in the folder
        that CONTROL_PLANE_ROOT names, else in the working folder. A segment
        takes `rotate_bytes`, or as much as there is if 0. Up to `batch_size`
        entries wait in memory, for `batch_interval_sec` seconds if that is not
        0; close() writes them, and so do the client's and the program's end.
        `tier_context` stamps each entry's metadata.
        """
        if ledger_path is None:
            root = os.environ.get("CONTROL_PLANE_ROOT", "")
            ledger_path = Path(root) / _DEFAULT_PATH
        self.ledger_path = Path(ledger_path)
        self.rotate_bytes = rotate_bytes
        self.rotate_daily = rotate_daily
        self.batch_size = max(1, batch_size)
        self.batch_interval_sec = batch_interval_sec
        self.enable_index = enable_index
        self.tier_context = tier_context
        self.index_dir = self.ledger_path.parent / "idx"
        self.segment_index_path = self.ledger_path.parent / "index.jsonl"

        self._lock = threading.RLock()
        self._waiting: list[LedgerEntry] = []
        self._flushed_at = time.monotonic()
        self.ledger_path.parent.mkdir(parents=True, exist_ok=True)
        self.ledger_path.touch(exist_ok=True)
        # What was last known of the chain's end; others may have gone on.
        self._segment = self.ledger_path
        self._segment_bytes = -1
        self._last_hash = ""
        self._last_timestamp = ""
        self._find_end()
        _CLIENTS.add(self)

    def __del__(self) -> None:
        # Not so if it was never made.
        if getattr(self, "_waiting", None):
            self.flush()

    def __enter__(self) -> LedgerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, entry: LedgerEntry) -> str:
        """Appends the entry, whose hashes it sets, and returns its id."""
        with self._lock:
            if self.tier_context is not None:
                for name, value in self.tier_context.to_metadata().items():
                    entry.metadata.setdefault(name, value)
            self._waiting.append(entry)
            waited = time.monotonic() - self._flushed_at
            if len(self._waiting) >= self.batch_size or (
                0 < self.batch_interval_sec <= waited
            ):
                try:
                    self.flush()
                except BaseException:
                    # Who is told that it failed does not find it later.
                    self._waiting.pop()
                    raise
        return entry.id

    def flush(self) -> None:
        """Writes what waits."""
        with self._lock:
            if not self._waiting:
                return
            with self._writing_alone():
                self._find_end()
                if self._is_full():
                    self._begin_segment()
                self._append(self._waiting)
            self._waiting = []
            self._flushed_at = time.monotonic()

    def close(self) -> None:
        """Writes what waits, and the index of the present segment. It can be
        written on, also by this client."""
        with self._lock:
            self.flush()
            if self.enable_index:
                with self._writing_alone():
                    self._find_end()
                    self._write_index(self._segment)

    def read_all(self) -> list[LedgerEntry]:
        """All entries, the oldest first; lines that are none are left out."""
        return [
            entry
            for segment in self._segments()
            for entry in entries_of(segment)
        ]

    def read_by_submission(self, submission_id: str) -> list[LedgerEntry]:
        found: list[LedgerEntry] = []
        segments = self._segments()
        for segment in segments:
            # The last one may have grown since its index was written.
            places = self._places(segment) if segment != segments[-1] else None
            if places is None:
                found.extend(
                    entry
                    for entry in entries_of(segment)
                    if entry.submission_id == submission_id
                )
                continue
            with open(segment, "rb") as file:
                for offset, length in places.get(submission_id, ()):
                    file.seek(offset)
                    line = file.read(length).decode("utf-8")
                    found.append(LedgerEntry.from_json(line))
        return found

    def read_by_event_type(self, event_type: str) -> list[LedgerEntry]:
        return [
            entry for entry in self.read_all() if entry.event_type == event_type
        ]

    def read_entries_range(self, start: int, end: int) -> list[LedgerEntry]:
        """Those from number `start`, counted from 0, to before `end`."""
        return self.read_all()[start:end]

    def read_recent(self, limit: int = 10) -> list[LedgerEntry]:
        """The last ones, the newest last."""
        return self.read_all()[-limit:] if limit > 0 else []

    def count(self) -> int:
        """Of all entries, those of this client that wait among them."""
        with self._lock:
            return len(self.read_all()) + len(self._waiting)

    def has_dedupe_key(self, dedupe_key: str) -> bool:
        """Whether an entry's metadata has this `_dedupe_key`, also one of this
        client that waits."""
        with self._lock:
            waiting = list(self._waiting)
        return any(
            entry.metadata.get("_dedupe_key") == dedupe_key
            for entries in (waiting, self.read_all())
            for entry in entries
        )

    def verify_chain(self) -> tuple[bool, list[str]]:
        """Whether all entries are what was written, in order.

        An issue begins with `FAIL`, or with `WARN` for an entry without a
        hash, as the oldest versions wrote; behind one the chain begins anew.
        Without a FAIL the ledger is valid.
        """
        issues: list[str] = []
        previous = ""
        for segment in self._segments():
            checked = CheckedSegment(segment, previous)
            issues.extend(checked.issues)
            previous = checked.last_hash
        return not any(issue.startswith("FAIL") for issue in issues), issues

    def verify_chain_parallel(
        self, workers: int = _VERIFY_WORKERS
    ) -> tuple[bool, list[str]]:
        """As verify_chain, with several segments at a time."""
        issues: list[str] = []
        previous = ""
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            for checked in pool.map(CheckedSegment, self._segments()):
                issues.extend(checked.issues)
                if checked.broken_link(previous):
                    issues.append(
                        f"FAIL: Segment link broken into {checked.path.name}"
                    )
                if checked.count:
                    previous = checked.last_hash
        return not any(issue.startswith("FAIL") for issue in issues), issues

    def get_session_root(self, since: str | None = None) -> str:
        """The Merkle root over all entries, or those from the time `since` on,
        as their timestamps have it. Empty if there are none."""
        return merkle_root(
            [
                entry.entry_hash
                for entry in self.read_all()
                if entry.entry_hash
                and (since is None or entry.timestamp >= since)
            ]
        )

    def get_segments_root(self) -> str:
        """The Merkle root over those of all segments that are complete."""
        return merkle_root(
            [
                meta["merkle_root"]
                for meta in self._segment_metas().values()
                if meta.get("merkle_root")
            ]
        )

    def get_last_entry_hash_value(self) -> str | None:
        """What the next entry follows; None if there is none."""
        recent = self.read_recent(1)
        return (recent[0].entry_hash or None) if recent else None

    def write_genesis(
        self,
        tier: str,
        plane_root: Path | str,
        parent_ledger: str | None = None,
        parent_hash: str | None = None,
        work_order_id: str | None = None,
        session_id: str | None = None,
    ) -> str:
        """Writes the first entry of a ledger, which says where it belongs.
        ValueError if there are others."""
        with self._lock:
            if self.count() > 0:
                raise ValueError(
                    f"{self.ledger_path} has entries already; "
                    "a GENESIS is the first"
                )
            return self.write(
                LedgerEntry(
                    event_type="GENESIS",
                    submission_id="GENESIS",
                    decision="CHAIN_INITIALIZED",
                    reason=f"Ledger chain initialized for {tier} plane",
                    metadata={
                        "tier": tier,
                        "plane_root": str(plane_root),
                        "parent_ledger": parent_ledger,
                        "parent_hash": parent_hash,
                        "work_order_id": work_order_id,
                        "session_id": session_id,
                        "created_at": datetime.now(timezone.utc).isoformat(),
                    },
                )
            )

    # The chain's end.

    @contextlib.contextmanager
    def _writing_alone(self) -> Iterator[None]:
        """Holds the lock that all processes know, that of the first file."""
        with open(self.ledger_path, "rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _find_end(self) -> None:
        """Reads where the chain ends, if that is not where it was."""
        segment = self._segments()[-1]
        size = segment.stat().st_size
        if segment == self._segment and size == self._segment_bytes:
            return
        self._segment, self._segment_bytes = segment, size
        for path in reversed(self._segments()):
            last = last_members(path)
            if last is not None:
                self._last_hash = last.get("entry_hash", "")
                self._last_timestamp = last.get("timestamp", "")
                return

    def _is_full(self) -> bool:
        if self._segment_bytes <= 0:
            return False
        if self.rotate_bytes and self._segment_bytes >= self.rotate_bytes:
            return True
        if not self.rotate_daily:
            return False
        today = datetime.now(timezone.utc).date()
        last = _time_of(self._last_timestamp)
        return last is not None and today > last.date()

    def _begin_segment(self) -> None:
        if self.enable_index:
            self._write_index(self._segment)
        stem = self.ledger_path.stem
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        path = self.ledger_path.with_name(f"{stem}-{stamp}.jsonl")
        if self._order(path) <= self._order(self._segment):
            # Within a second, or after the clock was put back.
            _, stamp, number = self._order(self._segment)
            path = self.ledger_path.with_name(
                f"{stem}-{stamp}-{number + 1}.jsonl"
            )
        path.touch()
        self._segment, self._segment_bytes = path, 0

    def _append(self, entries: list[LedgerEntry]) -> None:
        """Writes all of them or, if that fails, none."""
        last_hash = self._last_hash
        lines = bytearray()
        for entry in entries:
            entry.make_utf8()
            entry.previous_hash = last_hash
            last_hash = entry.entry_hash = entry_hash(asdict(entry))
            lines += entry.to_json().encode("utf-8") + b"\n"
        # Without a buffer, whose rest would be written when the file is closed.
        with open(self._segment, "ab+", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            if before > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    # Whoever wrote before was killed within a line, which
                    # stays as it is, and is told by verify_chain.
                    lines.insert(0, ord("\n"))
            try:
                rest = memoryview(lines)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(before)
                raise
            self._segment_bytes = file.tell()
        self._last_hash = last_hash
        self._last_timestamp = entries[-1].timestamp

    # Segments and their index.

    def _order(self, path: Path) -> tuple[int, str, int]:
        """Sorts the first file before the segments, which are in order."""
        if path == self.ledger_path:
            return (0, "", 0)
        parts = path.stem[len(self.ledger_path.stem) + 1 :].split("-")
        number = int(parts[2]) if len(parts) > 2 else 0
        return (1, "-".join(parts[:2]), number)

    def _segments(self) -> list[Path]:
        def is_segment(path: Path) -> bool:
            parts = path.stem[len(self.ledger_path.stem) + 1 :].split("-")
            return len(parts) in (2, 3) and all(map(str.isdecimal, parts))

        later = self.ledger_path.parent.glob(f"{self.ledger_path.stem}-*.jsonl")
        return sorted(
            [self.ledger_path, *filter(is_segment, later)], key=self._order
        )

    def _write_index(self, segment: Path) -> None:
        places: dict[str, list[tuple[int, int]]] = {}
        hashes: list[str] = []
        times: list[str] = []
        offset = 0
        with open(segment, "rb") as file:
            for line in file:
                members = members_of(line)
                if members is not None:
                    places.setdefault(
                        members.get("submission_id", ""), []
                    ).append((offset, len(line)))
                    hashes.append(members.get("entry_hash", ""))
                    times.append(members.get("timestamp", ""))
                offset += len(line)
        if not hashes:
            return
        meta = asdict(
            SegmentMeta(
                segment.name,
                len(hashes),
                offset,
                times[0],
                times[-1],
                hashes[0],
                hashes[-1],
                merkle_root([each for each in hashes if each]),
            )
        )
        if self._segment_metas().get(segment.name) == meta:
            return
        self.index_dir.mkdir(exist_ok=True)
        index = self.index_dir / f"{segment.stem}.json"
        draft = index.with_suffix(".draft")
        draft.write_text(json.dumps(places), encoding="utf-8")
        draft.replace(index)
        with open(self.segment_index_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(meta) + "\n")

    def _segment_metas(self) -> dict[str, dict[str, Any]]:
        """What the index says of each segment; its last line counts."""
        if not self.segment_index_path.exists():
            return {}
        metas: dict[str, dict[str, Any]] = {}
        with open(self.segment_index_path, "rb") as file:
            for meta in filter(None, map(members_of, file)):
                metas[meta.get("segment", "")] = meta
        return metas

    def _places(self, segment: Path) -> dict[str, list[list[int]]] | None:
        """Where each submission's entries are; None if that is not known, or
        is not of this very file."""
        meta = self._segment_metas().get(segment.name)
        if meta is None or meta.get("bytes") != segment.stat().st_size:
            return None
        try:
            text = (self.index_dir / f"{segment.stem}.json").read_bytes()
            places = json.loads(text)
        except (OSError, ValueError):
            return None
        return places if isinstance(places, dict) else None


def _time_of(text: str) -> datetime | None:
    try:
        time_ = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if time_.tzinfo is None:
        return time_.replace(tzinfo=timezone.utc)
    return time_.astimezone(timezone.utc)


def get_session_ledger_path(
    tier: str,
    session_id: str,
    ledger_type: str = "exec",
    root: Path | str | None = None,
) -> Path:
    """Where a session's own ledger is, of the kind `exec` or `evidence`."""
    base = Path(root or os.environ.get("CONTROL_PLANE_ROOT", ""))
    return (
        base
        / "planes"
        / tier
        / "sessions"
        / session_id
        / "ledger"
        / f"{ledger_type}.jsonl"
    )


def create_session_ledger_client(
    tier: str,
    session_id: str,
    ledger_type: str = "exec",
    root: Path | str | None = None,
    **options: Any,
) -> LedgerClient:
    """A client of a session's own ledger, whose entries say so."""
    base = Path(root or os.environ.get("CONTROL_PLANE_ROOT", ""))
    return LedgerClient(
        get_session_ledger_path(tier, session_id, ledger_type, root),
        tier_context=TierContext(tier, base, session_id=session_id),
        **options,
    )


__all__ = [
    "LedgerClient",
    "create_session_ledger_client",
    "get_session_ledger_path",
]
