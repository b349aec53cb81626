"""The operators' HTTP paths, /api/admin/gateway: who may ask, every path, and
what an override does to a real call. docs/admin_http.md tells it."""

import tempfile
import time
import unittest

from tests.integration import http_calls
from tests.integration.admin_http_case import AdminHttpCase
from tests.integration.admin_http_case import CALLER
from tests.integration.admin_http_case import LISTENERS
from tests.integration.admin_http_case import OPERATOR
from tests.integration.admin_http_case import PREFIX
from tests.integration.http_calls import RawConnection
from tests.integration.http_calls import request_bytes
from tests.testing.gateway_process import GatewayProcess

_MOCK = """\
providers: [{name: mock, mock: {}}]
routing: {default_target: mock}
"""
# Every path, with a method that it has.
_PATHS = (("GET", "/health"), ("GET", "/status"), ("GET", "/policies"),
          ("GET", "/node-requirements"), ("GET", "/assignments"),
          ("PUT", "/policies/writer"), ("POST", "/policies/writer"),
          ("PUT", "/policies/bulk"), ("POST", "/policies/bulk"),
          ("POST", "/policies/reload"), ("POST", "/test-selection"),
          ("GET", "/recommendations/writer"), ("GET", "/cost-optimization"),
          ("GET", "/validate"))


class CredentialsTest(AdminHttpCase):

    def test_no_path_is_served_without_an_operators_key(self):
        for method, path in _PATHS:
            for key in (None, CALLER, OPERATOR + "x"):
                message = self.refused(401, method, path, key=key,
                                       body=None if method == "GET" else {})
                self.assertIn("key", message)

    def test_either_header_shows_the_key(self):
        for headers in ({"authorization": "Bearer " + OPERATOR},
                        {"x-api-key": OPERATOR}):
            self.assertEqual(self.ask("GET", "/health", key=None,
                                      headers=headers).status, 200)

    def test_the_key_opens_nothing_for_callers(self):
        answer = http_calls.ask(self.gateway.http, path="/v1/models", headers={
            "authorization": "Bearer " + OPERATOR})
        self.assertEqual(answer.status, 401)

    def test_whoever_is_refused_sends_no_body(self):
        with RawConnection(self.gateway.admin_http) as connection:
            connection.send(request_bytes(
                b"", PREFIX + "/policies/writer", "PUT").replace(
                    b"content-length: 0", b"content-length: 1000000"))
            answer = connection.read_answer()
        self.assertEqual(answer.status, 401)

    def test_refusals_are_counted_and_logged_with_their_id(self):
        answer = self.ask("GET", "/wp-admin")
        self.assertEqual(answer.status, 404)
        metrics = http_calls.ask(self.gateway.operations, path="/metrics").body
        self.assertRegex(metrics.decode(),
                         r'llmgw_requests_refused_total\{listener="admin_http",'
                         r'code="404"\} \d')
        line = self.gateway.wait_for_log(msg="a request was refused",
                                         listener="admin_http")
        self.assertIn(line["code"], ("401", "404"))
        self.assertTrue(line["request_id"])

    def test_an_answer_has_the_id_of_its_request(self):
        answer = self.ask("GET", "/health", headers={"x-request-id": "mine-1"})
        self.assertEqual(answer.headers["x-request-id"], "mine-1")
        self.assertEqual(answer.headers["cache-control"], "no-store")


