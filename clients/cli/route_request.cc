#include "clients/cli/route_request.h"

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/chat_request.h"
#include "clients/cli/target_words.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kExplainFlags[] = {
    "--model", "--provider", "--agent_type", "--project", "--user",
    "--tag",   "--session",  "--max_tokens", "--request"};
constexpr OperatorVerb kRouteVerbs[] = {{"explain", kExplainFlags}};

template <typename Targets>
std::string TargetsText(const Targets& targets) {
  std::string text;
  for (const auto& target : targets) {
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    TargetText(target.provider(), target.model()));
  }
  return OrDash(text);
}

}  // namespace

const OperatorCommand kRouteCommand = {"route", kRouteVerbs};

absl::StatusOr<Findings> AskRoute(const RpcPlace& place,
                                  const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kRouteCommand, words));
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kRouteCommand, words));
  v1::ExplainRouteRequest request;
  GATEWAY_ASSIGN_OR_RETURN(*request.mutable_request(),
                           GenerateRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::ExplainRouteResponse response,
      admin.Call(&v1::AdminService::Stub::ExplainRoute, request));
  return Findings{
      .good = response.has_route(),
      .text = words.as_json ? AsJson(response) : RouteTable(response)};
}

std::string RouteTable(const v1::ExplainRouteResponse& response) {
  const v1::Route& route = response.route();
  std::vector<Row> rows;
  if (response.has_route()) {
    rows = {{"goes to", TargetText(route.provider(), route.model())},
            {"because of", route.reason()},
            {"then to", TargetsText(route.fallbacks())}};
  } else {
    rows = {{"goes", "nowhere"},
            {"because of", v1::ErrorReason_Name(response.failure())},
            {"", response.failure_message()}};
  }
  std::string text = Table(rows);
  if (response.steps().empty()) return text;
  std::vector<Row> steps = {{"RULE", "VERDICT", "TARGETS", "DETAIL"}};
  for (const v1::RouteStep& step : response.steps()) {
    steps.push_back(
        {step.rule(),
         ValueText(v1::RouteStep::Verdict_Name(step.verdict()), "VERDICT_"),
         TargetsText(step.targets()), OrDash(step.detail())});
  }
  return absl::StrCat(text, "\n", Table(steps));
}

}  // namespace gateway
