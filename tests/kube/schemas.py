"""Kubernetes' own description of its API, as JSON schemas for kubeconform.

    schemas.write(folder)      one file for each kind, such as
                               apps_v1_deployment.json

A field that the API does not have is an error in them, as it is for a server
that is asked to be strict.
"""

import glob
import json
import os

import yaml

from tests.kube import cluster

# What manifests of ours are of; kubeconform says so of any other.
LOCATION = "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json"
_KINDS = frozenset([
    "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Namespace",
    "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount",
    "StatefulSet"])


def write(folder):
    tools = cluster.tools_folder()
    with open(os.path.join(tools, "kubernetes/openapi/swagger.json"),
              encoding="utf-8") as file:
        definitions = json.load(file)["definitions"]
    for definition in definitions.values():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            if kind["kind"] in _KINDS:
                _write(folder, kind["group"], kind["version"], kind["kind"],
                       _inlined(definition, definitions))
    for path in glob.glob(os.path.join(tools, "kube-crds/*.yaml")):
        with open(path, encoding="utf-8") as file:
            crd = yaml.safe_load(file)
        for version in crd["spec"]["versions"]:
            _write(folder, crd["spec"]["group"], version["name"],
                   crd["spec"]["names"]["kind"],
                   _inlined(version["schema"]["openAPIV3Schema"], {}))


def _write(folder, group, version, kind, schema):
    # kubeconform takes the first part of `apiVersion` for the group, always.
    name = "%s_%s_%s.json" % (group or version, version, kind.lower())
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(schema, file)


def _inlined(schema, definitions):
    """The schema without references, and without room for what it does not
    name. None of our kinds contains itself."""
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[1]],
                        definitions)
    told = {key: value for key, value in schema.items()
            if key in ("type", "enum", "pattern", "minimum", "maximum",
                       "required", "minItems", "maxItems")}
    if schema.get("format") == "int-or-string" or (
            schema.get("x-kubernetes-int-or-string")):
        return {"type": ["integer", "string"]}
    if "properties" in schema:
        told["properties"] = {
            name: _optional(_inlined(value, definitions))
            for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            told["additionalProperties"] = False
        if "metadata" in told["properties"] and (
                told["properties"]["metadata"] == {"type": "object"}):
            told["properties"]["metadata"] = {}  # A CRD leaves it to others.
    if "items" in schema:
        told["items"] = _inlined(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        told["additionalProperties"] = _inlined(
            schema["additionalProperties"], definitions)
    # A quantity is a number in many a manifest.
    if schema.get("description", "").startswith("Quantity is"):
        return {"type": ["string", "number"]}
    return told


def _optional(schema):
    """What `null` may stand for, too."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return schema
