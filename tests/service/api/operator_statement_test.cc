#include "service/api/operator_statement.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

const absl::Time kSaidAt = absl::FromUnixMicros(1'800'000'000'000'007);

TEST(OperatorStatementTest, TheLaterCounts) {
  const OperatorStatement said = {.time = kSaidAt, .item = "x"};
  const OperatorStatement taken_back = {.time = kSaidAt + absl::Microseconds(1),
                                        .item = std::nullopt};
  EXPECT_TRUE(Supersedes(taken_back, said));
  EXPECT_FALSE(Supersedes(said, taken_back));
  EXPECT_FALSE(Supersedes(said, said));
  // What nobody knows the time of is older than all else.
  EXPECT_TRUE(Supersedes(said, {.item = "y"}));
}

TEST(OperatorStatementTest, OfTwoOfTheSameTimeAllChooseTheSame) {
  const OperatorStatement a = {.time = kSaidAt, .item = "a"};
  const OperatorStatement b = {.time = kSaidAt, .item = "b"};
  const OperatorStatement none = {.time = kSaidAt, .item = std::nullopt};
  EXPECT_TRUE(Supersedes(b, a));
  EXPECT_FALSE(Supersedes(a, b));
  EXPECT_TRUE(Supersedes(a, none));
  EXPECT_FALSE(Supersedes(none, a));
}

TEST(OperatorStatementTest, AStatementComesBackAsItWas) {
  for (const OperatorStatement& said :
       {OperatorStatement{.time = kSaidAt, .item = "{\"a\":\"\\n\"}"},
        OperatorStatement{.time = kSaidAt, .item = std::nullopt},
        OperatorStatement{.item = ""}}) {
    const absl::StatusOr<OperatorStatement> read =
        ReadStatement(WriteStatement(said));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, said);
  }
}

TEST(OperatorStatementTest, SoDoesAllThatIsKnown) {
  const KnownStatements known = {
      {"circuit/a/m",
       {.said = {.time = kSaidAt, .item = "x"},
        .is_weighed = true,
        .in_force = "y",
        .version = 7}},
      {"node/n", {.said = {.time = kSaidAt, .item = std::nullopt}}}};
  const absl::StatusOr<KnownStatements> read =
      ReadStatements(WriteStatements(known));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  const KnownStatement& circuit = read->at("circuit/a/m");
  EXPECT_EQ(circuit.said, known.at("circuit/a/m").said);
  EXPECT_TRUE(circuit.is_weighed);
  EXPECT_EQ(circuit.in_force, "y");
  // Of a store that may have lost it since.
  EXPECT_EQ(circuit.version, 0);
  const KnownStatement& node = read->at("node/n");
  EXPECT_EQ(node.said, known.at("node/n").said);
  EXPECT_FALSE(node.is_weighed);
  EXPECT_EQ(node.in_force, std::nullopt);
}

TEST(OperatorStatementTest, AnotherTextIsRefused) {
  for (const char* text :
       {"", "[]", "{}", "{\"item\":\"x\"}", "{\"time_us\":1,\"more\":2}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadStatement(text).status())) << text;
  }
  for (const char* text :
       {"", "{}", "{\"statements\":7}", "{\"statements\":[{}]}",
        "{\"statements\":[{\"name\":\"a\",\"more\":1}]}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadStatements(text).status())) << text;
  }
}

}  // namespace
}  // namespace gateway
