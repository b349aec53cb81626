"""A file of a ledger: its lines' entries, its end, and what is wrong in it.

for entry in entries_of(path): ...
checked = CheckedSegment(path, previous="")
checked.issues, checked.last_hash
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_gateway.router.ledger_entry import LedgerEntry, entry_hash


def members_of(line: bytes) -> dict[str, Any] | None:
    """A line's JSON object; None if it has none."""
    try:
        members = json.loads(line)
    except ValueError:
        return None
    return members if isinstance(members, dict) else None


def entries_of(segment: Path) -> Iterator[LedgerEntry]:
    with open(segment, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield LedgerEntry.from_json(line)
            except (ValueError, TypeError):
                continue  # verify_chain says so.


def last_members(path: Path) -> dict[str, Any] | None:
    """The last entry of a file, read from its end."""
    step = 64 * 1024
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        tail = b""
        while end > 0:
            begin = max(0, end - step)
            file.seek(begin)
            tail = file.read(end - begin) + tail
            end = begin
            # What stands before the first line's end may be half a line.
            lines = tail.split(b"\n")[0 if begin == 0 else 1 :]
            for line in reversed(lines):
                members = members_of(line)
                if members is not None:
                    return members
            step *= 2
    return None


class CheckedSegment:
    """What is wrong with a file of a ledger, and how it joins the others."""

    def __init__(self, path: Path, previous: str | None = None) -> None:
        """`previous` is the hash before the file; None if that is checked by
        broken_link() later."""
        self.path = path
        self.issues: list[str] = []
        self.count = 0
        self.last_hash = previous or ""
        self._first_previous: str | None = None  # None of one without a hash.
        known = previous is not None
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    self._check(number, line, known)
                    known = True

    def broken_link(self, previous: str) -> bool:
        return (
            self._first_previous is not None
            and self._first_previous != previous
        )

    def _check(self, number: int, line: bytes, known: bool) -> None:
        members = members_of(line)
        if members is None:
            self.issues.append(
                f"FAIL: {self.path.name} line {number} is no entry"
            )
            return
        self.count += 1
        name = members.get("id", f"in line {number} of {self.path.name}")
        told = members.get("entry_hash", "")
        if not told:
            self.issues.append(f"WARN: Entry {name} is legacy (no entry_hash)")
            self.last_hash = ""
            return
        if told != entry_hash(members):
            self.issues.append(
                f"FAIL: Entry {name} content tampered (hash mismatch)"
            )
        previous = members.get("previous_hash", "")
        if not known:
            self._first_previous = previous
        elif previous != self.last_hash:
            self.issues.append(
                f"FAIL: Entry {name} chain broken (previous_hash mismatch)"
            )
        self.last_hash = told
