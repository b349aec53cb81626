"""Manifests at a real API server, which says what it admits."""

import glob
import json
import os
import tempfile
import unittest

import yaml

from tests.kube import cluster
from tests.kube import manifests

_NAMESPACE = "llm-gateway"


def setUpModule():
    global _cluster
    _cluster = cluster.Cluster()
    unittest.addModuleCleanup(_cluster.close)
    for path in sorted(glob.glob(os.path.join(
            cluster.tools_folder(), "kube-crds/*.yaml"))):
        _cluster.kubectl("create", "-f", path)
    _cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
    _cluster.kubectl("create", "namespace", "monitoring")


class _ServerCase(unittest.TestCase):

    def apply(self, text, *flags):
        """As a server that is asked to be strict takes it; nothing may be
        warned of."""
        told, warned = _cluster.kubectl(
            "apply", "--server-side", "--validate=strict", *flags, "-f", "-",
            text=text)
        self.assertNotIn("Warning", warned)
        return told

    def pod_of(self, text):
        """A pod as its controller would make it."""
        template = manifests.workload(text)["spec"]["template"]
        spec = template["spec"]
        for claim in manifests.workload(text)["spec"].get(
                "volumeClaimTemplates", ()):
            spec["volumes"].append({
                "name": claim["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": "state-0"}})
        return {"apiVersion": "v1", "kind": "Pod", "spec": spec,
                "metadata": {**template["metadata"], "name": "one",
                             "namespace": _NAMESPACE}}


class OverlayTest(_ServerCase):

    def test_each_is_applied_by_the_server(self):
        for name in manifests.OVERLAYS:
            with self.subTest(name):
                text = manifests.overlay(name)
                told = self.apply(text)
                self.assertEqual(told.count("serverside-applied"),
                                 len(manifests.objects(text)))
                # Once more changes nothing.
                before = self.versions(text)
                self.apply(text)
                self.assertEqual(self.versions(text), before)
                _cluster.kubectl("delete", "-f", "-", "--wait=false",
                                 "--ignore-not-found", text=without_namespace(
                                     text))

    def versions(self, text):
        told, _ = _cluster.kubectl("get", "-o", "json", "-f", "-", text=text)
        return {(one["kind"], one["metadata"]["name"]):
                one["metadata"]["resourceVersion"]
                for one in json.loads(told)["items"]}

    def test_pods_are_admitted_where_only_restricted_ones_are(self):
        self.apply(manifests.overlay("quickstart"))
        for name, text in manifests.every().items():
            with self.subTest(name):
                pod = self.pod_of(text)
                if "priorityClassName" in pod["spec"]:
                    del pod["spec"]["priorityClassName"]
                told, warned = _cluster.kubectl(
                    "create", "--dry-run=server", "-f", "-",
                    text=json.dumps(pod))
                self.assertIn("pod/one created", told)
                self.assertEqual(warned, "")

    def test_a_pod_with_more_rights_is_not(self):
        self.apply(manifests.overlay("quickstart"))
        pod = self.pod_of(manifests.overlay("quickstart"))
        del pod["spec"]["containers"][0]["securityContext"]["capabilities"]
        with self.assertRaisesRegex(cluster.CommandError,
                                    "violates PodSecurity \"restricted"):
            _cluster.kubectl("create", "--dry-run=server", "-f", "-",
                             text=json.dumps(pod))


class HelmTest(_ServerCase):

    def test_every_set_of_values_is_installed_and_upgraded(self):
        for number, (name, values) in enumerate(manifests.VALUES.items()):
            with self.subTest(name):
                namespace = "helm-%d" % number
                self.apply(yaml.safe_dump({
                    "apiVersion": "v1", "kind": "Namespace", "metadata": {
                        "name": namespace, "labels": {
                            "pod-security.kubernetes.io/warn": "restricted",
                            "pod-security.kubernetes.io/enforce":
                                "restricted"}}}))
                with open_values(values) as file:
                    told, warned = _cluster.helm(
                        "install", "gw", manifests.CHART, "-n", namespace,
                        "-f", file.name)
                    self.assertIn("STATUS: deployed", told)
                    self.assertNotIn("would violate", warned)
                    told, _ = _cluster.helm(
                        "upgrade", "gw", manifests.CHART, "-n", namespace,
                        "-f", file.name, "--set", "podAnnotations.new=it")
                    self.assertIn("REVISION: 2", told)
                kind = ("statefulset" if values.get("persistence") else
                        "deployment")
                told, _ = _cluster.kubectl(
                    "get", kind, "-n", namespace, "gw-llm-gateway", "-o",
                    "jsonpath={.spec.template.metadata.annotations.new}")
                self.assertEqual(told, "it")
                told, _ = _cluster.helm("uninstall", "gw", "-n", namespace,
                                        "--wait=false")
                self.assertIn("uninstalled", told)

    def test_notes_say_what_to_do_next(self):
        self.apply(manifests.overlay("quickstart"))
        told, _ = _cluster.helm("install", "notes", manifests.CHART, "-n",
                                _NAMESPACE)
        self.assertIn("kubectl -n llm-gateway create secret generic "
                      "llm-gateway", told)


def without_namespace(text):
    return yaml.safe_dump_all(
        one for (kind, _), one in manifests.objects(text).items()
        if kind != "Namespace")


def open_values(values):
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    yaml.safe_dump(values, file)
    file.flush()
    return file


if __name__ == "__main__":
    unittest.main()
