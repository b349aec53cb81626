#include "clients/cli/health_request.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/providers_request.h"
#include "llmgateway/v1/admin.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// It does one thing only.
constexpr OperatorVerb kHealthVerbs[] = {{"", {}}};

}  // namespace

const OperatorCommand kHealthCommand = {"health", kHealthVerbs};

absl::StatusOr<Findings> AskHealth(const RpcPlace& place,
                                   const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kHealthCommand, words));
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kHealthCommand, words));
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(place));
  GATEWAY_ASSIGN_OR_RETURN(
      const v1::GetHealthResponse health,
      admin.Call(&v1::AdminService::Stub::GetHealth, v1::GetHealthRequest()));
  return Findings{.good = AnswersCalls(health),
                  .text = words.as_json ? AsJson(health) : HealthTable(health)};
}

bool AnswersCalls(const v1::GetHealthResponse& health) {
  return health.status() == v1::GetHealthResponse::STATUS_SERVING ||
         health.status() == v1::GetHealthResponse::STATUS_DEGRADED;
}

std::string HealthTable(const v1::GetHealthResponse& health) {
  std::vector<Row> rows = {
      {"status", ValueText(v1::GetHealthResponse::Status_Name(health.status()),
                           "STATUS_")}};
  for (const std::string& problem : health.problems()) {
    rows.push_back({"problem", problem});
  }
  rows.push_back({"version", health.version()});
  rows.push_back({"started", TimeText(health.start_time())});
  rows.push_back({"in flight", absl::StrCat(health.calls_in_flight())});
  std::string text = Table(rows);
  if (!health.providers().empty()) {
    v1::ListProvidersResponse providers;
    *providers.mutable_providers() = health.providers();
    absl::StrAppend(&text, "\n", ProvidersTable(providers));
  }
  if (health.components().empty()) return text;
  std::vector<Row> components = {{"COMPONENT", "STATE", "PROBLEM"}};
  for (const v1::ComponentHealth& each : health.components()) {
    components.push_back(
        {each.name(),
         ValueText(v1::ComponentHealth::State_Name(each.state()), "STATE_"),
         OrDash(each.problem())});
  }
  return absl::StrCat(text, "\n", Table(components));
}

}  // namespace gateway
