"""Reads the figures that a gateway exposes at /metrics, and tells two readings
apart.

    before = metrics.read("http://127.0.0.1:9090/metrics")
    after = metrics.read("http://127.0.0.1:9090/metrics")
    metrics.grown(before, after, "llmgw_attempts_total", "provider")
"""

import re
import urllib.request

_SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def read(url, timeout_s=5.0):
    """The samples at the address, as {(name, ((label, value), ...)): float}."""
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return parse(answer.read().decode())


def parse(text):
    """The samples of a page in Prometheus' format, likewise."""
    samples = {}
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        key = (name, tuple(sorted(_LABEL.findall(labels or ""))))
        samples[key] = float(value)
    return samples


def grown(before, after, name, *labels):
    """By how much the samples of this name have grown, summed for each
    combination of the labels' values: {(value, ...): float}, without zeros."""
    sums = {}
    for (sample, of), value in after.items():
        if sample != name:
            continue
        more = value - before.get((sample, of), 0.0)
        if more:
            key = tuple(dict(of).get(label, "") for label in labels)
            sums[key] = sums.get(key, 0.0) + more
    return sums


def current(samples, name, *labels):
    """The samples of this name: {(value, ...): float}."""
    return {tuple(dict(of).get(label, "") for label in labels): value
            for (sample, of), value in samples.items() if sample == name}
