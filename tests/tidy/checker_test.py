"""The checker itself, on small samples: what it must say, and what not."""

import unittest

from tests.tidy import build_rules
from tests.tidy import cpp_source
from tests.tidy import text_rules
from tests.tidy.tree import Tree

_HEADER = """\
// What it is.

#ifndef %(guard)s
#define %(guard)s

%(body)s
#endif  // %(guard)s
"""


def header(guard, body=""):
    return _HEADER % {"guard": guard, "body": body}


def says(problems, *words):
    return any(all(word in problem for word in words) for problem in problems)


class BuildRulesTest(unittest.TestCase):

    def setUp(self):
        self.files = {
            "base/BUILD.bazel": """\
# Knows no domain.

gateway_cc_library(
    name = "clock",
    srcs = ["clock.cc"],
    hdrs = ["clock.h"],
    deps = ["//third_party:absl_time"],
)
""",
            "base/clock.h": header("BASE_CLOCK_H_",
                                   '#include "absl/time/time.h"'),
            "base/clock.cc": '#include "base/clock.h"\n#include <ctime>\n',
            "service/a/BUILD.bazel": """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = ["a.cc"],
    deps = ["//base:clock"],
)
""",
            "service/a/a.cc": '#include "base/clock.h"\n#include <unistd.h>\n',
            "tests/base/BUILD.bazel": """\
# Tests of base.

gateway_cc_test(
    name = "clock_test",
    srcs = ["clock_test.cc"],
    deps = ["//base:clock"],
)
""",
            "tests/base/clock_test.cc":
                '#include "base/clock.h"\n#include "gtest/gtest.h"\n',
        }

    def problems(self, rule):
        return rule(build_rules.Project(Tree(self.files)))

    def test_includes_of_direct_dependencies_are_fine(self):
        self.assertEqual(
            self.problems(build_rules.includes_of_direct_dependencies), [])

    def test_an_include_through_another_target_is_not(self):
        self.files["service/a/a.cc"] += '#include "absl/time/time.h"\n'
        problems = self.problems(build_rules.includes_of_direct_dependencies)
        self.assertEqual(problems, [
            "service/a/a.cc:3: absl/time/time.h comes from "
            "//third_party:absl_time; add that to the deps of //service/a:a"])

    def test_a_header_that_no_target_exports_is_reported(self):
        self.files["service/a/a.cc"] += '#include "base/gone.h"\n'
        self.assertTrue(says(
            self.problems(build_rules.includes_of_direct_dependencies),
            "no target exports base/gone.h"))

    def test_a_library_missing_from_the_table_is_reported(self):
        self.files["service/a/a.cc"] += "#include <mystery/mystery.h>\n"
        self.assertTrue(says(
            self.problems(build_rules.includes_of_direct_dependencies),
            "mystery/mystery.h", "system_headers.py"))

    def test_gtest_is_not_given_to_libraries(self):
        self.files["service/a/a.cc"] += '#include "gtest/gtest.h"\n'
        self.assertTrue(says(
            self.problems(build_rules.includes_of_direct_dependencies),
            "//third_party:gtest"))

    def test_generated_headers_belong_to_their_proto_library(self):
        self.files["proto/x/v1/BUILD.bazel"] = """\
# A contract.

gateway_proto_library(
    name = "cc_proto",
    srcs = glob(["*.proto"]),
)
"""
        self.files["proto/x/v1/x.proto"] = ""
        self.files["service/a/a.cc"] += (
            '#include "x/v1/x.pb.h"\n#include "x/v1/x.grpc.pb.h"\n')
        problems = self.problems(build_rules.includes_of_direct_dependencies)
        self.assertTrue(says(problems, "x/v1/x.pb.h comes from "
                             "//proto/x/v1:cc_proto;"))
        self.assertTrue(says(problems, "//proto/x/v1:cc_proto_grpc;"))

    def test_a_proto_of_ours_is_not_taken_for_a_library_of_the_same_path(self):
        self.files["proto/grpc/x/BUILD.bazel"] = """\
# A contract.

gateway_proto_library(
    name = "cc_proto",
    srcs = ["x.proto"],
)
"""
        self.files["service/a/a.cc"] += '#include "grpc/x/x.pb.h"\n'
        self.assertTrue(says(
            self.problems(build_rules.includes_of_direct_dependencies),
            "grpc/x/x.pb.h comes from //proto/grpc/x:cc_proto;"))

    def test_an_unused_dependency_is_reported_unless_kept(self):
        self.assertEqual(self.problems(build_rules.dependencies_are_used), [])
        build = self.files["service/a/BUILD.bazel"]
        self.files["service/a/BUILD.bazel"] = build.replace(
            '["//base:clock"]',
            '[\n        "//base:clock",\n'
            '        "//third_party:zlib",\n    ]')
        self.assertTrue(says(self.problems(build_rules.dependencies_are_used),
                             "//third_party:zlib"))
        self.files["service/a/BUILD.bazel"] = build.replace(
            '["//base:clock"]',
            '[\n        "//base:clock",\n'
            '        "//third_party:zlib",  # keep\n    ]')
        self.assertEqual(self.problems(build_rules.dependencies_are_used), [])

    def test_a_file_in_no_build_file_is_reported(self):
        self.files["service/a/stray.h"] = header("SERVICE_A_STRAY_H_")
        self.assertEqual(
            len(self.problems(build_rules.files_are_in_a_build_file)), 1)

    def test_a_build_file_that_names_nothing_real_is_reported(self):
        del self.files["service/a/a.cc"]
        self.assertTrue(says(
            self.problems(build_rules.build_files_name_real_files),
            "service/a/a.cc"))

    def test_a_source_without_its_test_is_reported(self):
        self.assertEqual(self.problems(build_rules.sources_have_tests), [
            "service/a/a.cc: has no mirrored test; "
            "write tests/service/a/a_test.cc"])

    def test_a_build_file_must_say_why(self):
        self.assertEqual(self.problems(build_rules.build_files_say_why), [])
        self.files["service/a/BUILD.bazel"] = "load('x', 'y')\n"
        self.assertEqual(
            len(self.problems(build_rules.build_files_say_why)), 1)

    def test_unsorted_dependencies_are_reported(self):
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    deps = [
        "//base:clock",
        ":local",
    ],
)
"""
        self.assertTrue(says(
            self.problems(build_rules.dependencies_are_sorted),
            "from //base:clock on"))

    def test_a_loop_over_targets_is_reported(self):
        self.files["service/a/BUILD.bazel"] = (
            "# A room.\n[gateway_cc_library(name = n) for n in ['a']]\n")
        self.assertTrue(says(
            self.problems(build_rules.unreadable_build_files), "loop"))

    def test_select_and_sums_are_read(self):
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = ["a.cc"] + select({
        ":x": ["b.cc"],
        "//conditions:default": [],
    }),
    deps = ["//base:clock"],
)
"""
        project = build_rules.Project(Tree(self.files))
        self.assertIn("service/a/b.cc", project.owners)


    def test_what_a_glob_excludes_is_left_out(self):
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = glob(["*.cc"], exclude = ["main.cc"]),
)
"""
        self.files["service/a/main.cc"] = ""
        project = build_rules.Project(Tree(self.files))
        self.assertIn("service/a/a.cc", project.owners)
        self.assertNotIn("service/a/main.cc", project.owners)

    def test_a_private_header_is_for_its_own_target(self):
        self.files["base/BUILD.bazel"] = self.files["base/BUILD.bazel"].replace(
            'hdrs = ["clock.h"],',
            'hdrs = ["clock.h"],\n    private_hdrs = ["clock.h"],')
        problems = self.problems(build_rules.includes_of_direct_dependencies)
        self.assertTrue(says(problems, "service/a/a.cc:1: no target exports "
                             "base/clock.h"))
        self.assertFalse(says(problems, "base/clock.cc"))

    def test_a_label_may_leave_out_its_folder_s_name(self):
        self.files["base/BUILD.bazel"] = self.files["base/BUILD.bazel"].replace(
            'name = "clock"', 'name = "base"')
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = ["a.cc"],
    deps = [
        "//base",
        "//base/text:json",
    ],
)
"""
        self.assertEqual(
            self.problems(build_rules.dependencies_are_sorted), [])
        self.assertFalse(says(
            self.problems(build_rules.includes_of_direct_dependencies),
            "service/a"))

    def test_a_file_of_two_targets_is_reported(self):
        self.assertEqual(self.problems(build_rules.files_have_one_target), [])
        self.files["service/a/BUILD.bazel"] += """
gateway_cc_library(
    name = "twin",
    srcs = ["a.cc"],
)
"""
        self.assertEqual(self.problems(build_rules.files_have_one_target), [
            "service/a/a.cc: belongs to //service/a:a and //service/a:twin; "
            "leave it to one, and let the others depend on that"])

    def test_a_folder_s_library_has_its_name(self):
        build = self.files["service/a/BUILD.bazel"]
        self.files["service/a/BUILD.bazel"] = build.replace('"a"', '"b"')
        self.assertTrue(says(self.problems(build_rules.folders_are_libraries),
                             "//service/a:b", "named after it: //service/a:a"))
        self.files["service/a/BUILD.bazel"] = build + build.replace(
            '"a"', '"b"')
        self.assertFalse(says(self.problems(build_rules.folders_are_libraries),
                              "//service/a"))

    def test_the_hidden_names_of_a_unit_differ(self):
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = glob(["*.cc"]),
)
"""
        self.files["service/a/a.cc"] = "namespace {\nint F(int x);\n}\n"
        self.files["service/a/b.cc"] = "namespace {\nint G(int x);\n}\n"
        self.assertEqual(self.problems(build_rules.names_differ_in_a_unit), [])
        self.files["service/a/b.cc"] += "namespace {\nint F(long x);\n}\n"
        self.assertEqual(self.problems(build_rules.names_differ_in_a_unit), [
            "service/a/a.cc:2: service/a/b.cc declares F too; say of each "
            "what it alone is, or declare it once, in a header"])
        self.files["service/a/b.cc"] = (
            "namespace other {\nnamespace {\nint F(long x);\n}\n}\n")
        self.assertEqual(self.problems(build_rules.names_differ_in_a_unit), [])

    def test_a_name_is_not_hidden_that_a_header_of_the_unit_declares(self):
        self.files["service/a/BUILD.bazel"] = """\
