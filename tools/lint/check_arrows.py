#!/usr/bin/env python3
"""Proves that the rooms' DAG is what Bazel enforces.

Two proofs, by asking Bazel itself (so this is no Bazel test):
  1. A target that imports against the DAG fails at analysis time, and for that
     reason.
  2. For every two rooms, what is visible is what the architecture allows: the
     table below is compared with `bazel query`.
"""

import os
import subprocess
import sys

_BAZEL = os.environ.get("BAZEL", "bazel").split()

# Who may import whom. A room that is not built yet is left out of the check.
_ENGINES = ["service/grpc", "service/http", "service/rpc"]
_PARTS = ["providers/models", "providers/schema"]
_BELOW_PIPELINE = _PARTS + [
    "providers", "service/alerts", "service/audit", "service/audit/redaction",
    "service/budgets", "service/cache", "service/config", "service/context",
    "service/identity", "service/ledger", "service/limits", "service/money",
    "service/observability", "service/overload", "service/resilience",
    "service/routing", "service/routing/selection", "service/sessions",
    "service/state", "service/store", "service/summary", "service/tools",
    "service/tracing"]
_BASE = ["base", "base/async", "base/http", "base/memory", "base/net",
         "base/os", "base/postgres", "base/process", "base/redis",
         "base/text"]
_PROTO = "proto/llmgateway/v1"
_BELOW_ENGINES = _BELOW_PIPELINE + ["providers/registry", _PROTO,
                                    "service/api", "service/pipeline",
                                    "service/reload"]
_ADAPTERS = ["providers/anthropic", "providers/mock", "providers/openai"]
_ABOVE_BASE = {
    "errors": [],
    "providers": _PARTS + ["providers/dialects"],
    "providers/dialects": _PARTS,
    "providers/models": ["providers/schema"],
    "providers/registry": _PARTS + ["providers", "providers/dialects"] +
                          _ADAPTERS,
    "providers/schema": ["providers/models"],
    "service": _BELOW_ENGINES + _ENGINES + ["providers/dialects"],
    "service/alerts": [],
    "service/api": _BELOW_PIPELINE + ["providers/registry",
                                      "service/pipeline", "service/reload"],
    "service/audit": ["service/audit/redaction", "service/identity",
                      "service/observability", "service/store"],
    "service/audit/redaction": [],
    "service/budgets": ["service/identity", "service/ledger",
                        "service/limits", "service/money", "service/store"],
    "service/cache": ["service/store"],
    "service/config": ["providers", "providers/schema", "service/alerts",
                       "service/audit/redaction",
                       "service/identity", "service/money",
                       "service/routing/selection"],
    "service/context": [],
    "service/grpc": _BELOW_ENGINES,
    "service/http": _BELOW_ENGINES + ["providers/dialects"],
    "service/identity": ["service/store"],
    "service/ledger": ["service/money", "service/store"],
    "service/limits": ["service/identity", "service/money", "service/store"],
    "service/money": [],
    "service/observability": ["service/audit/redaction"],
    "service/overload": ["service/identity"],
    "service/pipeline": _BELOW_PIPELINE + ["providers/registry"],
    "service/reload": _BELOW_PIPELINE + ["providers/registry",
                                         "service/pipeline"],
    "service/resilience": _PARTS + ["providers"],
    "service/routing": ["service/money", "service/routing/selection"],
    "service/routing/selection": [],
    "service/rpc": _BELOW_ENGINES,
    "service/sessions": ["service/store"],
    "service/state": [],
    "service/store": [],
    "service/summary": ["service/money", "service/observability",
                        "service/store"],
    "service/tools": ["providers/schema"],
    "service/tracing": ["service/observability"],
}
for _adapter in _ADAPTERS:
    _ABOVE_BASE[_adapter] = _PARTS + ["providers", "providers/dialects"]
MAY_IMPORT = {
    "base": [],
    "base/async": ["base", "base/memory", "base/os", "base/text"],
    "base/http": [room for room in _BASE
                  if room not in ("base/http", "base/postgres",
                                  "base/process", "base/redis")],
    "base/memory": ["base"],
    "base/net": ["base", "base/async", "base/memory", "base/os", "base/text"],
    "base/os": ["base", "base/memory", "base/text"],
    "base/postgres": ["base", "base/async", "base/memory", "base/net",
                      "base/os", "base/text"],
    "base/process": ["base", "base/async", "base/memory", "base/os",
                     "base/text"],
    "base/redis": ["base", "base/async", "base/memory", "base/net", "base/os",
                   "base/text"],
    "base/text": ["base", "base/memory"],
}
for _room, _imports in _ABOVE_BASE.items():
    MAY_IMPORT[_room] = _BASE + [_PROTO] + _imports
    if _room != "errors":
        MAY_IMPORT[_room].append("errors")


def bazel(*arguments):
    return subprocess.run(
        _BAZEL + list(arguments), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False)


def forbidden_arrow_fails():
    """Problems with the first proof."""
    build = bazel("build", "--nobuild", "--color=no",
                  "//tools/lint/forbidden:arrow")
    if build.returncode == 0:
        return ["//tools/lint/forbidden:arrow was accepted by Bazel"]
    if "is not visible from target '//tools/lint/forbidden:arrow'" not in (
            build.stderr):
        return ["//tools/lint/forbidden:arrow failed for another reason:\n" +
                build.stderr]
    return []


def visible_from(room, others):
    """The rooms among `others` that have a target visible from `room`."""
    query = bazel(
        "query", "visible(//%s:all, set(%s))"
        % (room, " ".join("//%s:all" % other for other in others)))
    if query.returncode != 0:
        raise RuntimeError(query.stderr)
    return {line[2:].split(":")[0] for line in query.stdout.split()}


def compare_rooms(rooms):
    """Problems with the second proof."""
    problems = []
    for room in rooms:
        if room not in MAY_IMPORT:
            continue
        others = [other for other in rooms if other != room]
        visible = visible_from(room, others)
        allowed = set(MAY_IMPORT[room]) & set(others)
        problems += ["//%s can import //%s, against the architecture"
                     % (room, other) for other in sorted(visible - allowed)]
        problems += ["//%s cannot import //%s, though the architecture "
                     "allows it" % (room, other)
                     for other in sorted(allowed - visible)]
    return problems


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "..", ".."))
    rooms = sorted(
        room for room in set(MAY_IMPORT) | {_PROTO}
        if os.path.exists(os.path.join(room, "BUILD.bazel")))
    problems = forbidden_arrow_fails() + compare_rooms(rooms)
    for problem in problems:
        print(problem)
    if not problems:
        print("a forbidden arrow fails at analysis time; %d rooms see what "
              "they may" % len(rooms))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
