"""The ways through the gateway, so that a test can hold them all to the same.

    for way in WAYS:
        for stream in (False, True):
            result = Asker(self).ask(way, stream, script={"status": 503})
            self.assertEqual(result.reason, "PROVIDER_UNAVAILABLE")

A way is an API and a provider. HTTP to OpenAI forwards bytes; HTTP to Anthropic
translates between two formats; by gRPC both are read into messages.
"""

import itertools

from tests.integration import grpc_caller
from tests.integration import http_calls


class Way:

    def __init__(self, api, vendor):
        self.api = api
        self.vendor = vendor

    def __str__(self):
        return "%s to %s" % (self.api, self.vendor)

    def model(self, name):
        """A model of this name that goes to the way's vendor."""
        return ("claude-" if self.vendor == "anthropic" else "gpt-") + name


WAYS = tuple(Way(api, vendor) for api in ("http", "grpc")
             for vendor in ("openai", "anthropic"))
# Half of them, where the vendor makes no difference.
APIS = WAYS[::2]


class Result:
    """How a call went, in the same words whatever the API.

    Fields:
      code, reason, attempts: as in the access log, whose line is `log`.
      text: what was delivered of the answer.
      ends: the terminal events of a stream: "ok" or the error's message.
      http_status, headers: of the HTTP api.
      message: of the error, if any.
      retry_s: how long to wait, if the caller is told.
    """

    def __init__(self, log):
        self.log = log
        self.code = log["status"]
        self.reason = log.get("error_reason", "")
        self.attempts = log["attempt_count"]
        self.text = ""
        self.ends = []
        self.http_status = None
        self.headers = {}
        self.message = ""
        self.retry_s = None

    def usage(self):
        return (self.log["input_tokens"], self.log["output_tokens"])


class Asker:
    """Asks through any way, as a case of GatewayCase, and checks that exactly
    one line of the access log tells the same as the API did."""

    _numbers = itertools.count(1)

    def __init__(self, case):
        self._case = case

    def ask(self, way, stream, script=None, model=None, **fields):
        """Plays the script for a model of its own, unless one is given."""
        number = next(self._numbers)
        request_id = "r-%d" % number
        if model is None:
            model = way.model("m%d" % number)
        if script is not None:
            self._case.upstream.set_script(model, script)
        ask = self._ask_http if way.api == "http" else self._ask_grpc
        result = ask(model, stream, request_id, fields)
        result.model = model
        lines = self._case.gateway.access_lines(request_id=request_id)
        self._case.assertEqual(len(lines), 1, lines)
        self._case.assertEqual(result.log["stream"], stream)
        self._case.assertEqual(result.log["protocol"], way.api)
        if result.code == "OK":
            self._check_usage(result, model)
        return result

    def _check_usage(self, result, model):
        """The access log counts what the mock says it told this model's
        callers, beside what attempts that broke off came to; models here have
        one successful call."""
        broken_off = result.log.get("attempts", ())
        self._case.assertEqual(
            result.usage(),
            tuple(self._case.upstream.stat(model, told) +
                  sum(attempt.get(counted, 0) for attempt in broken_off)
                  for told, counted in (
                      ("usage.prompt_tokens", "input_tokens"),
                      ("usage.completion_tokens", "output_tokens"))))

    def _log_of(self, request_id):
        return self._case.gateway.wait_for_access(request_id=request_id)

    def _ask_http(self, model, stream, request_id, fields):
        answer = http_calls.ask(
            self._case.gateway.http,
            http_calls.chat(model, **({"stream": True} if stream else {}),
                            **fields),
            headers={"x-request-id": request_id})
        self._case.assertEqual(answer.headers["x-request-id"], request_id)
        result = Result(self._log_of(request_id))
        result.http_status = answer.status
        result.headers = answer.headers
        if "retry-after" in answer.headers:
            result.retry_s = float(answer.headers["retry-after"])
        self._case.assertEqual(result.log["http_status"], answer.status)
        if answer.status != 200:
            self._case.assertNotEqual(result.code, "OK")
            result.message = answer.error()["message"]
            return result
        result.text = answer.text()
        if stream:
            self._note_ends(answer, result)
        return result

    def _note_ends(self, answer, result):
        for event in answer.events():
            if event is None:
                result.ends.append("ok")
            elif "error" in event:
                result.message = event["error"]["message"]
                result.ends.append(result.message)
        self._case.assertEqual(len(result.ends), 1, answer.body)
        self._case.assertEqual(result.ends == ["ok"], result.code == "OK")

    def _ask_grpc(self, model, stream, request_id, fields):
        caller = self._case.caller
        ask = caller.stream_all if stream else caller.generate
        call = ask(self._case.gateway.grpc,
                   grpc_caller.prompt(model, **fields),
                   metadata=[["x-request-id", request_id]])
        self._case.assertEqual(call.trailer("x-request-id"), request_id)
        result = Result(self._log_of(request_id))
        self._case.assertEqual(call.end["code"], result.code)
        self._case.assertEqual(call.end.get("reason", ""), result.reason)
        result.message = call.end["message"]
        result.retry_s = call.end.get("retry_s")
        if call.events or call.response is not None:
            result.text = call.text()
        if call.events:
            self._check_events(call, result)
        elif call.response is not None:
            self._case.assertEqual(
                len(call.response["attempts"]), result.attempts)
        return result

    def _check_events(self, call, result):
        """`started` first, `end` last, both once; numbered without gaps."""
        kinds = [next(key for key in event if key != "seq")
                 for event in call.events]
        self._case.assertEqual(
            [int(event["seq"]) for event in call.events],
            list(range(1, len(kinds) + 1)))
        self._case.assertEqual(kinds.count("started"), 1, kinds)
        self._case.assertEqual(kinds[0], "started")
        self._case.assertEqual(kinds.count("end"), 1, kinds)
        self._case.assertEqual(kinds[-1], "end")
        end = call.events[-1]["end"]
        self._case.assertEqual(len(end["attempts"]), result.attempts)
        if result.code == "OK":
            self._case.assertEqual(end["outcome"], "OUTCOME_FINISHED")
            result.ends.append("ok")
        else:
            self._case.assertEqual(
                end["error"]["reason"], "ERROR_REASON_" + result.reason)
            result.ends.append(end["error"]["message"])
