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
                ({"tls": {"certManager": {"enabled": True}}},
                 "tls.certManager.issuerName"),
                ({"image": {"repository": "registry.example/a:1"}},
                 "repository"),
                ({"env": [{"nmae": "A"}]}, "nmae"),
                ({"podLabels": {"app.kubernetes.io/name": "x"}},
                 "app.kubernetes.io/name"),
                ({"nodeSelector": {"ssd": True}}, "nodeSelector/ssd"),
                ({"tolerations": [{"efect": "NoExecute"}]}, "efect"),
                ({"affinity": {"podAfinity": {}}}, "podAfinity"),
                ({"resources": {"limits": {"memroy": "1Gi"}}}, "memroy"),
                ({"networkPolicy": {"callers": [{"podSelecter": {}}]}},
                 "podSelecter"),
                ({"networkPolicy": {"egress": [{"port": 1}]}}, "port"),
                ({"disruptionBudget": {"maxUnavailable": "0%"}},
                 "maxUnavailable")):
            with self.subTest(values):
                self.refuses(values, named)

    def test_values_that_would_be_passed_over_are_refused(self):
        for values, named in (
                ({"persistence": {"enabled": True},
                  "postgres": {"connection": "host=x"}}, "choose one"),
                ({"persistence": {"enabled": True}, "replicas": 2},
                 "no two may write one ledger"),
                ({"replicas": 3}, "autoscaling.minReplicas"),
                ({"autoscaling": {"minReplicas": 5, "maxReplicas": 2}},
                 "minReplicas is more"),
                ({"resources": {"requests": {"cpu": None}}},
                 "resources.requests.cpu"),
                ({"redis": {"passwordKey": "redis"}}, "redis.addresses"),
                ({"postgres": {"passwordKey": "p"}}, "postgres.connection"),
                ({"tls": {"certManager": {"issuerName": "x"}}},
                 "enabled: true"),
                ({"env": [{"name": "LLM_GATEWAY_LISTENERS_HTTP_ADDRESS"}]},
                 "say it there"),
                ({"config": {"runtime": {"drain_grace": "900s"}}},
                 "drain.graceSeconds"),
                ({"config": {"runtime": {"state_dir": "/data"}}},
                 "/var/lib/llm-gateway"),
                ({"config": {"ledger": {}}}, "config.ledger: each pod's own"),
                ({"config": {"sessions": {}}}, "config.sessions: other pods"),
                ({"config": {"auth": {"callers": {"issued_keys": {}}}}},
                 "config.auth.callers.issued_keys: other pods"),
                ({"config": {"listeners": {
                    "http": {"address": "127.0.0.1:8080"}}}},
                 "config.listeners.http.address"),
                ({"config": {"listeners": {"operations": {"tls": {
                    "client_ca": "file:/ca"}}}}}, "kubelet")):
            with self.subTest(values):
                self.refuses(values, named)

    def test_no_secret_comes_into_a_config_map(self):
        for connection in ("host=x password=s3cret", "host=x PASSWORD = s3cret",
                           "postgresql://u:s3cret@h/db",
                           "postgresql://h/db?user=u&pass%77ord=s3cret"):
            for values in (
                    {"postgres": {"connection": connection}},
                    {"config": {"ledger": {"postgres": {
                        "connection": connection}}}}):
                with self.subTest(values):
                    self.refuses(values, "postgres.passwordKey")
        for values, named in (
                ({"providers": [{"name": "o", "openai": {
                    "api_key": "s3cret"}}]},
                 "config.providers[0].openai.api_key"),
                ({"auth": {"callers": {"api_keys": [
                    {"id": "a", "key": "s3cret"}]}}},
                 "config.auth.callers.api_keys[0].key"),
                ({"redis": {"addresses": ["r:1"], "password": "s3cret"}},
                 "config.redis.password"),
                ({"redis": {"addresses": ["r:1"],
                            "sentinel_password": "s3cret"}},
                 "config.redis.sentinel_password"),
                ({"auth": {"callers": {"key_sets": [
                    {"key_set_token": "s3cret"}]}}},
                 "config.auth.callers.key_sets[0].key_set_token"),
                ({"tracing": {"headers": [{"name": "a", "value": "s3cret"}]}},
                 "config.tracing.headers[0].value"),
                (self.webhook(url="https://hooks.example/s3cret"),
                 "config.alerts.actions[0].webhook.url"),
                (self.webhook(signing_key="s3cret"),
                 "config.alerts.actions[0].webhook.signing_key"),
                ({"providers": [{"name": "o", "openai": {
                    "http": {"headers": {"x-auth-token": "s3cret"}}}}]},
                 "config.providers[0].openai.http.headers.x-auth-token")):
            with self.subTest(values):
                self.refuses({"config": values}, named)
        manifests.chart({"config": {
            "tools": {"url": "http://tools:8083"}, **self.webhook(
                url="env:HOOK", headers={"x-team": "a"})}})

    def webhook(self, **fields):
        return {"alerts": {"actions": [{"name": "hook", "webhook": fields}]}}

    def refuses(self, values, named):
        with self.assertRaisesRegex(cluster.CommandError, re.escape(named)):
            manifests.chart(values)

    def test_a_name_that_a_service_cannot_have_is_refused(self):
        with self.assertRaisesRegex(cluster.CommandError, "with a letter"):
            manifests.chart({}, "12")
        self.assertIn(("Service", "a-b-llm-gateway"),
                      manifests.objects(manifests.chart({}, "a.b")))
        instance = manifests.workload(manifests.chart({}, "no"))["spec"][
            "selector"]["matchLabels"]["app.kubernetes.io/instance"]
        self.assertEqual(instance, "no")  # It is text, and not `false`.

    def test_null_takes_tls_from_one_listener(self):
        listeners = yaml.safe_load(manifests.configuration(
            _texts["chart elsewhere"]))["listeners"]
        self.assertEqual(listeners["http"], {"address": "0.0.0.0:8081"})
        self.assertIn("tls", listeners["grpc"])

    def test_names_stay_texts(self):
        told = manifests.chart({
            "secretName": "123", "priorityClassName": "true",
            "persistence": {"enabled": True, "storageClassName": "on"}})
        spec = manifests.workload(told)["spec"]
        pod = spec["template"]["spec"]
        self.assertEqual(pod["priorityClassName"], "true")
        self.assertIn("123", [volume.get("secret", {}).get("secretName")
                              for volume in pod["volumes"]])
        self.assertEqual(
            spec["volumeClaimTemplates"][0]["spec"]["storageClassName"], "on")

    def test_nobody_is_let_in_by_null(self):
        rules = manifests.objects(manifests.chart({
            "networkPolicy": {"callers": None, "monitoring": None}}))[
                ("NetworkPolicy", "llm-gateway")]["spec"]["ingress"]
        self.assertEqual(rules, [])

    def test_nobody_is_let_in_by_an_empty_list(self):
        rules = _objects["chart elsewhere"][
            ("NetworkPolicy", "llm-gateway")]["spec"]["ingress"]
        self.assertEqual(rules, [])

    def test_what_the_configuration_names_can_be_reached(self):
        text = manifests.chart({
            "redis": {"addresses": ["redis.data:6379", "[::1]:7000"]},
            "postgres": {"connection": "host=a,b port=5433,5434 dbname=x"},
            "env": [{"name": "CMS_URL", "value": "http://cms.x:9000/a"}],
            "config": {"providers": [
                {"name": "own", "openai_compatible": {
                    "base_url": "http://vllm.models:8000/v1"}},
                {"name": "near", "ollama": {"base_url": "http://[::1]"}},
                {"name": "far", "openai": {
                    "base_url": "https://api.openai.com/v1"}}]}})
        policy = manifests.objects(text)[("NetworkPolicy", "llm-gateway")]
        names, https, named = policy["spec"]["egress"]
        self.assertEqual([one["port"] for one in named["ports"]],
                         [6379, 7000, 5433, 5434, 8000, 80, 9000])
        self.assertEqual(https["ports"][0]["port"], 443)
        self.assertEqual(names["ports"][0]["port"], 53)
        # Nor is the cloud's metadata.
        self.assertIn({"ipBlock": {"cidr": "0.0.0.0/0",
                                   "except": ["169.254.169.254/32"]}},
                      named["to"])
        for connection, ports in (
                ("postgresql://u@h:5433,[::1]:5434/db", [5433, 5434]),
                ("postgresql:///db?host=pg&port=5433", [5433]),
                ("postgresql://h/db", [5432]), ("host=x", [5432])):
            self.assertEqual(self.ports({"postgres": {
                "connection": connection}}), ports, connection)
        self.assertEqual(self.ports({"env": [
            {"name": "OTLP_ENDPOINT", "value": "otel:4317"},
            {"name": "PGPORT", "value": "5499"},
            {"name": "CMS_URL", "value": "HTTP://cms:99"}]}),
            [4317, 5499, 99])

    def ports(self, values):
        """Those to which the pods of these values may go, beside 443."""
        policy = manifests.objects(manifests.chart(values))[
            ("NetworkPolicy", "llm-gateway")]
        return [one["port"] for one in policy["spec"]["egress"][-1]["ports"]]

    def test_replicas_together_grant_no_more_than_there_is(self):
        redis = {"redis": {"addresses": ["redis.data:6379"]}}
        for values, replicas in (
                (redis, 10),
                ({**redis, "autoscaling": {"maxReplicas": 7}}, 7),
                ({**redis, "autoscaling": {"enabled": False}}, 2),
                ({**redis, "config": {"runtime": {"replicas": 3}}}, 3)):
            with self.subTest(values):
                config = yaml.safe_load(
                    manifests.configuration(manifests.chart(values)))
                self.assertEqual(config["runtime"]["replicas"], replicas)
        told = _objects["overlay replicas"]
        config = yaml.safe_load(
            manifests.configuration(_texts["overlay replicas"]))
        self.assertEqual(
            config["runtime"]["replicas"],
            told[("HorizontalPodAutoscaler", "llm-gateway")]["spec"][
                "maxReplicas"])

    def test_metrics_stay_inside(self):
        told = _objects["chart all else"]
        outside, inside = (
            {port["name"] for port in told[("Service", name)]["spec"]["ports"]}
            for name in ("llm-gateway", "llm-gateway-grpc"))
        self.assertEqual(outside, {"http", "grpc"})
        self.assertEqual(inside, {"grpc", "operations"})

    def test_prometheus_finds_them_from_its_own_namespace_by_tls(self):
        monitor = _objects["chart elsewhere"][
            ("ServiceMonitor", "llm-gateway")]
        self.assertEqual(monitor["metadata"]["namespace"], "monitoring")
        self.assertEqual(monitor["spec"]["namespaceSelector"],
                         {"matchNames": ["llm-gateway"]})
        (endpoint,) = monitor["spec"]["endpoints"]
        self.assertEqual(endpoint["scheme"], "https")
        self.assertEqual(endpoint["tlsConfig"], {"insecureSkipVerify": True})

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

    def test_services_and_probes_say_what_is_spoken(self):
        for name, told in _objects.items():
            listeners = yaml.safe_load(
                manifests.configuration(_texts[name]))["listeners"]
            tls = {one for one in listeners if listeners[one].get("tls")}
            for service in ("llm-gateway", "llm-gateway-grpc"):
                for port in told[("Service", service)]["spec"]["ports"]:
                    plain = "grpc" if port["name"] == "grpc" else "http"
                    self.assertEqual(
                        port["appProtocol"],
                        "https" if port["name"] in tls else plain,
                        (name, service, port))
                    # Of a headless one clients come to the pod's own.
                    self.assertTrue(listeners[port["name"]]["address"].endswith(
                        ":%d" % port["port"]), (name, service, port))
            container = manifests.workload(_texts[name])["spec"]["template"][
                "spec"]["containers"][0]
            scheme = {"scheme": "HTTPS"} if "operations" in tls else {}
            self.assertEqual(container["livenessProbe"]["httpGet"],
                             {"path": "/livez", "port": "operations", **scheme})
            for probe in ("readinessProbe", "startupProbe"):
                self.assertEqual("grpc" in container[probe],
                                 "grpc" not in tls, (name, probe))
            # Which tells of a ledger that cannot be written, as /readyz does.
            if "grpc" not in tls:
                self.assertEqual(container["readinessProbe"]["grpc"]["service"],
                                 "llmgateway-readiness")

    def test_a_first_call_need_not_name_a_model(self):
        for name, text in _texts.items():
            routing = yaml.safe_load(manifests.configuration(text))["routing"]
            self.assertRegex(routing["default_target"], "^[a-z]+/.+", name)

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
                # A pod has no variables of whoever runs the tests.
                done = subprocess.run(
                    [_GATEWAY, "--config=" + path, "--check_config"], env={},
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                    text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)


if __name__ == "__main__":
    unittest.main()