class OpenTest(unittest.TestCase):
    """Where operators need no key."""

    def start(self, config):
        gateway = GatewayProcess(config)
        self.addCleanup(gateway.kill)
        return gateway

    def status(self, gateway, headers=None, method="POST",
               path="/policies/reload"):
        return http_calls.ask(gateway.admin_http, path=PREFIX + path,
                              method=method, headers=headers).status

    def test_programs_of_this_machine_are_served_and_pages_are_not(self):
        gateway = self.start(LISTENERS + _MOCK)
        port = gateway.admin_http.rpartition(":")[2]
        self.assertEqual(self.status(gateway), 200)
        own = "http://localhost:" + port
        self.assertEqual(self.status(gateway, {"host": "localhost:" + port,
                                               "origin": own}), 200)
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"},
                        {"host": "evil.example"},
                        {"host": "evil.example:" + port,
                         "origin": "http://evil.example:" + port}):
            for method, path in (("POST", "/policies/reload"),
                                 ("GET", "/policies")):
                self.assertEqual(self.status(gateway, headers, method, path),
                                 403, headers)
        gateway.stop()

    def test_what_another_page_shows_as_an_image_is_not_served(self):
        gateway = self.start(LISTENERS + _MOCK)
        for site, status in (("cross-site", 403), ("same-site", 403),
                             ("same-origin", 200), ("none", 200)):
            self.assertEqual(
                self.status(gateway, {"sec-fetch-site": site}, "GET",
                            "/cost-optimization"), status, site)
        gateway.stop()

    def test_a_page_may_be_allowed(self):
        gateway = self.start(LISTENERS.replace(
            'admin_http: {', 'admin_http: {cors: {allowed_origins: '
            '["https://ops.example"]}, ') + _MOCK)
        for origin, status in (("https://ops.example", 200),
                               ("https://evil.example", 403)):
            self.assertEqual(self.status(gateway, {"origin": origin}), status)
            self.assertEqual(
                self.status(gateway, {"origin": origin,
                                      "sec-fetch-site": "cross-site"}), status)
        gateway.stop()

    def test_it_is_not_open_unless_it_is_configured(self):
        gateway = self.start(_MOCK)
        self.assertEqual(gateway.admin_http, "")
        gateway.stop()

    def test_it_answers_while_the_gateway_drains(self):
        gateway = self.start(LISTENERS + _MOCK.replace(
            "mock: {}", "mock: {chunk_count: 50, chunk_interval: 1s}"))
        with RawConnection(gateway.http) as stream:
            stream.send(request_bytes(http_calls.chat("m", stream=True)))
            self.assertEqual(stream.read_head()[0], 200)
            gateway.send_signal(15)
            gateway.wait_for_log(msg="draining")
            # The line comes just before.
            while http_calls.ask(gateway.operations,
                                 path="/readyz").status != 503:
                pass
            answer = http_calls.ask(gateway.admin_http,
                                    path=PREFIX + "/health")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.json()["overall_status"], "degraded")
            self.assertEqual(answer.json()["problems"],
                             ["the gateway is shutting down"])
        # Who hangs up ends what the drain waits for.
        self.assertEqual(gateway.wait(), 0)


