"""The gateway's configurations, by variant.

    config = gateway_config(folder, ports, upstream, cert, key,
                            **GATEWAYS["limited"])
"""

import os

from tests.bench import rows

KEPT_CONNECTIONS = 8192
_PRICES_AND_BUDGETS = {
    "prices": {"models": [{"model": "*", "input": "1", "output": "2"}]},
    "budgets": {"rules": [
        {"name": "day", "unit": "cost", "limit_usd": "1000000000",
         "period": "day", "per": ["caller"]},
        {"name": "tokens", "unit": "total_tokens", "limit": 10**12},
    ]},
}
# What is kept of a call is decided when it ends.
_TRACES = {"tracing": {"exporter": "none", "sampling_ratio": 0.01}}
_ALERTS = {"alerts": {
    "rules": [
        {"name": "errors", "condition": "error_rate > 50%", "action": "log"},
        {"name": "slow", "condition": "avg_latency > 1000s", "action": "log"},
    ],
    "actions": [{"name": "log", "log": {}}],
}}
# How each variant differs from the plain one: what it is made with.
GATEWAYS = {
    "plain": {},
    "two_loops": {"loops": 0},
    "bare": {"policies": False},
    "anthropic": {"anthropic": True},
    "tls_listener": {"tls_listener": True},
    "tls_upstream": {"tls_upstream": True, "http_version": "http1"},
    "http2_upstream": {"http_version": "http2"},
    "tls_http2_upstream": {"tls_upstream": True, "http_version": "http2"},
    "resilient": {"resilient": True},
    "limited": {"limited": True},
    "recording": {"ledger": True},
    "accounting": {"ledger": True, "more": _PRICES_AND_BUDGETS},
    "accounting_tracing": {"ledger": True,
                           "more": {**_PRICES_AND_BUDGETS, **_TRACES}},
    "auditing": {"audit": True},
    "tracing": {"more": _TRACES},
    "alerting": {"more": _ALERTS},
    "caching": {"cache": {"ttl": "1h"}},
    "caching_in_vain": {"cache": {"answer_bytes_limit": 1024}},
    "many_rules": {"rules": 10_000},
    "many_providers": {"providers": 256},
    "many_targets": {"providers": 250, "targets": 1000},
}


def gateway_config(folder, ports, upstream, cert, key, loops=1, policies=True,
                   tls_listener=False, tls_upstream=False, http_version=None,
                   base_url=None, anthropic=False, resilient=False,
                   limited=False, ledger=False, audit=False, cache=None,
                   rules=0, providers=1, targets=0, more=None):
    """The configuration as a dict; JSON is YAML."""
    listener = {}
    if tls_listener:
        listener["tls"] = {"cert_chain": "file:" + cert,
                       "private_key": "file:" + key}
    http_upstream = {
        "timeouts": {"first_byte": "1h", "idle": "1h", "total": "24h"},
        "pool": {"idle_connections_limit": KEPT_CONNECTIONS},
    }
    if tls_upstream:
        http_upstream["ca_file"] = cert
    if http_version:
        http_upstream["http_version"] = http_version
    root = ("https://localhost:%d" % upstream.tls_port if tls_upstream
            else "http://%s" % upstream.address)
    kind = "anthropic" if anthropic else "openai"
    base_url = base_url or (root if anthropic else root + "/v1")
    config = {
        "listeners": {
            "grpc": dict(listener, address="127.0.0.1:%d" % ports["grpc"]),
            "http": dict(listener, address="127.0.0.1:%d" % ports["http"]),
            "admin": {"address": "127.0.0.1:%d" % ports["admin"]},
            "operations": {"address": "127.0.0.1:%d" % ports["operations"]},
        },
        "providers": [{
            "name": kind,
            kind: {"base_url": base_url, "api_key": "env:UPSTREAM_KEY",
                   "http": http_upstream},
        }],
        "routing": {"default_target": kind},
        "logging": {"access_log": policies,
                    "file": os.path.join(folder, "gateway_access.log")},
        "runtime": {"event_loops": loops},
    }
    if policies:
        config["auth"] = {"callers": {"api_keys": [
            {"id": "bench", "key": "env:CALLER_KEY"}]}}
    config["resilience"] = _ALL_POLICIES if resilient else _NO_POLICIES
    _add_providers(config, 2 if resilient else providers)
    if resilient:
        config["routing"] = _SHARED_ROUTING
    if limited:
        config.update(_FOUR_LIMITS)
    if ledger:
        config["ledger"] = {"path": os.path.join(folder, "ledger.db")}
    if audit:
        config["audit"] = {"file": os.path.join(folder, "audit.db")}
    if cache:
        config["cache"] = cache
    config.update(more or {})
    if rules:
        config["routing"] = {"model_rules": [
            {"exact": "model-%d" % i, "targets": [kind]}
            for i in range(rules - len(rows.SCRIPTS))
        ] + [{"exact": model, "targets": [kind]} for model in rows.SCRIPTS]}
    if targets:
        _share_among(config, targets)
    return config


# Limits of each unit that a call is counted by, with subjects of their own, and
# calls at once: all count, and none refuses.
_FOUR_LIMITS = {
    "rate_limits": [
        {"name": "requests", "unit": "requests", "limit": 10**12,
         "per": ["caller"]},
        {"name": "tokens", "unit": "total_tokens", "limit": 10**12,
         "per": ["caller", "user"]},
        {"name": "cost", "unit": "cost", "limit_usd": "1000000000",
         "per": ["owner"]},
        {"name": "calls", "unit": "concurrent_calls", "limit": 10**9,
         "per": ["caller"]},
    ],
    "overload": {"concurrency": {"calls_limit": 10**5}},
}
# Of plan and attempt: what is on by default is off, for the rows that are
# measured beside nginx.
_NO_POLICIES = {"circuit_breaker": {"mode": "off"}}
# All of them, at work and without anything to do.
_ALL_POLICIES = {
    "circuit_breaker": {"mode": "enforce"},
    "outlier_ejection": {"enabled": True},
    "hedging": {"enabled": True, "delay": "60s"},
    "disable_model_after_failures": 100,
}
_SHARED_ROUTING = {
    "agent_rules": [{"agent_type": "reviewer", "targets": ["openai"]}],
    "domain_tag_rules": [{"tag": "law", "targets": ["openai"]}],
    "model_tier_rules": [{"tier": "fast", "targets": ["openai/whole"]}],
    "model_rules": [{"glob": "*", "targets": ["openai", "openai-1"],
                     "balancing": "least_requests"}],
    "fallbacks": ["openai/first"],
    "failure_fallbacks": {"context_length": ["openai/first"]},
}


def _add_providers(config, count):
    """More providers like the first."""
    first = config["providers"][0]
    for i in range(1, count):
        config["providers"].append(
            dict(first, name="%s-%d" % (first["name"], i)))


def _share_among(config, count):
    """Shares one model among so many targets, each provider by several names
    of its own for it."""
    model = "whole"
    names = [provider["name"] for provider in config["providers"]]
    variants = ["%s@%d" % (model, i) for i in range(count // len(names))]
    for provider in config["providers"]:
        provider["model_aliases"] = dict.fromkeys(variants, model)
    config["routing"]["model_rules"] = [{
        "exact": model, "balancing": "least_requests",
        "targets": [{"provider": name, "model": variant}
                    for name in names for variant in variants],
    }]
