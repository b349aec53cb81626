#include "service/config/config_problem.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::vector<std::string> SortedLines(const ConfigProblems& problems) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

TEST(ConfigProblemTest, SaysWhereAndWhat) {
  EXPECT_EQ((ConfigProblem{"a.yaml", {3, 5}, "x.y", "is wrong"}).ToString(),
            "a.yaml:3:5: x.y: is wrong");
  EXPECT_EQ((ConfigProblem{"a\x1b", {}, "\xc2\x9b", "is\r"}).ToString(),
            R"(a\u001b: \u009b: is\r)");
  EXPECT_EQ((ConfigProblem{"a.yaml", {}, "", "is wrong"}).ToString(),
            "a.yaml: is wrong");
}

TEST(ConfigProblemTest, OfAnotherFileIsAtNoPlaceOfTheText) {
  const ConfigProblem own = {"a.yaml", {3, 5}, "x.y", "is wrong"};
  EXPECT_EQ(own.AsOfText().ToString(), own.ToString());
  const ConfigProblem other = {"b.yaml", {3, 5, "b.yaml"}, "x.y", "is wrong"};
  EXPECT_EQ(other.AsOfText().place.line, 0);
  EXPECT_EQ(other.AsOfText().message, "b.yaml:3:5: is wrong");
  EXPECT_EQ(other.AsOfText().ToString(), "x.y: b.yaml:3:5: is wrong");
}

TEST(ConfigProblemsTest, ComeInTheOrderOfTheTextAndOtherSourcesLast) {
  ConfigProblems problems("a.yaml");
  EXPECT_TRUE(problems.empty());
  problems.AddFrom("environment", "X", "1");
  problems.Add({2, 9}, "b", "2");
  problems.Add({2, 1}, "a", "3");
  problems.Add({1, 7}, "c", "4");
  problems.Add({}, "d", "5");
  EXPECT_FALSE(problems.empty());
  EXPECT_EQ(SortedLines(problems),
            (std::vector<std::string>{"a.yaml: d: 5", "a.yaml:1:7: c: 4",
                                      "a.yaml:2:1: a: 3", "a.yaml:2:9: b: 2",
                                      "environment: X: 1"}));
}

TEST(ConfigProblemsTest, KeepTheFirstOfEachField) {
  ConfigProblems problems("a.yaml");
  problems.Add({1, 1}, "a", "is no number");
  problems.Add({1, 1}, "a", "is too small");
  problems.Add({1, 1}, "", "is bad");
  problems.Add({1, 1}, "", "is worse");
  EXPECT_EQ(problems.Sorted().size(), 3u);
}

TEST(ConfigProblemsTest, AreCountedBeyondTheLimit) {
  ConfigProblems problems("a.yaml");
  for (size_t i = 0; i < kConfigProblemsMax; ++i) problems.Add({1, 1}, "", "x");
  EXPECT_EQ(problems.Sorted().size(), kConfigProblemsMax);
  problems.Add({1, 1}, "", "x");
  problems.Add({1, 1}, "", "x");
  EXPECT_EQ(SortedLines(problems).size(), kConfigProblemsMax + 1);
  EXPECT_EQ(SortedLines(problems).back(), "a.yaml: and 2 more problems");
}

TEST(FieldPlacesTest, FindTheFieldOrWhatIsAroundIt) {
  FieldPlaces places;
  places.Add("a", {1, 1});
  places.Add("a.b[2]", {2, 2});
  places.Add("a.b[2]", {3, 3});
  EXPECT_EQ(places.Find("a.b[2]").line, 2);
  EXPECT_EQ(places.Find("a.b[2].c.d").line, 2);
  EXPECT_EQ(places.Find("a.b[1]").line, 1);
  EXPECT_EQ(places.Find("b").line, 0);
}

TEST(FieldPathTest, ReadsAsTheFileDoes) {
  EXPECT_EQ(JoinPath("", "a"), "a");
  EXPECT_EQ(JoinPath("a", "b"), "a.b");
  EXPECT_EQ(ElementPath("a", 0), "a[0]");
  EXPECT_EQ(EntryPath("a", "x-team"), "a.x-team");
  EXPECT_EQ(EntryPath("a", "b c\n"), "a[\"b c\\n\"]");
  EXPECT_EQ(EntryPath("a", ""), "a[\"\"]");
}

TEST(ConfigProblemsTest, AFieldThatWasMadeFromAnotherIsToldAsThat) {
  ConfigProblems problems("f");
  problems.TellAs("a[0]", "theirs.x");
  problems.TellAs("a[0].url", "theirs.x.baseUrl");
  problems.Add({1, 1}, "a[0].url", "is bad");
  problems.Add({1, 2}, "a[0].headers.h", "is bad");
  problems.Warn({1, 3}, "a[1]", "is odd");
  // One field of theirs may have become several of ours.
  problems.Add({1, 4}, "a[0].other", "follows from that");
  ASSERT_EQ(problems.Sorted().size(), 2u);
  EXPECT_EQ(problems.Sorted()[0].path, "theirs.x.baseUrl");
  EXPECT_EQ(problems.Sorted()[1].path, "theirs.x");
  EXPECT_EQ(problems.SortedWarnings()[0].path, "a[1]");
}

TEST(ConfigProblemsTest, AFieldThatAVariableSetIsToldAsThat) {
  ConfigProblems problems("f");
  problems.TellAs("a.b", "theirs");
  problems.TellAsFrom("a.b", "environment", "VARIABLE");
  problems.Add({7, 1}, "a.b.c", "is bad");
  problems.Warn({1, 2}, "a.d", "is odd");
  EXPECT_EQ(problems.Sorted()[0].ToString(), "environment: VARIABLE: is bad");
  EXPECT_EQ(problems.SortedWarnings()[0].ToString(), "f:1:2: a.d: is odd");
}

TEST(ConfigProblemsTest, TheEnvironmentsNamesAreItsOwn) {
  ConfigProblems problems("f");
  problems.TellAs("a", "b");
  problems.AddFrom("environment", "a", "is bad");
  EXPECT_EQ(problems.Sorted()[0].path, "a");
}

TEST(ConfigProblemsTest, WarningsStandApart) {
  ConfigProblems problems("f");
  problems.Warn({2, 1}, "b", "second");
  problems.Warn({1, 1}, "a", "first");
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(problems.Sorted().empty());
  ASSERT_EQ(problems.SortedWarnings().size(), 2u);
  EXPECT_EQ(problems.SortedWarnings()[0].ToString(), "f:1:1: a: first");
}

}  // namespace
}  // namespace gateway
