"""The reports of shell and Python runners hold every case, whatever it says."""

import os
import subprocess
import tempfile
import unittest
from xml.etree import ElementTree

from tools.testing import junit


class ShellReportTest(unittest.TestCase):

    def run_script(self, script):
        """Returns (exit code, output, root of the report)."""
        with tempfile.TemporaryDirectory() as directory:
            report = os.path.join(directory, "test.xml")
            done = subprocess.run(
                ["bash", "-c", "source tools/testing/junit.sh\n" + script],
                env={**os.environ, "XML_OUTPUT_FILE": report},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False)
            root = None
            if os.path.exists(report):
                root = ElementTree.parse(report).getroot()
            return done.returncode, done.stdout, root

    def test_passes_when_every_case_passes(self):
        code, output, root = self.run_script(
            "fine() { true; }\njunit_case fine\njunit_finish")
        self.assertEqual(code, 0)
        self.assertIn("1 passed, 0 failed, 0 skipped", output)
        self.assertEqual([c.get("name") for c in root], ["fine"])

    def test_any_line_of_a_case_can_fail_it(self):
        code, output, root = self.run_script(
            "bad() { echo '<why>'; false; echo unreached; }\n"
            "junit_case bad\njunit_finish")
        self.assertEqual(code, 1)
        self.assertNotIn("unreached", output)
        self.assertEqual(root.find("testcase/failure").text, "<why>")

    def test_a_failed_case_does_not_stop_the_next(self):
        _, output, root = self.run_script(
            "set -e\nbad() { false; }\nfine() { true; }\n"
            "junit_case bad\njunit_case fine\njunit_finish")
        self.assertIn("1 passed, 1 failed", output)
        self.assertEqual(root.get("failures"), "1")

    def test_a_skip_says_why(self):
        code, _, root = self.run_script(
            "junit_case true\njunit_skip java 'no JDK'\njunit_finish")
        self.assertEqual(code, 0)
        self.assertEqual(root.find("testcase/skipped").get("message"),
                         "no JDK")

    def test_no_case_at_all_is_a_failure(self):
        code, _, _ = self.run_script("junit_finish")
        self.assertEqual(code, 1)


class PythonReportTest(unittest.TestCase):

    def written(self, report):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "test.xml")
            report.write(path)
            return ElementTree.parse(path).getroot()

    def test_counts_what_it_holds(self):
        report = junit.Report("suite")
        report.add("a")
        report.add("b", failure="went\nwrong")
        report.add("c", skipped="not here")
        root = self.written(report)
        self.assertEqual((root.get("tests"), root.get("failures"),
                          root.get("skipped")), ("3", "1", "1"))
        self.assertEqual(root.find("testcase/failure").get("message"),
                         "wrong")

    def test_survives_what_xml_cannot_hold(self):
        report = junit.Report("suite")
        report.add("a", failure="bell \x07 <tag> \x00")
        self.assertEqual(
            self.written(report).find("testcase/failure").text,
            "bell  <tag> ")

    def test_an_empty_failure_is_still_a_failure(self):
        report = junit.Report("suite")
        report.add("a", failure="")
        self.assertIsNotNone(self.written(report).find("testcase/failure"))


class UnittestReportTest(unittest.TestCase):

    def run_module(self, text):
        """The root of the report of a file of test cases."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "cases.py"), "w",
                      encoding="utf-8") as file:
                file.write("import unittest\n" + text)
            report = os.path.join(directory, "test.xml")
            subprocess.run(
                ["python3", "-m", "tools.testing.junit", "cases.py"],
                env={**os.environ, "XML_OUTPUT_FILE": report,
                     "PYTHONPATH": os.getcwd()}, cwd=directory,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            return ElementTree.parse(report).getroot()

    def test_a_class_that_skips_itself_is_a_skipped_case(self):
        root = self.run_module(
            "class Case(unittest.TestCase):\n"
            "    @classmethod\n"
            "    def setUpClass(cls):\n"
            "        raise unittest.SkipTest('no tool')\n"
            "    def test(self):\n"
            "        pass\n")
        self.assertEqual((root.get("tests"), root.get("skipped")), ("1", "1"))
        self.assertEqual(root.find("testcase/skipped").get("message"),
                         "no tool")

    def test_a_class_that_cannot_start_is_a_failed_case(self):
        root = self.run_module(
            "class Case(unittest.TestCase):\n"
            "    @classmethod\n"
            "    def setUpClass(cls):\n"
            "        raise ValueError('no server')\n"
            "    def test(self):\n"
            "        pass\n")
        self.assertEqual((root.get("tests"), root.get("failures")),
                         ("1", "1"))


if __name__ == "__main__":
    unittest.main()
