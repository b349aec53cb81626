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
begins with `LLM_GATEWAY_` and is not in this table is refused, except for
those that Kubernetes makes of services.
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

    name: str
    kind: str
    comment: list[str]
    fields: list[Field] = dataclasses.field(default_factory=list)


def parse(text, types):
    """Adds the messages and enums of one .proto file to `types`, by name."""
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
                types[name] = Type(name, kind, comment)
            if not empty:
                stack.append((kind, name))
        elif line == "}":
            stack.pop()
        elif stack:
            _parse_member(line, stack, comment, types)
        comment = []


def _parse_member(line, stack, comment, types):
    owner = next(name for kind, name in reversed(stack) if kind != "oneof")
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


def _section(message, paths, types):
    lines = [f"## {message.name}", ""]
    if paths != [""]:
        lines += ["At " + ", ".join(f"`{path}`" for path in paths) + ".", ""]
    for paragraph in _paragraphs(message.comment):
        lines += [paragraph, ""]
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
    places = {}
    walk(types, ROOT, "",
         lambda path, message: places.setdefault(message.name, []).append(path))
    sections = [_INTRODUCTION]
    sections += [_section(types[name], paths, types)
                 for name, paths in places.items()]
    table = ["| variable | field |", "| --- | --- |"]
    table += [f"| `{name}` | `{field}` |" for name, field in variables(types)]
    sections.append(_ENVIRONMENT + "\n" + "\n".join(table) + "\n")
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
