#include "service/budgets/budget_change.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/ledger/entry.h"
#include "service/ledger/metadata_writer.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

std::vector<BudgetChange> SomeChanges() {
  return {{.scope = {.budget = "daily",
                     .window = "day",
                     .subject = {{config::LIMIT_DIMENSION_USER, "Zoë \"\\\n"},
                                 {config::LIMIT_DIMENSION_MODEL, ""}}},
           .start = 1773532800,
           .time = 1773577800,
           .amounts = {.input_tokens = 1,
                       .output_tokens = 2,
                       .cost_usd_nanos = 3,
                       .turns = 4}},
          {.scope = {.budget = "all", .others = true, .others_of = "ann"},
           .start = -5,
           .time = 6,
           .amounts = {.cost_usd_nanos = -7},
           .binding = BudgetBinding{.caller = "Zoë", .time = 5}},
          {.scope = {.budget = "session",
                     .subject = {{config::LIMIT_DIMENSION_SESSION, "S"}}},
           .time = 8,
           .allocation = BudgetAllocation{.limit = 0,
                                          .turn_limit = 20,
                                          .expire_time = 99,
                                          .removed = true,
                                          .version = 1'000'000'000'000}}};
}

std::string EntryText(std::string_view event_type,
                      const std::vector<BudgetChange>& changes) {
  LedgerEntry entry;
  entry.event_type = event_type;
  entry.submission_id = "SES-1";
  entry.decision = "DEBITED";
  entry.id = "LED-00000001";
  entry.time = absl::FromUnixSeconds(8);
  {
    MetadataWriter metadata(&entry.metadata);
    metadata.AddFloat("cost_incurred", 0.5);
    WriteBudgetChanges(changes, "req-1", metadata.Object(kBudgetMember));
    metadata.AddInt("input_tokens", 1);
  }
  std::string hash;
  std::string text;
  UnchainedEntry(entry).AppendChained(&hash, &text);
  return text;
}

TEST(BudgetChangeTest, IsReadAsItWasWritten) {
  const std::string form = BudgetForm(SomeChanges(), "req-1");
  std::vector<BudgetChange> read;
  ASSERT_TRUE(ReadBudgetForm(form, &read).ok());
  EXPECT_EQ(read, SomeChanges());
}

TEST(BudgetChangeTest, OfTwoWhoseItIsTheEarlierCounts) {
  const BudgetBinding ann = {.caller = "ann", .time = 5};
  const BudgetBinding bob = {.caller = "bob", .time = 5};
  const BudgetBinding early = {.caller = "zoe", .time = 4};
  std::optional<BudgetBinding> known;
  Bind(std::nullopt, &known);
  EXPECT_EQ(known, std::nullopt);
  Bind(bob, &known);
  EXPECT_EQ(known, bob);
  Bind(ann, &known);
  EXPECT_EQ(known, ann);
  Bind(early, &known);
  Bind(bob, &known);
  Bind(std::nullopt, &known);
  EXPECT_EQ(known, early);
}

TEST(BudgetChangeTest, IsInTheFormOfTheLedger) {
  const std::string form = BudgetForm(SomeChanges(), "req-1");
  const auto again = PythonJsonOf(form);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, form);
}

TEST(BudgetChangeTest, IsFoundInAnEntry) {
  const std::string text = EntryText("BUDGET_DEBIT", SomeChanges());
  std::vector<BudgetChange> read;
  ASSERT_TRUE(ReadBudgetEntry(text, &read).ok());
  EXPECT_EQ(read, SomeChanges());
}

TEST(BudgetChangeTest, OtherEntriesHaveNone) {
  // What a caller says is no entry of a budget.
  for (const std::string& text :
       {EntryText("EXCHANGE", SomeChanges()),
        std::string(R"({"event_type": "BUDGET_DEBIT", "metadata": {}})"),
        std::string(R"({"event_type": "BUDGET_WARNING", "metadata": null})")}) {
    std::vector<BudgetChange> read;
    EXPECT_TRUE(ReadBudgetEntry(text, &read).ok()) << text;
    EXPECT_TRUE(read.empty()) << text;
  }
}

TEST(BudgetChangeTest, WhatIsWrongIsNamed) {
  struct Case {
    const char* form;
    const char* message;
  };
  for (const Case& each : {
           Case{R"({"budgets": [{"window": "day"}]})", "names no budget"},
           Case{R"({"budgets": [{"budget": "a", "window": "year"}]})",
                "has no window"},
           Case{R"({"budgets": [{"budget": "a", "start": "x"}]})",
                "budgets[0].start"},
           Case{R"({"budgets": [{"budget": "a", "subject": [["user"]]}]})",
                "must be a name and a value"},
           Case{R"({"budgets": [{"budget": "a", "subject": [["x", "y"]]}]})",
                "names no dimension"},
       }) {
    std::vector<BudgetChange> read;
    const absl::Status status = ReadBudgetForm(each.form, &read);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.form;
    EXPECT_NE(status.message().find(each.message), absl::string_view::npos)
        << status;
  }
}

}  // namespace
}  // namespace gateway
