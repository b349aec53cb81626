"""Tests of the table and of the rows that fill it."""

import unittest

from tests.bench import bench
from tests.bench import configurations
from tests.bench import profile
from tests.bench import report
from tests.bench import rows
from tests.bench import servers


def _line(gateway, nginx, limit, ratio=None, unit="us", note=""):
    return report.Line("name", "title", unit, gateway, nginx, ratio, limit,
                       note)


class HoldsTest(unittest.TestCase):

    def test_a_multiple_of_nginx_holds_up_to_the_limit(self):
        limit = rows.times_nginx(1.2, 1.0)
        self.assertTrue(report.holds(_line(12, 10, limit, 1.2)))
        self.assertFalse(report.holds(_line(12.1, 10, limit, 1.21)))

    def test_what_comes_on_top_of_nginx_holds_up_to_the_limit(self):
        limit = rows.above_nginx(150, 50)
        self.assertTrue(report.holds(_line(450, 300, limit, 1.5)))
        self.assertFalse(report.holds(_line(451, 300, limit, 1.5)))

    def test_an_absolute_limit_asks_nothing_of_nginx(self):
        limit = rows.at_most(36, 24)
        self.assertTrue(report.holds(_line(36, None, limit)))
        self.assertFalse(report.holds(_line(36.1, 99, limit)))

    def test_without_limit_or_figure_nothing_is_claimed(self):
        self.assertIsNone(report.holds(_line(1, 1, None, 1)))
        self.assertIsNone(report.holds(
            report.failed_line(rows.LOAD_ROWS[0], "FAILED")))


class TableTest(unittest.TestCase):

    def test_text_shows_figures_limits_and_what_does_not_hold(self):
        table = report.text_table([
            _line(12.34, 10, rows.times_nginx(1.2, 1), 1.234, note="5/s")])
        self.assertIn("12.3 us", table)
        self.assertIn("1.2 x", table)
        self.assertIn("NO", table)
        self.assertIn("5/s", table)

    def test_markdown_keeps_its_columns_whatever_a_note_says(self):
        text = report.markdown(
            [_line(1, 1, None, 1, note="a|b\nc")],
            dict(report.machine(), rounds=1, seconds=2, idle=3))
        line = next(line for line in text.splitlines() if "title" in line)
        self.assertEqual(line.count("|"), 9)
        self.assertIn("a/b c", line)

    def test_what_was_written_by_hand_stays_below_a_new_table(self):
        about = dict(report.machine(), rounds=1, seconds=2, idle=3)
        page = report.markdown([_line(1, 1, None, 1, note="run 1")], about,
                               "old table\n\n## By hand\n\n## More\n")
        self.assertTrue(page.endswith("|\n\n## By hand\n\n## More\n"), page)
        again = report.markdown([_line(1, 1, None, 1, note="run 2")], about,
                                page)
        self.assertEqual(again, page.replace("run 1", "run 2"))

    def test_json_has_the_verdict_beside_the_figure(self):
        data = report.as_json([_line(50, 1, rows.at_most(36, 24))],
                              report.machine())
        self.assertIs(data["rows"][0]["holds"], False)
        self.assertIn("commit", data["about"])


class RowsTest(unittest.TestCase):

    def test_names_are_unique(self):
        names = rows.names()
        self.assertEqual(len(names), len(set(names)))

    def test_rows_name_servers_and_scripts_that_exist(self):
        for row in rows.LOAD_ROWS:
            with self.subTest(row.name):
                self.assertIn(row.gateway, configurations.GATEWAYS)
                self.assertIn(row.nginx, servers.NGINX_PORTS)
                self.assertIn(row.load.model, rows.SCRIPTS)

    def test_nginx_has_as_many_calls_in_flight_as_the_gateway(self):
        for row in rows.LOAD_ROWS:
            with self.subTest(row.name):
                self.assertEqual(row.load.connections * row.load.streams,
                                 row.nginx_load.connections)

    def test_streams_are_compared_with_unbuffered_proxying(self):
        for row in rows.LOAD_ROWS:
            with self.subTest(row.name):
                self.assertEqual(row.load.mode == "stream",
                                 "sse" in row.nginx)

    def test_growth_is_of_rows_that_are_measured(self):
        load_rows = {row.name: row for row in rows.LOAD_ROWS}
        for growth in rows.GROWTH_ROWS:
            for name in (growth.small, growth.large):
                self.assertIn(name, load_rows)
                self.assertTrue(load_rows[name].quick or not growth.quick)

    def test_differences_are_of_rows_that_are_measured(self):
        names = rows.names()
        for difference in rows.DIFFERENCE_ROWS:
            for name in (difference.row, difference.than):
                self.assertLess(names.index(name),
                                names.index(difference.name))

    def test_rows_of_rooms_have_variants_that_exist(self):
        for row in rows.SHARE_ROWS + rows.THREAD_ROWS:
            self.assertIn(row.gateway, configurations.GATEWAYS)
        for row in rows.THREAD_ROWS:
            self.assertIn(row.than, {None, *configurations.GATEWAYS})

    def test_an_unknown_row_is_refused(self):
        class Options:
            rows = "http_64,no_such_row"
        with self.assertRaises(SystemExit) as refused:
            bench.wanted_rows(Options)
        self.assertIn("no_such_row", str(refused.exception))

    def test_only_rows_of_load_can_be_profiled(self):
        self.assertEqual(profile.find_row("http_64").name, "http_64")
        with self.assertRaises(SystemExit) as refused:
            profile.find_row("idle_http")
        self.assertIn("http_64", str(refused.exception))