class PathsTest(AdminHttpCase):

    def tearDown(self):
        for node in ("writer", "evaluator", "translator"):
            self.told("PUT", "/policies/" + node, {"mode": "default"})

    def routed(self, node):
        """Where a call for the node goes: its model, and why."""
        request = http_calls.chat("")
        del request["model"]
        answer = http_calls.ask(
            self.gateway.http, request,
            headers={"authorization": "Bearer " + CALLER,
                     "x-llmgateway-node": node})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.headers["x-llmgateway-route"]

    def test_health(self):
        health = self.told("GET", "/health")
        self.assertEqual(health["overall_status"], "healthy")
        self.assertEqual(health["providers"]["openrouter"]["status"],
                         "healthy")
        self.assertRegex(health["timestamp"], r"^20\d\d-.*Z$")
        self.assertEqual(self.ask("HEAD", "/health").body, b"")

    def test_status(self):
        status = self.told("GET", "/status")
        self.assertEqual(status["gateway_health"]["overall_status"], "healthy")
        self.assertIs(status["configuration_valid"], False)
        self.assertEqual(len(status["configuration_issues"]), 3)
        self.assertEqual((status["total_policies"], status["total_nodes"]),
                         (3, 3))
        self.assertEqual(status["current_assignments"]["evaluator"],
                         "claude-sonnet")

    def test_policies(self):
        policies = self.told("GET", "/policies")
        self.assertEqual(sorted(policies),
                         ["claude-sonnet", "gemini-2.5-pro", "pinned"])
        gemini = policies["gemini-2.5-pro"]
        self.assertEqual(gemini, {
            "logical_id": "gemini-2.5-pro", "provider": "openrouter",
            "provider_model_id": "google/gemini-2.0-flash-exp",
            "capabilities": {
                "streaming": True, "function_calling": True, "vision": False,
                "reasoning": False, "web_search": False, "long_context": True,
                "creative_writing": True, "code_generation": False,
                "json_mode": False},
            "cost_tier": "medium", "context_window": 32000,
            "input_cost_per_1k": 0.00015, "output_cost_per_1k": 0.0006,
            "fallback_models": ["claude-sonnet", "gpt-4o"],
            "admin_overridable": True})
        self.assertIs(policies["pinned"]["admin_overridable"], False)

    def test_node_requirements(self):
        nodes = self.told("GET", "/node-requirements")
        self.assertEqual(nodes["evaluator"], {
            "required_capabilities": ["reasoning"],
            "preferred_capabilities": ["function_calling"],
            "min_context_window": 8000, "max_cost_tier": "premium",
            "reasoning_required": True})
        self.assertEqual(list(nodes),
                         ["writer", "evaluator", "search_perplexity"])

    def test_assignments(self):
        assignments = self.told("GET", "/assignments")["assignments"]
        self.assertEqual(assignments["writer"], "gemini-2.5-pro")
        self.assertEqual(assignments["evaluator"], "claude-sonnet")
        self.assertTrue(assignments["search_perplexity"].startswith("ERROR"))

    def test_an_override_leads_real_calls_at_once(self):
        self.assertIn("google/gemini-2.0-flash-exp", self.routed("writer"))
        for method in ("PUT", "POST"):
            answer = self.told(method, "/policies/writer", {
                "model_id": "claude-sonnet", "mode": "override", "ttl": 3600})
            end = answer.pop("expires_at")
            self.assertGreater(end, answer.pop("timestamp"))
            self.assertEqual(answer, {
                "success": True, "node_name": "writer",
                "model_id": "claude-sonnet", "mode": "override",
                "updated_by": "on-call"})
            route = self.routed("writer")
            self.assertIn("anthropic/claude-3.5-sonnet-20241022", route)
            self.assertIn("override:writer", route)
            answer = self.told("PUT", "/policies/writer", {"mode": "default"})
            self.assertEqual((answer["mode"], answer["model_id"]),
                             ("default", "gemini-2.5-pro"))
            self.assertIn("google/gemini-2.0-flash-exp",
                          self.routed("writer"))

    def test_an_override_ends_by_itself(self):
        self.told("PUT", "/policies/writer",
                  {"model_id": "claude-sonnet", "ttl": 1})
        deadline = time.monotonic() + 20
        while "override:" in self.routed("writer"):
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(
            self.told("GET", "/assignments")["assignments"]["writer"],
            "gemini-2.5-pro")

    def test_a_model_that_cannot_be_given_is_refused_with_400(self):
        for model, why in (("gpt-4o", "no model policy has the id 'gpt-4o'"),
                           ("pinned", "admin_overridable")):
            message = self.refused(400, "PUT", "/policies/writer",
                                   {"model_id": model})
            self.assertIn("model_id", message)
            self.assertIn(why, message)
        for ttl in (0, -1, 8760 * 3600 + 1, 2**63 - 1):
            message = self.refused(400, "PUT", "/policies/writer",
                                   {"model_id": "claude-sonnet", "ttl": ttl})
            self.assertIn("ttl: must be 1s to 31536000s", message)
        self.assertIn("node_name", self.refused(
            400, "PUT", "/policies/" + "n" * 129,
            {"model_id": "claude-sonnet"}))
        self.assertIn("google/gemini-2.0-flash-exp", self.routed("writer"))

    def test_bulk_is_no_node_and_tells_of_each(self):
        for method in ("PUT", "POST"):
            answer = self.told(method, "/policies/bulk", {"updates": {
                "writer": "claude-sonnet", "evaluator": "gone",
                "translator": "gemini-2.5-pro", "": "claude-sonnet"}})
            self.assertEqual(answer["updated_by"], "on-call")
            results = answer["results"]
            self.assertEqual(results["writer"], {"status": "success",
                                                 "model": "claude-sonnet"})
            self.assertEqual(results["evaluator"]["status"], "error")
            self.assertIn("no model policy has the id 'gone'",
                          results["evaluator"]["error"])
            self.assertIn("node_name", results[""]["error"])
        self.assertIn("override:translator", self.routed("translator"))
        assignments = self.told("GET", "/assignments")["assignments"]
        self.assertNotIn("bulk", assignments)
        for body in ({}, {"mode": "override"}, {"updates": {}}):
            self.assertIn("updates: is required", str(
                self.refused(422, "PUT", "/policies/bulk", body)))
        for ttl in (1.5, "1h", True):
            self.assertIn("must be whole seconds, 1 to 31536000", str(
                self.refused(422, "PUT", "/policies/writer", {
                    "model_id": "claude-sonnet", "ttl": ttl})))
        self.assertEqual(assignments["translator"], "gemini-2.5-pro")

    def test_a_node_of_any_name(self):
        name = "caf\u00e9 au lait/100%"
        path = "/policies/caf%C3%A9%20au%20lait%2F100%25"
        answer = self.told("PUT", path, {"model_id": "claude-sonnet"})
        self.assertEqual(answer["node_name"], name)
        self.assertIn(name, self.told("GET", "/assignments")["assignments"])
        self.told("PUT", path, {"mode": "default"})
        for path in ("/policies/100%", "/policies/%ff"):
            self.refused(422, "PUT", path, {"model_id": "claude-sonnet"})

    def test_selection_is_tried(self):
        answer = self.told("POST", "/test-selection",
                           {"node_name": "writer", "capabilities": ["streaming"],
                            "strategy": "cost_optimized", "tier": "economy",
                            "cost_tier_override": "HIGH"})
        self.assertEqual(answer["selected_model"], "gemini-2.5-pro")
        self.assertEqual(answer["provider"], "openrouter")
        self.assertEqual(answer["confidence_score"], 0.8)
        self.assertEqual(answer["estimated_cost"], 0.00045)
        self.assertEqual(answer["alternatives"], [])
        self.assertEqual(answer["tested_by"], "on-call")
        self.assertIn("fallback_chain", answer)
        self.assertIn("lacks web_search", self.refused(
            400, "POST", "/test-selection",
            {"node_name": "search_perplexity"}))
        self.assertIn("selection.capabilities[0]", self.refused(
            400, "POST", "/test-selection",
            {"node_name": "writer", "capabilities": ["flying"]}))
        self.assertEqual(
            self.upstream.stat("google/gemini-2.0-flash-exp", "requests"), 0)

    def test_recommendations(self):
        self.routed("evaluator")
        answer = self.told_at_last(
            "/recommendations/evaluator",
            lambda answer: answer["performance_data"]["claude-sonnet"][
                "total_requests"] > 0)
        self.assertEqual(answer["node_name"], "evaluator")
        picks = answer["recommendations"]
        self.assertEqual(sorted(picks), [
            "admin_preferred", "balanced", "capability_strict",
            "cost_optimized", "performance_optimized"])
        self.assertEqual(picks["balanced"]["model"], "claude-sonnet")
        self.assertIn("estimated_cost", picks["balanced"])
        performance = answer["performance_data"]["claude-sonnet"]
        self.assertEqual(performance["success_rate"], 1)
        self.assertIsNotNone(performance["avg_latency_ms"])
        self.assertEqual(answer["performance_data"]["pinned"], {
            "score": 50, "success_rate": None, "avg_latency_ms": None,
            "total_requests": 0})
        picks = self.told("GET", "/recommendations/search_perplexity")[
            "recommendations"]
        self.assertIn("lacks web_search", picks["balanced"]["error"])

    def test_cost_optimization(self):
        answer = self.told("GET", "/cost-optimization")
        self.assertEqual((answer["total_nodes_analyzed"],
                          answer["optimization_opportunities"],
                          answer["recommendations"]), (3, 0, {}))
        self.told("PUT", "/policies/writer", {"model_id": "claude-sonnet"})
        answer = self.told("GET", "/cost-optimization")
        self.assertEqual(answer["optimization_opportunities"], 1)
        self.assertEqual(answer["estimated_savings_per_request"], 0.01005)
        self.assertEqual(answer["recommendations"]["writer"], {
            "current_model": "claude-sonnet",
            "recommended_model": "gemini-2.5-pro", "current_cost": 0.0105,
            "optimized_cost": 0.00045, "savings": 0.01005})

    def test_validate(self):
        answer = self.told("GET", "/validate")
        self.assertIs(answer["valid"], False)
        self.assertEqual((answer["total_policies"], answer["total_nodes"]),
                         (3, 3))
        issues = "\n".join(answer["issues"])
        self.assertEqual(issues.count("fallback 'gpt-4o'"), 2)
        self.assertEqual(issues.count("node 'search_perplexity'"), 1)
        self.assertEqual(len(answer["issues"]), 3)
        self.assertEqual(answer["warnings"],
                         ["policy 'pinned' is used by no node"])
        self.assertEqual(answer["validated_by"], "on-call")

    def test_traces(self):
        self.routed("formatter")
        answer = self.told_at_last(
            "/traces?limit=500", lambda answer: answer["traces"] and
            answer["traces"][0]["operation"] == "llm_call_formatter")
        self.assertEqual((answer["limit"], answer["time_range_hours"]),
                         (500, 1))
        newest = answer["traces"][0]
        self.assertEqual(newest["status"], "completed")
        self.assertEqual(newest["metadata"]["caller"], "team")
        self.assertEqual(newest["metadata"]["spans"], 2)
        self.assertEqual(len(self.told("GET", "/traces?limit=1")["traces"]), 1)
        for trace_id in (newest["trace_id"],
                         newest["metadata"]["request_id"]):
            told = self.told("GET", "/traces/" + trace_id)
            self.assertEqual(told["trace_id"], newest["trace_id"])
            call, attempt = told["spans"]
            self.assertIsNone(call["parent_span_id"])
            self.assertEqual(attempt["parent_span_id"], call["span_id"])
            self.assertEqual(attempt["metadata"]["gen_ai.operation.name"],
                             "chat")
        self.assertIn("no trace is kept",
                      self.refused(404, "GET", "/traces/" + "f" * 32))
        for query in ("limit=0", "limit=501", "hours=169", "hours=x",
                      "depth=1"):
            self.assertEqual(self.ask("GET", "/traces?" + query).status, 422)

    def test_metrics_of_traces(self):
        self.routed("formatter")
        answer = self.told_at_last(
            "/traces/metrics?hours=2",
            lambda answer: "llm_call_formatter" in answer["operations"])
        self.assertEqual(answer["time_range_hours"], 2)
        self.assertGreaterEqual(answer["total_traces"], 1)
        self.assertEqual(answer["request_count"], answer["total_traces"])
        operation = answer["operations"]["llm_call_formatter"]
        self.assertGreaterEqual(operation["count"], 1)
        self.assertEqual(operation["errors"], 0)
        self.assertGreater(operation["avg_duration"], 0)
        self.assertTrue(answer["model_distribution"])
        self.assertIsInstance(answer["capability_usage"], dict)
        self.assertEqual(self.told("GET", "/traces/metrics")["time_range_hours"],
                         24)
        self.assertEqual(self.ask("GET", "/traces/metrics?hours=25").status, 422)

    def test_what_is_not_there_is_told(self):
        for method, path in (("GET", "/traces/"), ("GET", "/traces/a/b"),
                             ("GET", ""), ("GET", "/"), ("GET", "/health/"),
                             ("PUT", "/policies/"), ("GET", "/HEALTH"),
                             ("PUT", "/policies/a/b"),
                             ("GET", "/recommendations/")):
            message = self.refused(404, method, path)
            self.assertIn("GET /health", message)
            self.assertIn("/policies/{node}", message)
        self.assertEqual(self.ask("GET", "/health", prefix="").status, 404)
        self.assertEqual(self.ask("GET", "/v1/models", prefix="").status, 404)
        for method, path, allowed in (
                ("POST", "/health", "GET, HEAD"),
                ("GET", "/policies/bulk", "PUT, POST"),
                ("DELETE", "/policies/writer", "PUT, POST"),
                ("PUT", "/policies/reload", "POST"),
                ("GET", "/test-selection", "POST")):
            answer = self.ask(method, path)
            self.assertEqual(answer.status, 405, path)
            self.assertEqual(answer.headers["allow"], allowed)
            self.assertIn("detail", answer.json())


