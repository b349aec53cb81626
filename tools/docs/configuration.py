#!/usr/bin/env python3
"""Writes docs/configuration.md from the comments of the configuration's proto.

    tools/docs/configuration.py           writes the page
    tools/docs/configuration.py --check   fails if the page is not current

It reads the .proto files of our own style: one declaration a line, its options
perhaps on the next, comments above what they belong to, and a paragraph "Default: x." for fields that have
a default.
"""

import argparse
import dataclasses
import pathlib
import re
import sys

PAGE = pathlib.Path("docs/configuration.md")
SCHEMA = pathlib.Path("proto/llmgateway/config/v1")
# What the configuration shares with the contract.
SHARED = pathlib.Path("proto/llmgateway/type/v1/target.proto")
ROOT = "GatewayConfig"
PREFIX = "LLM_GATEWAY_"

_INTRODUCTION = """\
# Configuration

The gateway reads one file, YAML or JSON: `gateway --config=FILE`. What the
file leaves out has the default below; `gateway --check_config --config=FILE`
tells every mistake in it, or shows the configuration with every default filled
in. `deploy/config/quickstart.yaml` is a file to start from,
`deploy/config/reference.yaml` shows every field. Files that were written for
other gateways, with `llmGateway` or `router_config`, load as they are:
[compatible_configurations.md](compatible_configurations.md).

A flag is stronger than the environment, the environment than the file, the
file than the defaults.

How values are written:

- a duration with its unit: `250ms`, `30s`, `1m30s`;
- a size, for fields that end in `_bytes_limit`, as a number of bytes or with
  its unit: `64KiB`, `4MiB`, `1GiB`;
- an enum's value in lower case without its prefix: `info`;
- a time with its zone (RFC 3339): `2027-01-31T00:00:00Z`;
- a secret as `env:NAME` or `file:path`, never the secret itself;
- a target as `provider` or `provider/model`, or as a map of its fields.

This page is generated from `proto/llmgateway/config/v1/` by
`tools/docs/configuration.py`.
"""

_ENVIRONMENT = """\
## Environment variables

Every field outside of lists and maps can be given as a variable, which is
stronger than the file. An empty variable counts as not set; a variable that
begins with `LLM_GATEWAY_` and is not on this page is refused, except for
those that Kubernetes makes of services.
"""

