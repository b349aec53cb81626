"""Manifests by themselves: their schemas, their gateways' configurations, and
what must agree."""

import os
import re
import subprocess
import tempfile
import unittest

import yaml

from tests.integration import certificates
from tests.kube import cluster
from tests.kube import manifests
from tests.kube import schemas

_GATEWAY = "service/gateway"
# What the gateway takes beyond its grace (service/run_gateway.cc).
_DRAIN_OVERRUN_S = 6
_KEYS = ("caller", "openai", "redis", "postgres")


def setUpModule():
    global _texts, _objects
    _texts = manifests.every()
    _objects = {name: manifests.objects(text)
                for name, text in _texts.items()}


class SchemaTest(unittest.TestCase):

    def conforms(self, text):
        with tempfile.TemporaryDirectory() as folder:
            schemas.write(folder)
            return cluster.run(
                "kubeconform", "-strict", "-summary", "-schema-location",
                os.path.join(folder, schemas.LOCATION), "-", text=text)[0]

    def test_every_manifest_conforms(self):
        for name, text in _texts.items():
            with self.subTest(name):
                self.assertIn("Invalid: 0, Errors: 0, Skipped: 0",
                              self.conforms(text))

    def test_a_field_that_is_not_there_would_be_found(self):
        text = _texts["overlay quickstart"]
        for wrong in (text.replace("maxUnavailable: 1", "maxUnavailble: 1"),
                      text.replace("readOnlyRootFilesystem: true",
                                   "readOnlyRootFilesystem: 5")):
            self.assertNotEqual(wrong, text)
            with self.assertRaises(cluster.CommandError):
                self.conforms(wrong)


class ChartTest(unittest.TestCase):

    def test_lint_finds_nothing(self):
        told = cluster.run("helm", "lint", "--strict", manifests.CHART)[0]
        self.assertIn("0 chart(s) failed", told)

    def test_wrong_values_are_refused_by_their_names(self):
        for values, named in (
                ({"replica": 2}, "replica"),
                ({"drain": {"graceSeconds": -1}}, "graceSeconds"),
                ({"image": {"digest": "latest"}}, "digest"),
                ({"postgres": {"connection": "host=x password=y"}},
                 "connection"),
                ({"tls": {"certManager": {"enabled": True}}},
                 "tls.certManager.issuerName"),
                ({"persistence": {"enabled": True},
                  "postgres": {"connection": "host=x"}}, "choose one")):
            with self.assertRaisesRegex(cluster.CommandError,
                                        re.escape(named)):
                manifests.chart(values)

    def test_it_amounts_to_the_overlay(self):
        for values, overlay in (("as it is", "quickstart"),
                                ("embedded", "embedded")):
            mine = manifests.workload(
                manifests.chart(manifests.VALUES[values]))
            theirs = manifests.workload(_texts["overlay " + overlay])
            self.assertEqual(mine["kind"], theirs["kind"])
            pods = [one["spec"]["template"]["spec"] for one in (mine, theirs)]
            for pod in pods:
                pod["containers"][0].pop("imagePullPolicy", None)
            self.assertEqual(*pods)
        mine = manifests.objects(manifests.chart({}))
        theirs = _objects["overlay quickstart"]
        for key in set(theirs) - {("Namespace", "llm-gateway"),
                                  ("Deployment", "llm-gateway"),
                                  ("ConfigMap", "llm-gateway")}:
            spec = dict(mine[key].get("spec", {}))
            if key == ("Service", "llm-gateway"):
                self.assertEqual(spec.pop("type"), "ClusterIP")  # As if unsaid.
            self.assertEqual(spec, theirs[key].get("spec", {}), key)

    def test_several_releases_stand_side_by_side(self):
        one = set(manifests.objects(manifests.chart({}, "a")))
        two = set(manifests.objects(manifests.chart({}, "b")))
        self.assertFalse(one & two)


class AgreementTest(unittest.TestCase):

    def test_a_pod_has_time_to_drain(self):
        for name, text in _texts.items():
            pod = manifests.workload(text)["spec"]["template"]["spec"]
            config = yaml.safe_load(manifests.configuration(text))
            grace = int(config["runtime"]["drain_grace"].removesuffix("s"))
            stop = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]
            self.assertGreater(
                pod["terminationGracePeriodSeconds"],
                stop["seconds"] + grace + _DRAIN_OVERRUN_S, name)

    def test_the_version_is_that_of_the_file(self):
        with open("VERSION", encoding="utf-8") as file:
            version = file.read().strip()
        for name in ("overlay quickstart", "chart as it is"):
            pod = manifests.workload(_texts[name])["spec"]["template"]["spec"]
            self.assertEqual(pod["containers"][0]["image"],
                             "llm-gateway:" + version)
        with open(manifests.CHART + "/Chart.yaml", encoding="utf-8") as file:
            self.assertEqual(yaml.safe_load(file)["version"], version)

    def test_ports_are_those_of_the_configuration(self):
        for name, text in _texts.items():
            pod = manifests.workload(text)["spec"]["template"]["spec"]
            listeners = yaml.safe_load(
                manifests.configuration(text))["listeners"]
            for port in pod["containers"][0]["ports"]:
                self.assertEqual(listeners[port["name"]]["address"],
                                 "0.0.0.0:%d" % port["containerPort"], name)
            # Operators come by a forwarded port alone.
            self.assertTrue(listeners["admin"]["address"].startswith(
                "127.0.0.1:"), name)

    def test_what_is_selected_is_there(self):
        for name, told in _objects.items():
            labels = manifests.workload(_texts[name])["spec"]["template"][
                "metadata"]["labels"]
            for (kind, _), one in told.items():
                spec = one.get("spec", {})
                if kind == "Service":
                    wanted = spec["selector"]
                elif kind in ("NetworkPolicy", "PodDisruptionBudget"):
                    wanted = spec.get("podSelector", spec.get("selector"))[
                        "matchLabels"]
                elif kind == "HorizontalPodAutoscaler":
                    target = spec["scaleTargetRef"]
                    self.assertIn((target["kind"], target["name"]), told)
                    continue
                else:
                    continue
                self.assertTrue(wanted, (name, kind))
                self.assertLessEqual(wanted.items(), labels.items(),
                                     (name, kind))

    def test_gateways_take_their_configurations(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "secrets"))
            for key in _KEYS:
                path = os.path.join(folder, "secrets", key)
                with open(path, "w", encoding="utf-8") as file:
                    file.write("sk-of-this-test-" + key)
            leaf = certificates.Authority(folder, "ours").issue(
                "gw", "DNS:gw")
            os.mkdir(os.path.join(folder, "tls"))
            os.rename(leaf.cert, os.path.join(folder, "tls/tls.crt"))
            os.rename(leaf.key, os.path.join(folder, "tls/tls.key"))
            for name, text in _texts.items():
                path = os.path.join(folder, "gateway.yaml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(manifests.configuration(text).replace(
                        "/etc/llm-gateway", folder).replace(
                            "/var/lib/llm-gateway", folder + "/state"))
                done = subprocess.run(
                    [_GATEWAY, "--config=" + path, "--check_config"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                    text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)


if __name__ == "__main__":
    unittest.main()
