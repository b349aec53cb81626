"""What a release says of itself and of what it was made of."""

import json
import os
import tempfile
import unittest

from tools.packaging import build_facts
from tools.packaging import debian_libraries
from tools.packaging import licences
from tools.packaging import sbom

_DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x

Files: *
Copyright: 2001 Somebody
License: %s

Files: debian/*
Copyright: 2002 Else
License: GPL-3+
"""


class LicencesTest(unittest.TestCase):

    def test_a_machine_readable_file_is_told_in_the_words_of_spdx(self):
        for short, expression in (("Expat", "MIT"), ("zlib", "Zlib"),
                                  ("Expat or CC0-1.0", "MIT OR CC0-1.0"),
                                  ("LGPL-2.1+", "LGPL-2.1-or-later")):
            self.assertEqual(licences.declared(_DEP5 % short), expression)

    def test_what_spdx_has_no_name_for_is_told_by_none(self):
        self.assertIsNone(licences.declared(_DEP5 % "public-domain-ish"))
        self.assertIsNone(licences.declared("This package was debianized by"))
        self.assertIsNone(licences.declared(""))


class DebianTest(unittest.TestCase):

    def test_a_file_is_found_through_the_merged_usr(self):
        loaded = debian_libraries.loaded_by(["/bin/true"])
        path = loaded.files["libc.so.6"]
        for name in (path, os.path.realpath(path)):
            self.assertEqual([one.name for one in
                              debian_libraries.packages_of([name])],
                             ["libc6"])

    def test_a_file_of_no_package_is_named(self):
        with tempfile.NamedTemporaryFile() as file:
            with self.assertRaisesRegex(
                    debian_libraries.UnknownFileError, file.name):
                debian_libraries.packages_of([file.name])

    def test_a_package_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(debian_libraries.UnknownFileError,
                                    "no-such-package"):
            debian_libraries.packages(["no-such-package"])


class DocumentTest(unittest.TestCase):

    def document(self, **changes):
        fields = {"name": "llm-gateway", "version": "1.2.3",
                  "revision": "4be1", "epoch_s": 0,
                  "packages": debian_libraries.packages(["libc6"]), **changes}
        return json.loads(sbom.document(**fields))

    def test_a_package_has_its_version_and_its_url(self):
        told = self.document()["packages"][1]
        (installed,) = debian_libraries.packages(["libc6"])
        self.assertEqual(told["versionInfo"], installed.version)
        self.assertRegex(told["externalRefs"][0]["referenceLocator"],
                         r"^pkg:deb/debian/libc6@[^/+ ]+\?arch=\w+$")

    def test_documents_that_differ_have_other_names(self):
        self.assertEqual(self.document()["documentNamespace"],
                         self.document()["documentNamespace"])
        self.assertNotEqual(self.document()["documentNamespace"],
                            self.document(revision="5be1")[
                                "documentNamespace"])

    def test_its_time_is_the_given_one(self):
        self.assertEqual(self.document()["creationInfo"]["created"],
                         "1970-01-01T00:00:00Z")


class FactsTest(unittest.TestCase):

    def test_the_version_is_read_and_checked(self):
        self.assertRegex(build_facts.read_version(), r"^\d+\.\d+\.\d+")
        for text in ("1.2", "v1.2.3", "1.2.3 x", ""):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                with self.assertRaisesRegex(ValueError, "no version such as"):
                    build_facts.read_version(file.name)


if __name__ == "__main__":
    unittest.main()