_COMPATIBILITY = """\
## Variables of other systems

These are read as the systems read them whose place the gateway takes. They are
stronger than the file, and weaker than the variables above. A switch is `true`,
`false`, `1`, `0`, `yes`, `no`, `on` or `off`. The gateway warns at its start of
those that change nothing here.

| variable | field | how |
| --- | --- | --- |
| `LLM_PROVIDER` | `routing.default_target.provider` | |
| `LLM_MODEL`, `LLM_GATEWAY_DEFAULT_MODEL` | `routing.default_target.model` | where a provider is named for it |
| `LLM_API_KEY` | `providers[].*.api_key` | of the default target's provider |
| `LLM_BASE_URL` | `providers[].*.base_url` | of the default target's provider |
| `LLM_MAX_RETRIES` | `resilience.retry.attempts_limit` | all attempts; 0 is one |
| `LLM_TIMEOUT_SECONDS` | `resilience.call_timeout` | seconds |
| `LLM_LOG_LEVEL`, `LLM_GATEWAY_LOG_LEVEL` | `logging.level` | Python's levels, too; `info` for one that is not known |
| `LLM_GATEWAY_LOG_FILE_PATH` | `logging.file` | |
| `LLM_GATEWAY_ENABLE_FILE_LOGGING` | `logging.file` | `false` removes it |
| `LLM_GATEWAY_PORT` | `listeners.http.address` | its port alone; not if it is an address, as Kubernetes makes it. With 0, any that is free, also listeners that nobody gives an address are at any |
| `LLM_GATEWAY_CORS_ORIGINS` | `listeners.http.cors.allowed_origins` | with commas between them |
| `LLM_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD` | `resilience.circuit_breaker.consecutive_failures` | |
| `LLM_GATEWAY_CIRCUIT_BREAKER_RECOVERY_TIMEOUT_SECONDS`, `LLM_GATEWAY_CIRCUIT_BREAKER_RESET_TIMEOUT` | `resilience.circuit_breaker.open_duration` | seconds |
| `LLM_GATEWAY_MAX_CONCURRENT_REQUESTS` | `overload.concurrency.calls_limit` | |
| `LLM_GATEWAY_QUEUE_WARNING_THRESHOLD` | `overload.concurrency.waiting_warning` | where calls are limited |
| `LLM_GATEWAY_MEMORY_THRESHOLD_MB` | `overload.memory.size_bytes_limit` | MiB |
| `LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT` | `overload.memory.soft_percent` | a share, such as 0.8, or percents |
| `CMS_URL` | `cms.url` | |
| `CODE_ORCHESTRATOR_URL` | `tools.url` | its three tools, unless `tools.tools` lists others |
| `REDIS_URL`, `LLM_GATEWAY_REDIS_URL` | `redis.addresses`, `redis.database`, `redis.username`, `redis.password`, `redis.tls` | a URL, `redis://user:password@host:6379/0`, with `rediss` for TLS; the second goes before the first. Without either there is no default |
| `LLM_GATEWAY_SESSION_TTL_SECONDS` | `sessions.ttl` | seconds |
| `LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE` | `rate_limits[].limit` | adds the rule `per-client`: requests a minute of each address, 60 where only the next is set |
| `LLM_GATEWAY_RATE_LIMIT_BURST` | `rate_limits[].burst` | of the same rule, 10 where only the one before is set |
| `GATEWAY_V2_ENABLED`, `ENABLE_GATEWAY_V2` | `routing.rollout.enabled` | either enables |
| `GATEWAY_METRICS_RETENTION_HOURS` | `metrics.history_hours` | |
| `GATEWAY_V2_PERCENTAGE` | `routing.rollout.percentage` | |
| `GATEWAY_MAX_RETRIES` | `resilience.retry.attempts_limit` | retries after the first attempt: one less |
| `GATEWAY_RETRY_DELAY` | `resilience.retry.backoff_base` | seconds |
| `GATEWAY_FALLBACK_ENABLED` | `routing.fallbacks`, `routing.failure_fallbacks`, `fallbacks` of all rules, `routing.selection.fallback_enabled` | `false` removes them, and is set there |
| `OPENROUTER_BASE_URL` | `providers[].openrouter.base_url` | of every provider of that kind |
| `OPENROUTER_FALLBACK_ENABLED` | all targets, `fallbacks`, `default_target`, `rollout.baseline` and `selection.policies` of `routing` | `false` takes out providers of that kind; rules without a target go. A caller may still name one |
| `OPENROUTER_API_KEY` and other keys | where the configuration says `env:NAME` | |
| `GATEWAY_PID_FILE` | the flag `--pid_file` | |
| `LLM_TRACE_ENABLED` | `tracing` | `true` turns it on, with `llm_attributes`; `false` turns it off, unless another variable turns it on |
| `LLM_TRACE_EXPORTER` | `tracing.exporter` | `otlp` (by gRPC), `console` or `none`; only with `LLM_TRACE_ENABLED` |
| `LLM_TRACE_ENDPOINT` | `tracing.endpoint` | `http://localhost:4317` for `otlp` if neither says another; only with `LLM_TRACE_ENABLED` |
| `LLM_TRACE_SERVICE_NAME` | `tracing.service_name` | only with `LLM_TRACE_ENABLED` |
| `LLM_GATEWAY_TRACING_ENABLED`, `ENABLE_MODEL_TRACING` | `tracing` | turns it on or off; with the first, without an endpoint, spans go to the log |
| `OTLP_ENDPOINT` | `tracing.endpoint`, and `tracing.exporter` is `otlp_grpc` unless it is `otlp_http` | `host:port` counts as `http://host:port`; turns tracing on |
| `GATEWAY_TRACE_SAMPLING_RATE` | `tracing.sampling_ratio` | 0 to 1; turns tracing on |
| `LLM_LOG_FORMAT` | `logging.format` | `json` or `console` |
| `LLM_MAX_TOKENS`, `LLM_TEMPERATURE` | | for clients; warned of |
| `LLM_GATEWAY_ENVIRONMENT`, `LLM_GATEWAY_METRICS_ENABLED`, `LLM_GATEWAY_REDIS_POOL_SIZE` | | change nothing; warned of |
| `LLM_COST_LIMIT_USD` | `budgets.rules[].limit_usd` | adds the budget `cost-limit`: what all calls together may cost; 0 is none |
| `LLM_COST_WARN_USD` | `budgets.rules[].limit_usd` | adds the budget `cost-warning`, with `mode: warn`: from so many dollars on answers have a warning, and the log has one; 0 is none |
| `ENABLE_COST_OPTIMIZATION` | `routing.selection.default_strategy` | `true`: `cost_optimized`, the cheapest of the models that qualify; `false`: `balanced` where the file says `cost_optimized`. Without a `routing.selection` warned of |
| `CONTROL_PLANE_ROOT` | `ledger.path` | the folder that a relative one counts from, whoever says it; a [`router_config.json`](compatible_configurations.md) has its ledger there, at `ledger/governance.db` |
"""

