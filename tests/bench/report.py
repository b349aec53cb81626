"""The table of figures: for a terminal, for docs/performance.md, as JSON."""

import collections
import datetime
import os
import platform
import subprocess

# A line of the table. `gateway` and `nginx` are figures in `unit`; `limit` is
# a rows.Limit or None; `note` says what a figure cannot.
Line = collections.namedtuple(
    "Line", "name title unit gateway nginx ratio limit note",
    defaults=(None, ""))

_COLUMNS = ("path", "gateway", "nginx", "ratio", "holds at", "aim", "holds",
            "note")


def failed_line(row, reason):
    return Line(row.name, row.title, "", None, None, None, None, reason)


def holds(line):
    """Whether the figure keeps within the limit; None if there is none."""
    if line.limit is None or line.gateway is None:
        return None
    if line.limit.kind == "times":
        return None if line.ratio is None else line.ratio <= line.limit.holds
    if line.limit.kind == "above":
        return line.gateway - line.nginx <= line.limit.holds
    return line.gateway <= line.limit.holds


def _number(value, unit=""):
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = "%.*f" % (digits, value)
    return (text + " " + unit).strip()


def _limit(line, figure):
    if line.limit is None:
        return ""
    if line.limit.kind == "times":
        return "%g x" % figure
    if line.limit.kind == "above":
        return "nginx + %g %s" % (figure, line.unit)
    return ("%g %s" % (figure, line.unit)).strip()


def _cells(line):
    kept = holds(line)
    return [
        line.title, _number(line.gateway, line.unit),
        _number(line.nginx, line.unit),
        "" if line.ratio is None else "%.2f" % line.ratio,
        _limit(line, line.limit.holds) if line.limit else "",
        _limit(line, line.limit.aim) if line.limit else "",
        "" if kept is None else "yes" if kept else "NO",
        line.note,
    ]


def short(line):
    """One line for whoever watches."""
    cells = _cells(line)
    return "%-44s %10s  nginx %10s  %5s  %s" % (
        cells[0], cells[1], cells[2], cells[3], cells[7])


def text_table(lines):
    rows = [list(_COLUMNS)] + [_cells(line) for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    widths[-1] = 0
    out = []
    for number, row in enumerate(rows):
        cells = [cell.rjust(width) if 0 < i < 6 else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        out.append("  ".join(cells).rstrip())
        if number == 0:
            out.append("-" * len(out[0]))
    return "\n".join(out)


def machine():
    """What the figures belong to, as a dict."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as lines:
        memory_gb = int(lines.readline().split()[1]) / (1 << 20)
    return {
        "machine": "%d x %s, %.0f GB" % (os.cpu_count(), model, memory_gb),
        "kernel": platform.release(),
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "load": "%.1f" % os.getloadavg()[0],
    }


def _commit():
    def git(*arguments):
        return subprocess.run(
            ("git",) + arguments, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, check=False).stdout.strip()
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--",
                  "base", "errors", "providers", "proto", "service",
                  "third_party", ".bazelrc")
    return commit + (" with changes" if changed else "")


_MARKDOWN = """# Performance

All before the first heading is written by
`make bench ARGS=--markdown=docs/performance.md`, the rest by hand. Absolute
figures belong to one machine; ratios carry over.

| | |
| --- | --- |
| machine | %(machine)s, Linux %(kernel)s |
| load average before the run | %(load)s |
| date, commit | %(date)s, %(commit)s |
| rounds | %(rounds)s, each %(seconds)g s per side |
| idle streams | %(idle)d |

%(table)s
"""


def markdown(lines, about, page=""):
    """The page; `about` is machine() with the run's settings. What `page`, the
    one that stands, has from its first heading on is kept."""
    rows = [_COLUMNS, ["---"] * len(_COLUMNS)]
    rows += [_cells(line) for line in lines]
    table = "\n".join("| %s |" % " | ".join(
        cell.replace("|", "/").replace("\n", " ") for cell in row)
        for row in rows)
    _, heading, rest = page.partition("\n## ")
    return _MARKDOWN % dict(about, table=table) + heading + rest


def as_json(lines, about):
    return {
        "about": about,
        "rows": [dict(line._asdict(), holds=holds(line),
                      limit=line.limit._asdict() if line.limit else None)
                 for line in lines],
    }
