#include "service/summary/group_table.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

using Table = GroupTable<int>;

TEST(GroupTableTest, EachGroupHasItsOwnValue) {
  Table table({});
  table.At({.provider = "a", .model = "m"}).value = 1;
  table.At({.provider = "b", .model = "m"}).value = 2;
  table.At({.provider = "a", .model = "m"}).value += 10;
  EXPECT_EQ(table.At({.provider = "a", .model = "m"}).value, 11);
  EXPECT_EQ(table.entries().size(), 2u);
  EXPECT_EQ(table.Find({.provider = "c"}), nullptr);
}

TEST(GroupTableTest, WhoHasAKeyIsNotWhoHasNone) {
  Table table({});
  table.At({.caller = "a", .caller_has_key = true});
  table.At({.caller = "a", .caller_has_key = false});
  EXPECT_EQ(table.entries().size(), 2u);
}

TEST(GroupTableTest, NamesBeyondTheLimitOfTheirKindAreOther) {
  Table table({.agents = 2, .models = 1, .projects = 1, .callers = 1});
  table.At({.agent_type = "a", .model = "m", .project_id = "p"});
  table.At({.agent_type = "b", .caller = "c"});
  EXPECT_EQ(table.At({.agent_type = "a", .model = "m", .project_id = "p"})
                .group()
                .agent_type,
            "a");
  const CallGroup other = table
                              .At({.agent_type = "c",
                                   .model = "n",
                                   .project_id = "q",
                                   .caller = "d"})
                              .group();
  EXPECT_EQ(other, (CallGroup{.agent_type = "other",
                              .model = "other",
                              .project_id = "other",
                              .caller = "other"}));
  // What does not say is no name.
  EXPECT_EQ(table.At({.agent_type = "b"}).group().project_id, "");
}

TEST(GroupTableTest, OtherTakesNoPlace) {
  Table table({.agents = 1});
  table.At({.agent_type = "other"});
  EXPECT_EQ(table.At({.agent_type = "a"}).group().agent_type, "a");
  EXPECT_EQ(table.At({.agent_type = "b"}).group().agent_type, "other");
}

TEST(GroupTableTest, GroupsBeyondTheLimitAreProviderAndModelAndThenNothing) {
  Table table({.groups = 2});
  for (int i = 0; i < 2; ++i) {
    table.At({.provider = "p", .project_id = std::to_string(i)});
  }
  const CallGroup third =
      table.At({.provider = "p", .model = "m", .project_id = "third"}).group();
  EXPECT_EQ(third, (CallGroup{.agent_type = "other",
                              .provider = "p",
                              .model = "m",
                              .project_id = "other",
                              .caller = "other"}));
  // Those that are there stay.
  EXPECT_EQ(table.At({.provider = "p", .project_id = "1"}).group().project_id,
            "1");
  table.At({.provider = "q", .model = "m"});
  ASSERT_EQ(table.entries().size(), 4u);
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i);
    const CallGroup last = table.At({.provider = name, .model = name}).group();
    EXPECT_EQ(last.provider, "other");
    EXPECT_EQ(last.model, "other");
  }
  EXPECT_EQ(table.entries().size(), 5u);
}

TEST(GroupTableTest, ACallerWhoMakesUpNamesTakesNoOthersPlaces) {
  const GroupLimits limits = {.agents = 16, .projects = 32, .groups = 80};
  Table table(limits);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = std::to_string(i);
    table.At({.agent_type = name, .project_id = name, .caller = "mallory"});
    table.At({.agent_type = std::to_string(i % 10),
              .project_id = std::to_string(i / 10),
              .caller = "mallory"});
  }
  EXPECT_EQ(
      table.At({.agent_type = "x", .project_id = "x", .caller = "mallory"})
          .group()
          .project_id,
      "other");
  // The last eighth: of agents two, of projects four, of groups ten.
  const CallGroup writer = {
      .agent_type = "writer", .project_id = "payroll", .caller = "alice"};
  EXPECT_EQ(table.At(writer).group(), writer);
  const CallGroup coder = {
      .agent_type = "coder", .project_id = "search", .caller = "bob"};
  EXPECT_EQ(table.At(coder).group(), coder);
}

TEST(GroupTableTest, ManyNamesOfCallersTakeABoundedPlace) {
  const GroupLimits limits = {.agents = 10, .projects = 10, .groups = 50};
  Table table(limits);
  for (int i = 0; i < 100000; ++i) {
    const std::string name = std::to_string(i);
    table
        .At({.agent_type = name,
             .provider = "p",
             .model = name,
             .project_id = name,
             .caller = name})
        .value += 1;
  }
  EXPECT_LE(table.entries().size(), 2 * limits.groups + 1);
  int sum = 0;
  for (const auto& entry : table.entries()) sum += entry->value;
  EXPECT_EQ(sum, 100000);
}

}  // namespace
}  // namespace gateway
