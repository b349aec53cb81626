#include "service/http/admin_requests.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/policies.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::UpdateNodePolicyRequest NodePolicyOf(std::string_view body) {
  v1::UpdateNodePolicyRequest request;
  const absl::Status read =
      ReadNodePolicy({.node = "writer", .body = body}, &request);
  EXPECT_TRUE(read.ok()) << read;
  return request;
}

// What is wrong with a body, as `field: why`; empty if nothing is.
template <typename Request>
std::string ProblemOf(absl::Status (*read)(const AdminQuestion&, Request*),
                      std::string_view body) {
  Request request;
  const absl::Status status = read({.node = "writer", .body = body}, &request);
  if (status.ok()) return "";
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  const auto violations = FieldViolations(status);
  EXPECT_EQ(violations.size(), 1u);
  return absl::StrCat(violations[0].first, ": ", violations[0].second);
}

TEST(AdminRequestsTest, AModelIsGivenToANodeForSomeSeconds) {
  v1::UpdateNodePolicyRequest request = NodePolicyOf(
      R"({"model_id": "sonnet", "mode": "override", "ttl": 3600})");
  EXPECT_EQ(request.node_name(), "writer");
  EXPECT_EQ(request.model_id(), "sonnet");
  EXPECT_EQ(request.ttl().seconds(), 3600);
  EXPECT_FALSE(request.validate_only());
  request = NodePolicyOf(R"({"model_id": "sonnet", "ttl": null})");
  EXPECT_FALSE(request.has_ttl());
}

TEST(AdminRequestsTest, AnOverrideIsTakenBackByItsOwnModeOnly) {
  EXPECT_EQ(NodePolicyOf(R"({"mode": "default"})").model_id(), "");
  for (const char* body : {"{}", R"({"model_id": ""})",
                           R"({"model_id": "", "mode": "override"})"}) {
    EXPECT_THAT(ProblemOf(&ReadNodePolicy, body),
                StartsWith("model_id: is required"));
  }
  EXPECT_THAT(
      ProblemOf(&ReadNodePolicy, R"({"mode": "default", "model_id": "a"})"),
      StartsWith("model_id: contradicts the mode"));
}

TEST(AdminRequestsTest, WhatIsWrongWithANodePolicyIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "body: must be a JSON object"},
      {"[]", "body: must be a JSON object"},
      {"{", "body: "},
      {R"({"model_id": 1})", "model_id: expected a string"},
      {R"({"model_id": null})", "model_id: expected a string"},
      {R"({"model_id": "a", "ttl": "60"})", "ttl: must be whole seconds"},
      {R"({"model_id": "a", "mode": "forever"})",
       "mode: must be 'override' or 'default'"},
      {R"({"model_id": "a", "mode": "config"})",
       "mode: 'config' is not served"},
      {R"({"model_id": "a", "model": "b"})",
       "model: is no field of this request; there are model_id, mode and ttl"},
      {R"({"model_id": "a", "model_id": "b"})", "model_id: is given twice"}};
  for (const auto& [body, problem] : cases) {
    EXPECT_THAT(ProblemOf(&ReadNodePolicy, body), StartsWith(problem)) << body;
  }
}

TEST(AdminRequestsTest, SeveralNodesAreReadInTheirOrder) {
  v1::BulkUpdateNodePoliciesRequest request;
  const absl::Status read =
      ReadNodePolicies({.body = R"({"updates": {"writer": "a", "bulk": "b"},
                   "mode": "override"})"},
                       &request);
  ASSERT_TRUE(read.ok()) << read;
  ASSERT_EQ(request.updates_size(), 2);
  EXPECT_EQ(request.updates(0).node_name(), "writer");
  EXPECT_EQ(request.updates(0).model_id(), "a");
  EXPECT_EQ(request.updates(1).node_name(), "bulk");
}

TEST(AdminRequestsTest, WhatIsWrongWithSeveralIsNamedByNode) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"updates": ["a"]})", "updates: must be a JSON object"},
      {R"({"updates": {"writer": 1}})", "updates.writer: expected a string"},
      {R"({"updates": {"writer": ""}})",
       "updates.writer: must be the id of a model policy"},
      {R"({"updates": {"a": "x", "a": "y"}})", "updates.a: is given twice"},
      {R"({"updates": {"a": "x"}, "mode": "default"})",
       "mode: must be 'override'"},
      {R"({"updates": {"a": "x"}, "ttl": 1})",
       "ttl: is no field of this request; there are updates and mode"}};
  for (const auto& [body, problem] : cases) {
    EXPECT_THAT(ProblemOf(&ReadNodePolicies, body), StartsWith(problem))
        << body;
  }
}

TEST(AdminRequestsTest, AThousandUpdatesAreReadAndNoMore) {
  std::vector<std::string> updates;
  for (int i = 0; i < 1000; ++i) {
    updates.push_back(absl::StrCat("\"n", i, "\": \"a\""));
  }
  const auto body = [&updates] {
    return absl::StrCat("{\"updates\": {", absl::StrJoin(updates, ","), "}}");
  };
  EXPECT_EQ(ProblemOf(&ReadNodePolicies, body()), "");
  updates.push_back("\"one\": \"a\"");
  EXPECT_EQ(ProblemOf(&ReadNodePolicies, body()),
            "updates: has more than 1000 entries");
}

