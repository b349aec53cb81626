"""The chart refuses in `config`, which is a ConfigMap, what the contract marks
as a secret."""

import glob
import re
import unittest

_CHECKS = "deploy/helm/llm-gateway/templates/_checks.tpl"
_PROTOS = "proto/llmgateway/config/v1/*.proto"
# What anybody may read: certificates, and a key's hash. `key_sha256` is of keys
# that nobody finds by trying.
_PUBLIC = {"ca", "cert_chain", "client_ca", "key_set_ca", "key_sha256"}
# By what they are of, since others have the same name; by a path of each.
_PLACES = {
    ("WebhookAction", "url"): "config.alerts.actions[0].webhook.url",
    ("TracingHeader", "value"): "config.tracing.headers[12].value",
}
# Names that whoever configures chooses: refused if they sound like secrets.
_MAPS = {"headers", "environment"}

_COMMENT = re.compile(r"//[^\n]*")
_MESSAGE = re.compile(r"\bmessage\s+(\w+)\s*{|\b(?:oneof|enum)\s+\w+\s*{|}")
_MARKED = re.compile(
    r"([\w.]+|map<[^>]*>)\s+(\w+)\s*=\s*\d+\s*\[[^\]]*"
    r"\(llmgateway\.type\.v1\.sensitive\)\s*=\s*SENSITIVITY_(\w+)")


def _defined(name):
    with open(_CHECKS, encoding="utf-8") as file:
        text = file.read()
    return re.search(r'define "llm-gateway\.%s" -}}\n(.*?)\n{{- end' % name,
                     text, re.DOTALL)[1].split(" ")


def _marked():
    """(message, field, type) of each that is marked."""
    found = set()
    for path in glob.glob(_PROTOS):
        with open(path, encoding="utf-8") as file:
            text = _COMMENT.sub("", file.read())
        opened = []
        places = sorted([(one.start(), one) for one in _MESSAGE.finditer(text)]
                        + [(one.start(), one)
                           for one in _MARKED.finditer(text)])
        for _, one in places:
            if one.re is _MARKED:
                message = [name for name in opened if name][-1]
                found.add((message, one[2], one[1]))
            elif one[0] == "}":
                opened.pop()
            else:
                opened.append(one[1])
    return found


class SecretFieldsTest(unittest.TestCase):

    def test_what_is_marked_is_found(self):
        found = {(message, field) for message, field, _ in _marked()}
        self.assertGreater(len(found), 25)
        for one in (("TracingHeader", "value"), ("WebhookAction", "headers"),
                    ("RedisTls", "private_key"), ("ApiKey", "key")):
            self.assertIn(one, found)

    def test_the_chart_refuses_all_that_is_marked(self):
        fields = {field for message, field, kind in _marked()
                  if (message, field) not in _PLACES and
                  not kind.startswith("map<")}
        self.assertEqual(set(_defined("secretFields")), fields - _PUBLIC)

    def test_and_by_its_place_what_others_are_called_as_well(self):
        found = {(message, field) for message, field, _ in _marked()}
        patterns = _defined("secretPlaces")
        self.assertEqual(len(patterns), len(_PLACES))
        for place, path in _PLACES.items():
            self.assertIn(place, found)
            self.assertTrue(any(re.search(one, path) for one in patterns),
                            path)
        for path in ("config.tools.url", "config.x.headers[0].value"):
            self.assertFalse(any(re.search(one, path) for one in patterns))

    def test_it_looks_into_all_maps_that_are_marked(self):
        maps = {field for _, field, kind in _marked()
                if kind.startswith("map<")}
        self.assertEqual(maps, _MAPS)
        (pattern,) = _defined("secretMaps")
        for path in ("config.providers[1].http.headers.x-api-key",
                     "config.providers[0].claude.environment.OAUTH_TOKEN",
                     "config.providers[0].claude.environment.DB_PASSWORD",
                     "config.providers[0].claude.environment.ACCESS_KEY"):
            self.assertRegex(path, pattern)
        # What a webhook is shown takes no reference, so that it has no other
        # place.
        for path in ("config.alerts.actions[0].webhook.headers.authorization",
                     "config.providers[0].http.headers.x-author",
                     "config.providers[0].claude.environment.MAX_TOKENS",
                     # Which names a file.
                     "config.providers[0].claude.environment."
                     "GOOGLE_APPLICATION_CREDENTIALS",
                     "config.tools.key_set.x_token"):
            self.assertNotRegex(path, pattern)


if __name__ == "__main__":
    unittest.main()
