"""The manifests of deploy/, as they come out of kubectl and helm."""

import yaml

from tests.kube import cluster

OVERLAYS = ("quickstart", "embedded", "replicas")
CHART = "deploy/helm/llm-gateway"
_KUBERNETES = "1.34.0"
# Values that between them take every way through the chart.
VALUES = {
    "as it is": {},
    "embedded": {"persistence": {"enabled": True, "storageClassName": "fast"}},
    "replicas": {
        "autoscaling": {"enabled": False}, "replicas": 3,
        "redis": {"addresses": ["redis.data:6379"], "passwordKey": "redis"},
        "postgres": {"connection": "host=db dbname=ledger user=gateway "
                                   "sslmode=verify-full",
                     "passwordKey": "postgres"},
        "tls": {"certManager": {"enabled": True, "issuerName": "internal"}},
        "serviceMonitor": {"enabled": True, "labels": {"release": "p"}},
        "networkPolicy": {"egress": [{
            "ports": [{"port": 6379}],
            "to": [{"podSelector": {}}]}]},
        "config": {"store": {"engine": "redis"},
                   "budgets": {"shared": True}}},
    "all else": {
        "image": {"repository": "r.example/g", "digest": "sha256:" + "0" * 64},
        "imagePullSecrets": [{"name": "r"}],
        "tls": {"secretName": "own"}, "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
        "disruptionBudget": {"maxUnavailable": "25%"},
        "autoscaling": {"inflightCalls": 0}, "priorityClassName": "high",
        "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "env": [{"name": "A", "value": "b"}]},
    "elsewhere": {
        "tls": {"certManager": {"enabled": True, "issuerName": "internal",
                                "dnsNames": ["llm.example"]}},
        "service": {"type": "NodePort"},
        "serviceMonitor": {"enabled": True, "namespace": "monitoring",
                           "tlsConfig": {"insecureSkipVerify": True}},
        "networkPolicy": {"callers": [], "monitoring": []},
        "config": {"listeners": {
            "grpc": {"address": "0.0.0.0:50061"},
            "http": {"address": "0.0.0.0:8081", "tls": None},
            "operations": {"address": "0.0.0.0:9465", "tls": {
                "cert_chain": "file:/etc/llm-gateway/tls/tls.crt",
                "private_key": "file:/etc/llm-gateway/tls/tls.key"}}}}},
}


def overlay(name):
    """The overlay's text."""
    # Under Bazel files are links, which kubectl would not follow elsewhere.
    return cluster.run("kubectl", "kustomize",
                       "--load-restrictor=LoadRestrictionsNone",
                       "deploy/kubernetes/overlays/" + name)[0]


def chart(values, name="llm-gateway"):
    """The chart's text with these values, of a release of this name."""
    return cluster.run("helm", "template", name, CHART, "-f", "-",
                       "-n", "llm-gateway", "--kube-version", _KUBERNETES,
                       text=yaml.safe_dump(values))[0]


def every():
    """{what it is: text}, of all."""
    told = {"overlay " + name: overlay(name) for name in OVERLAYS}
    told.update(("chart " + name, chart(values))
                for name, values in VALUES.items())
    return told


def objects(text):
    """{(kind, name): object}"""
    return {(one["kind"], one["metadata"]["name"]): one
            for one in yaml.safe_load_all(text) if one}


def workload(text):
    """The one Deployment or StatefulSet."""
    (found,) = [one for (kind, _), one in objects(text).items()
                if kind in ("Deployment", "StatefulSet")]
    return found


def configuration(text):
    """The gateway's configuration, as text."""
    (found,) = [one for (kind, _), one in objects(text).items()
                if kind == "ConfigMap"]
    return found["data"]["gateway.yaml"]