# A room.

gateway_cc_library(
    name = "a",
    srcs = glob(["*.cc"]),
    hdrs = glob(["*.h"]),
)
"""
        self.files["service/a/a.cc"] = "namespace n {\nnamespace {\nint kX;\n}}"
        self.files["service/a/b.cc"] = ""
        self.files["service/a/b.h"] = "namespace n {\nextern int kX;\n}\n"
        self.assertEqual(self.problems(build_rules.names_differ_in_a_unit), [
            "service/a/a.cc:3: service/a/b.h declares kX too; say of each "
            "what it alone is, or declare it once, in a header"])


class HiddenNamesTest(unittest.TestCase):

    def names(self, code):
        return [name for _, name, hidden in cpp_source.names(code) if hidden]

    def test_each_kind_of_declaration_has_its_name(self):
        for code, name in [
                ("int F(int x) { return g(x); }", "F"),
                ("const std::vector<char*>& F(std::map<int, int> x);", "F"),
                ("template <typename T, size_t n>\nbool F(T (&x)[n]) {}", "F"),
                ("constexpr int kMax = 3;", "kMax"),
                ("constexpr std::string_view kAll[] = {\"a\", \"b\"};",
                 "kAll"),
                ("const Thing kThing(1, 2);", "kThing"),
                ("Thing thing{f()};", "thing"),
                ("class A final : public B {\n int x;\n};", "A"),
                ("struct A {\n int F();\n};", "A"),
                ("enum class Kind { kOne };", "Kind"),
        ]:
            with self.subTest(code):
                self.assertEqual(
                    self.names("namespace n {\nnamespace {\n%s\n}\n}\n"
                               % code), ["n::" + name])

    def test_what_is_not_hidden_has_no_name(self):
        for code in ["int F();", "namespace n {\nint F() {}\n}",
                     "namespace {\nusing A = B;\nusing std::string;\n}",
                     "namespace {\nint A::F() {\n int x = 1;\n}\n}",
                     "namespace {\nstatic_assert(sizeof(int) == 4);\n}"]:
            with self.subTest(code):
                self.assertEqual(self.names(code), [])


class CodeBansTest(unittest.TestCase):

    def problems(self, code, path="service/a/a.cc"):
        return text_rules.banned_code(Tree({path: code}))

    def test_each_banned_form_names_its_replacement(self):
        for code, instead in [
                ("auto t = absl::Now();", "Clock"),
                ("auto t = std::chrono::steady_clock::now();", "Clock"),
                ("auto t = time(nullptr);", "Clock"),
                ("int r = rand();", "Random"),
                ("std::mt19937 engine;", "Random"),
                ("usleep(5);", "EventLoop"),
                ("std::this_thread::sleep_for(d);", "EventLoop"),
                ("std::thread worker(f);", "EventLoop"),
                ("int s = system(command);", "Subprocess"),
                ("auto* f = popen(a, b);", "Subprocess"),
                ("auto* p = std::getenv(x);", "run_gateway.cc"),
                ("std::mutex mu;", "base/os/mutex.h"),
                ("throw 1;", "absl::Status"),
                ("if (ok && co_await Ask(f(x))) Go();", "in a variable"),
                ("while (co_await reader.Read(&m)) {", "in a variable"),
                ("x = whole ? co_await A() : co_await B();", "then await"),
                ("class CallManager {", "noun"),
                ("using namespace std;", "name what is used"),
        ]:
            with self.subTest(code):
                problems = self.problems(code)
                self.assertEqual(len(problems), 1, problems)
                self.assertIn(instead, problems[0])

    def test_words_that_only_look_alike_are_fine(self):
        for code in [
                "const auto time = clock.Now();",
                "if (ok(x)) co_await Ask(x);",
                "f(a ? b : c); co_await Ask(x);",
                "Rng().random();",
                "loop.system(x);",
                "int operand = errand(x);",
                "void set_deadline_time(int x);",
                "using namespace std::string_view_literals;",
                "class Utility {};",
                "std::thread::hardware_concurrency();",
        ]:
            with self.subTest(code):
                self.assertEqual(self.problems(code), [])

    def test_comments_and_literals_may_say_anything(self):
        self.assertEqual(self.problems(
            "// absl::Now() is banned.\n"
            "/* rand() */ auto s = \"throw usleep(1)\";\n"
            "auto r = R\"x(throw \" )x\";\nint n = 1'000;\n"), [])

    def test_base_and_main_have_their_exceptions(self):
        self.assertEqual(self.problems("absl::Now();", "base/clock.cc"), [])
        self.assertEqual(self.problems("getenv(x);", "service/run_gateway.cc"), [])
        self.assertNotEqual(self.problems("getenv(x);", "base/a.cc"), [])

    def test_commands_write_to_their_console(self):
        def problems(code, path="clients/cli/a.cc"):
            return text_rules.banned_output(Tree({path: code}))
        for code in ["std::cout << model;", "std::cerr << 1;", "printf(text);",
                     "fputs(text, stderr);", "write(1, text, size);"]:
            with self.subTest(code):
                self.assertIn("Console", problems(code)[0])
        for code in ["console.out << model;", "file.write(text, size);",
                     "Rewrite(text);"]:
            with self.subTest(code):
                self.assertEqual(problems(code), [])
        self.assertEqual(problems("std::cerr;", "clients/cli/main.cc"), [])
        self.assertEqual(problems("std::cerr;", "service/a.cc"), [])

    def test_the_line_is_named(self):
        self.assertTrue(self.problems("\n\nthrow 1;\n")[0].startswith(
            "service/a/a.cc:3: "))


class TextRulesTest(unittest.TestCase):

    def test_paths_of_one_machine_and_registry_hosts_are_banned(self):
        for text in ["cd /wo" + "rk/main", "see /ho" + "me/ann/x",
                     "https://registry.npm" + "js.org/x",
                     "# TO" + "DO: later"]:
            with self.subTest(text):
                self.assertEqual(
                    len(text_rules.banned_text(Tree({"a.md": text}))), 1)

    def test_paths_of_every_machine_are_fine(self):
        self.assertEqual(text_rules.banned_text(Tree(
            {"a.sh": "cd /usr/share; cat /etc/x; cd ${HOME}/work\n"})), [])

    def test_modules_of_the_log_are_listed_and_used(self):
        lists = 'inline constexpr x kLogModules[] = {\n    "%s",  // Why.\n};\n'
        writes = 'void F() {\n  Log(a ? LogLevel::kInfo\n : b, "%s", "hi");\n}\n'
        through = 'constexpr x kModule = "%s";\n  if (!LogEnabled(a, kModule))\n'

        def problems(listed, text):
            return text_rules.log_modules(Tree({
                "service/config/log_modules.h": lists % listed,
                "service/a/a.cc": text}))

        for text in (writes, through):
            self.assertEqual(problems("here", text % "here"), [])
            self.assertEqual(len(problems("here", text % "there")), 2)

    def test_modules_of_the_log_are_explained(self):
        def problems(page):
            return text_rules.log_modules_are_explained(Tree({
                "service/config/log_modules.h":
                    'x kLogModules[] = {\n    "one",  // Why.\n'
                    '    "two",  // Why.\n};\n',
                "docs/runbook.md": page}))

        self.assertEqual(
            problems("The modules are `one` (why) and\n`two` (why). Set"), [])
        self.assertEqual(len(problems("The modules are `one`. Set `two`")), 1)
        self.assertEqual(len(problems("")), 2)

    def test_metrics_are_in_documents(self):
        def problems(page):
            return text_rules.metrics_in_documents(Tree({
                "service/a/a.cc": 'D k = {\n    .name = "llmgw_a_total",\n'
                                  '    .help = "A."};\n',
                "docs/a.md": page}))

        self.assertEqual(problems("| `llmgw_a_total{b}` | a |"), [])
        self.assertEqual(len(problems("llmgw_a_totals")), 1)

    def test_members_of_the_access_log_are_listed(self):
        def problems(*listed):
            return text_rules.access_log_members(Tree({
                "service/config/access_log_members.h":
                    "".join('    "%s",\n' % name for name in listed),
                "service/observability/access_log.cc":
                    '\nvoid WriteAttempt(int a) {\n  Text(",\\"kind\\":");\n}\n'
                    'void Write() {\n  Literal("{\\"ts\\":\\"");\n'
                    '  Text(",\\"peer\\":");\n}\n'}))

        self.assertEqual(problems("peer", "ts"), [])
        for wrong in (("ts", "peer"), ("peer",), ("kind", "peer", "ts")):
            self.assertEqual(len(problems(*wrong)), 1)

    def test_a_header_is_included_once(self):
        once = '#include <b>\n#include "a/b.h"\n'
        self.assertEqual(
            text_rules.includes_stand_once(Tree({"a/b.cc": once})), [])
        self.assertEqual(
            len(text_rules.includes_stand_once(Tree({"a/b.cc": once * 2}))), 2)

    def test_lines_have_eighty_columns_at_most(self):
        fine = "a" * 80
        self.assertEqual(text_rules.line_length(Tree({"a.cc": fine})), [])
        self.assertEqual(
            len(text_rules.line_length(Tree({"a.cc": fine + "a"}))), 1)
        self.assertEqual(text_rules.line_length(
            Tree({"a.cc": "// https://" + fine})), [])

    def test_functions_have_seventy_lines_at_most(self):
        fine = "void F() {\n" + "  g();\n" * 68 + "}\n"
        self.assertEqual(text_rules.function_length(Tree({"a.cc": fine})), [])
        long = "void F() {\n" + "  g();\n" * 69 + "}\n"
        self.assertEqual(text_rules.function_length(Tree({"a.cc": long})), [
            "a.cc:1: F has 71 lines; the limit is 70: what second thing does "
            "it do?"])

    def test_files_have_a_limit(self):
        self.assertEqual(
            text_rules.file_length(Tree({"a.cc": "\n" * 600})), [])
        self.assertEqual(
            len(text_rules.file_length(Tree({"a.cc": "\n" * 601}))), 1)

    def test_header_guards_follow_the_path(self):
        good = header("SERVICE_A_B_H_")
        self.assertEqual(
            text_rules.header_guards(Tree({"service/a/b.h": good})), [])
        self.assertEqual(
            len(text_rules.header_guards(Tree({"service/a/c.h": good}))), 1)

    def test_prose_before_the_guard_may_end_in_a_quote(self):
        text = '//   // "a", "b"\n' + header("SERVICE_A_B_H_")
        self.assertEqual(
            text_rules.header_guards(Tree({"service/a/b.h": text})), [])

    def test_headers_open_with_prose(self):
        self.assertEqual(text_rules.headers_open_with_prose(
            Tree({"a.h": header("A_H_")})), [])
        self.assertEqual(len(text_rules.headers_open_with_prose(
            Tree({"a.h": "#ifndef A_H_\n"}))), 1)

    def test_file_names_find_the_noun(self):
        self.assertEqual(len(text_rules.banned_file_names(
            Tree({"a/string_utils.cc": "", "a/utility.cc": ""}))), 1)

    def test_paths_that_documents_name_are_there(self):
        files = {"docs/a.md": "`service/b.h`, `service/a/b.cc`, `b.h`, `x/y`",
                 "docs/adr/0001.md": "`service/gone.h`"}
        problems = text_rules.paths_in_documents(Tree(files))
        self.assertEqual(problems, ["docs/a.md:1: `service/b.h` is not there"])
        files["service/b.h"] = ""
        self.assertEqual(text_rules.paths_in_documents(Tree(files)), [])

    def test_whitespace_is_tidy(self):
        self.assertEqual(
            text_rules.whitespace(Tree({"a.cc": "int a;\n"})), [])
        self.assertEqual(
            len(text_rules.whitespace(Tree({"a.cc": "int a; \n\t"}))), 4)


class FunctionsTest(unittest.TestCase):

    def names(self, code):
        return [name for _, _, name in cpp_source.functions(code)]

    def test_finds_functions_in_namespaces_and_classes(self):
        self.assertEqual(self.names("""
            namespace gateway {
            class A : public B {
             public:
              A() : x_{1}, y_(2) {}
              int Get() const { return x_; }
              int x_{0};
            };
            enum class E { kA, kB };
            const int kTable[] = {1, 2, 3};
            absl::Status A::Do(int a) {
              if (a) { return f([] { return 1; }); }
            }
            TEST(ATest, Works) { Do(); }
            }  // namespace gateway
            """)[-3:], ["Get", "A::Do", "TEST"])

    def test_templates_and_attributes_do_not_confuse(self):
        self.assertEqual(self.names("""
            template <typename T, class U>
            void F(T t) { g(); }
            struct Point P(int x) { return {x}; }
            class ABSL_MUST_USE_RESULT C { void G() {} };
            """), ["F", "P", "G"])

    def test_preprocessor_lines_are_ignored(self):
        self.assertEqual(self.names("""
            #define M(x) \\
              do { x; } while (0)
            void F() {}
            """), ["F"])

    def test_lines_are_counted_from_the_signature(self):
        self.assertEqual(cpp_source.functions(
            "int a;\n\nvoid F(\n    int x) {\n  g();\n}\n"), [(3, 6, "F")])


if __name__ == "__main__":
    unittest.main()