_SCALARS = {
    "string": "text",
    "bool": "true or false",
    "int32": "number",
    "int64": "number",
    "double": "number",
    "google.protobuf.Duration": "duration",
    "google.protobuf.Timestamp": "time",
}


@dataclasses.dataclass
class Field:
    """A field of a message."""

    name: str
    type: str
    comment: list[str]
    repeated: bool = False
    is_map: bool = False
    oneof: str = ""


@dataclasses.dataclass
class Type:
    """A message or an enum; of an enum, the fields are its values."""

    # With those of the messages around it, as in `RateLimit.Mode`.
    name: str
    kind: str
    comment: list[str]
    fields: list[Field] = dataclasses.field(default_factory=list)


def parse(text, types):
    """Adds the messages and enums of one .proto file to `types`, by full name.

    The types of fields are as the file writes them until resolve().
    """
    stack, comment = [], []
    text = re.sub(r"\s+\[[^\]]*\];", ";", text)
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("//"):
            comment.append(line[2:].strip())
            continue
        opening = re.fullmatch(r"(message|enum|oneof|service) (\w+) \{(\})?",
                               line)
        if opening:
            kind, name, empty = opening.groups()
            if kind != "oneof":
                name = ".".join([*_scope(stack), name])
                types[name] = Type(name, kind, comment)
            if not empty:
                stack.append((kind, name))
        elif line == "}":
            stack.pop()
        elif stack:
            _parse_member(line, stack, comment, types)
        comment = []


def _scope(stack):
    """The innermost message or enum that is open, in a list; or nothing."""
    return [name for kind, name in stack if kind != "oneof"][-1:]


def resolve(types):
    """Gives the types of fields their full names, the innermost that fits."""
    for owner in types.values():
        for field in owner.fields:
            around = owner.name.split(".")
            names = [".".join([*around[:depth], field.type])
                     for depth in range(len(around), -1, -1)]
            field.type = next((name for name in names if name in types),
                              field.type)


def _parse_member(line, stack, comment, types):
    (owner,) = _scope(stack)
    oneof = stack[-1][1] if stack[-1][0] == "oneof" else ""
    value = re.fullmatch(r"(\w+) = \d+;", line)
    line = line.replace("llmgateway.type.v1.", "")
    mapped = re.fullmatch(r"map<string, ([\w.]+)> (\w+) = \d+;", line)
    field = re.fullmatch(r"(optional |repeated |)([\w.]+) (\w+) = \d+;", line)
    if value:
        types[owner].fields.append(Field(value.group(1), "", comment))
    elif mapped:
        types[owner].fields.append(
            Field(mapped.group(2), mapped.group(1), comment, is_map=True))
    elif field:
        types[owner].fields.append(
            Field(field.group(3), field.group(2), comment,
                  repeated=field.group(1) == "repeated ", oneof=oneof))


def one_row_each(lines):
    """Repeats a table's row for each of the names in its first column."""
    for line in lines:
        names, bar, rest = line.removeprefix("| ").partition(" |")
        if not line.startswith("| `"):
            yield line
            continue
        for name in names.split(", "):
            yield "| " + name + bar + rest