class ReloadTest(unittest.TestCase):

    def test_the_file_is_read_again_and_a_bad_one_changes_nothing(self):
        # Nothing but the path has it read.
        tail = "runtime: {watch_files: false}\n"
        gateway = GatewayProcess(LISTENERS + _MOCK + tail)
        self.addCleanup(gateway.kill)

        def reload():
            return http_calls.ask(gateway.admin_http, method="POST",
                                  path=PREFIX + "/policies/reload")

        def validation():
            return http_calls.ask(gateway.admin_http,
                                  path=PREFIX + "/validate").json()

        self.assertEqual(reload().json()["changed_fields"], [])
        gateway.write_config(LISTENERS + _MOCK.replace(
            "{default_target: mock}",
            "{default_target: mock, selection: {policies: "
            "[{id: a, target: mock/a}]}}") + tail)
        answer = reload()
        self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(answer.json()["changed_fields"])
        self.assertEqual(answer.json()["reloaded_by"], "unknown")
        self.assertEqual(validation()["total_policies"], 1)
        self.assertIs(validation()["valid"], True)
        gateway.write_config(LISTENERS + _MOCK + tail +
                             "routes: 1\nresilienze: {}\n")
        answer = reload()
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("routes", answer.json()["detail"])
        self.assertIn("resilienze", "".join(answer.json()["problems"]))
        validated = validation()
        self.assertEqual(validated["total_policies"], 1)
        self.assertIs(validated["valid"], False)
        self.assertIn("the file is not in use", validated["issues"][0])
        # Where it listens cannot change.
        gateway.write_config(LISTENERS.replace(
            'admin_http: {', 'admin_http: {connections_limit: 7, ') + _MOCK +
            tail)
        answer = reload()
        self.assertEqual(answer.status, 400, answer.body)
        self.assertIn("listeners.admin_http.connections_limit",
                      answer.json()["detail"])
        self.assertIn("needs a restart", answer.json()["detail"])
        gateway.stop()


class KeptTest(AdminHttpCase):

    def test_an_override_survives_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="state") as folder:
            config = self.config.format(upstream=self.upstream.address) + (
                "runtime: {state_dir: %s/state}\n" % folder)
            for given in (True, False):
                with GatewayProcess(config, env=self.env) as gateway:
                    def ask(method, path, body=None):
                        return http_calls.ask(
                            gateway.admin_http, body, PREFIX + path, method,
                            {"x-api-key": OPERATOR}).json()
                    if given:
                        ask("PUT", "/policies/writer",
                            {"model_id": "claude-sonnet"})
                    self.assertEqual(
                        ask("GET", "/assignments")["assignments"]["writer"],
                        "claude-sonnet")


if __name__ == "__main__":
    unittest.main()