TEST(AdminRequestsTest, AReloadSaysNothing) {
  EXPECT_EQ(ProblemOf(&ReadReload, ""), "");
  EXPECT_EQ(ProblemOf(&ReadReload, "{}"), "");
  EXPECT_THAT(ProblemOf(&ReadReload, R"({"validate_only": true})"),
              StartsWith("validate_only: is no field"));
}

TEST(AdminRequestsTest, ASelectionIsReadByTheNamesOfThatSystem) {
  v1::TestSelectionRequest request;
  const absl::Status read = ReadTestSelection(
      {.body = R"({"node_name": "writer", "capabilities": ["vision", "tools"],
                   "strategy": "performance_optimized", "tier": "economy",
                   "cost_tier_override": "PREMIUM"})"},
      &request);
  ASSERT_TRUE(read.ok()) << read;
  const v1::Selection& selection = request.selection();
  EXPECT_EQ(selection.node_name(), "writer");
  EXPECT_THAT(selection.capabilities(), ElementsAre("vision", "tools"));
  EXPECT_EQ(selection.strategy(),
            v1::Selection::STRATEGY_PERFORMANCE_OPTIMIZED);
  EXPECT_EQ(selection.cost_tier(), v1::Selection::COST_TIER_PREMIUM);
  request.Clear();
  ASSERT_TRUE(ReadTestSelection({.body = R"({"node_name": "writer",
                                             "cost_tier_override": null})"},
                                &request)
                  .ok());
  EXPECT_EQ(request.selection().strategy(),
            v1::Selection::STRATEGY_UNSPECIFIED);
  EXPECT_EQ(request.selection().cost_tier(),
            v1::Selection::COST_TIER_UNSPECIFIED);
}

TEST(AdminRequestsTest, WhatIsWrongWithASelectionIsNamed) {
  const auto with = [](std::string_view field) {
    return absl::StrCat(R"({"node_name": "writer", )", ToAbsl(field), "}");
  };
  EXPECT_THAT(ProblemOf(&ReadTestSelection, "{}"),
              StartsWith("node_name: is required"));
  EXPECT_EQ(ProblemOf(&ReadTestSelection, with(R"("strategy": "unspecified")")),
            "strategy: must be one of cost_optimized, performance_optimized, "
            "balanced, capability_strict, admin_preferred");
  EXPECT_EQ(ProblemOf(&ReadTestSelection, with(R"("cost_tier_override": "x")")),
            "cost_tier_override: must be one of low, medium, high, premium");
  EXPECT_THAT(ProblemOf(&ReadTestSelection, with(R"("tier": "gold")")),
              StartsWith("tier: must be one of premium, standard"));
  EXPECT_EQ(ProblemOf(&ReadTestSelection, with(R"("capabilities": ["a", 1])")),
            "capabilities[1]: expected a string");
  EXPECT_THAT(ProblemOf(&ReadTestSelection, with(R"("trace_id": "x")")),
              HasSubstr("is no field of this request"));
  std::vector<std::string> names(64, "\"vision\"");
  const auto many = [&] {
    return with(
        absl::StrCat("\"capabilities\": [", absl::StrJoin(names, ","), "]"));
  };
  EXPECT_EQ(ProblemOf(&ReadTestSelection, many()), "");
  names.push_back("\"vision\"");
  EXPECT_EQ(ProblemOf(&ReadTestSelection, many()),
            "capabilities: has more than 64 entries");
}

TEST(AdminRequestsTest, ThePathSaysWhichNode) {
  v1::GetRecommendationsRequest request;
  ASSERT_TRUE(ReadRecommendations({.node = "writer"}, &request).ok());
  EXPECT_EQ(request.node_name(), "writer");
  v1::ListPoliciesRequest listing;
  ASSERT_TRUE(ReadListing({}, &listing).ok());
  EXPECT_EQ(listing.page_size(), 1000);
}

TEST(AdminRequestsTest, TheQuerySaysWhichTraces) {
  v1::ListTracesRequest request;
  ASSERT_TRUE(ReadTraceList({}, &request).ok());
  EXPECT_EQ(request.page_size(), 50);
  EXPECT_EQ(request.window().seconds(), 3600);
  ASSERT_TRUE(ReadTraceList({.query = "limit=500&hours=168"}, &request).ok());
  EXPECT_EQ(request.page_size(), 500);
  EXPECT_EQ(request.window().seconds(), 168 * 3600);
  for (const std::string_view query :
       {"limit=0", "limit=501", "limit=x", "hours=0", "hours=169", "depth=1",
        "limit=1&limit=2"}) {
    EXPECT_FALSE(ReadTraceList({.query = query}, &request).ok()) << query;
  }
}

TEST(AdminRequestsTest, ThePathSaysWhichTrace) {
  v1::GetTraceRequest request;
  ASSERT_TRUE(ReadTrace({.node = "4bf9"}, &request).ok());
  EXPECT_EQ(request.trace_id(), "4bf9");
}

TEST(AdminRequestsTest, TheQuerySaysOfHowManyHours) {
  v1::GetTraceMetricsRequest request;
  ASSERT_TRUE(ReadTraceMetrics({}, &request).ok());
  EXPECT_EQ(request.window().seconds(), 24 * 3600);
  ASSERT_TRUE(ReadTraceMetrics({.query = "hours=1"}, &request).ok());
  EXPECT_EQ(request.window().seconds(), 3600);
  EXPECT_FALSE(ReadTraceMetrics({.query = "hours=25"}, &request).ok());
}

}  // namespace
}  // namespace gateway