def short_name(value, enum):
    """`LOG_LEVEL_INFO` is written `info`."""
    prefix = enum.fields[0].name.removesuffix("UNSPECIFIED")
    return value.removeprefix(prefix).lower()


def walk(types, name, path, visit):
    """Calls visit(path, type) for each message, outermost first."""
    visit(path, types[name])
    for field in types[name].fields:
        if types.get(field.type) and types[field.type].kind == "message":
            inside = f"{path}.{field.name}" if path else field.name
            walk(types, field.type, inside + ("[]" if field.repeated else ""),
                 visit)


def variables(types):
    """Pairs of variable and field, sorted by variable."""
    pairs = []

    def visit(path, message):
        for field in message.fields:
            kind = types.get(field.type)
            if "[]" in path or field.repeated or field.is_map:
                continue
            if kind is None or kind.kind == "enum":
                inside = f"{path}.{field.name}" if path else field.name
                pairs.append((PREFIX + inside.replace(".", "_").upper(),
                              inside))

    walk(types, ROOT, "", visit)
    return sorted(pairs)


def _type_text(field, types):
    kind = types.get(field.type)
    if kind is None:
        text = _SCALARS[field.type]
        if field.name.endswith("_bytes_limit"):
            text = "size"
    elif kind.kind == "enum":
        text = " or ".join(f"`{short_name(value.name, kind)}`"
                           for value in kind.fields[1:])
    else:
        text = f"[{kind.name}](#{kind.name.lower()})"
    if field.repeated:
        return "list of " + text
    return "map to " + text if field.is_map else text


def _paragraphs(comment):
    return [" ".join(paragraph.split())
            for paragraph in "\n".join(comment).split("\n\n")]


def _row(field, types):
    meaning, default = [], ""
    for paragraph in _paragraphs(field.comment):
        if paragraph.startswith("Default: "):
            default = paragraph.removeprefix("Default: ").removesuffix(".")
        else:
            meaning.append(paragraph)
    cells = [f"`{field.name}`", _type_text(field, types), default,
             " ".join(meaning)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


# What operators have by the contract, since they and callers are written alike,
# and `--check_config` refuses.
_CALLERS_ONLY = re.compile(r"^auth\.operators\..*\.?limits\[\]$")


def section(message, paths, types):
    """The section of a message that is at `paths` of the configuration."""
    lines = [f"## {message.name}", ""]
    served = [path for path in paths if not _CALLERS_ONLY.search(path)]
    callers_only = len(served) < len(paths)
    paths = served
    if paths != [""]:
        lines += ["At " + ", ".join(f"`{path}`" for path in paths) + ".", ""]
    for paragraph in _paragraphs(message.comment):
        lines += [paragraph, ""]
    if callers_only:
        lines += ["Callers only: below `auth.operators` it is refused.", ""]
    lines += ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [_row(field, types) for field in message.fields]
    for field in message.fields:
        enum = types.get(field.type)
        if enum is None or enum.kind != "enum":
            continue
        lines += ["", f"Values of `{field.name}`:", ""]
        lines += [f"- `{short_name(value.name, enum)}`: "
                  + " ".join(_paragraphs(value.comment))
                  for value in enum.fields[1:]]
    return "\n".join(lines) + "\n"


def page(schema=SCHEMA):
    """The whole page."""
    types = {}
    for path in [*sorted(schema.glob("*.proto")), SHARED]:
        parse(path.read_text(encoding="utf-8"), types)
    resolve(types)
    places = {}
    walk(types, ROOT, "",
         lambda path, message: places.setdefault(message.name, []).append(path))
    sections = [_INTRODUCTION]
    sections += [section(types[name], paths, types)
                 for name, paths in places.items()]
    table = ["| variable | field |", "| --- | --- |"]
    table += [f"| `{name}` | `{field}` |" for name, field in variables(types)]
    sections.append(_ENVIRONMENT + "\n" + "\n".join(table) + "\n")
    sections.append("\n".join(one_row_each(_COMPATIBILITY.splitlines())) + "\n")
    return "\n".join(sections)


def main():
    """Writes or checks the page in the working directory."""
    parser = argparse.ArgumentParser(description="See the top of this file.")
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE} is not current; run tools/docs/configuration.py",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
