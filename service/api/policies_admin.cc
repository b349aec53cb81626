#include "service/api/policies_admin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/override_document.h"
#include "service/api/policy_view.h"
#include "service/api/state_fault.h"
#include "service/routing/selection/model_selection.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kPoliciesService = "llmgateway.v1.AdminService";
constexpr int kUpdatesMax = 1000;
constexpr absl::Duration kTtlMin = absl::Seconds(1);
constexpr absl::Duration kTtlMax = absl::Hours(8760);
// A message has less beside its seconds, as google/protobuf/duration.proto
// says.
constexpr int32_t kNanosPerSecond = 1'000'000'000;
constexpr size_t kLoggedNodesMax = 16;

void FillCurrentAssignment(const RuntimeSnapshot& runtime,
                           const std::string& node, v1::NodeAssignment* to) {
  FillAssignment(runtime, *runtime.selection().overrides.Get(), node, to);
}

void FillNodeResult(const RuntimeSnapshot& runtime,
                    const OverrideSet& overrides, const std::string& node,
                    const absl::Status& set, v1::NodePolicyResult* to) {
  to->set_node_name(node);
  if (set.ok()) {
    FillAssignment(runtime, overrides, node, to->mutable_assignment());
  } else {
    to->set_failure_message(std::string(set.message()));
  }
}

// How much work views are, for OffLoop.
size_t WorkForOneNode(const RuntimeSnapshot& runtime) {
  return WorkForNodes(runtime, 1);
}

size_t WorkForEachStrategy(const RuntimeSnapshot& runtime) {
  return WorkForNodes(runtime, std::size(kSelectionStrategies));
}

// By the worker pool, if it is much. A view begins what it does for its call:
// pieces of calls that are under way pass it.
template <typename Request, typename Response>
Task<absl::Status> Answer(std::shared_ptr<const RuntimeSnapshot> runtime,
                          absl::Status (*view)(const RuntimeSnapshot&,
                                               const Request&, Response*),
                          size_t work, const Request& request,
                          Response* response) {
  const auto answer = [&] { return view(*runtime, request, response); };
  co_return co_await OffLoop(work, answer, WorkerPool::Stage::kBegins);
}

// One line, however many nodes it is about.
void LogOverrides(const std::vector<NodeOverride>& given,
                  const std::vector<absl::Status>& statuses,
                  const std::string& who) {
  std::vector<std::string> changes;
  for (size_t i = 0; i < given.size(); ++i) {
    if (!statuses[i].ok()) continue;
    const NodeOverride& each = given[i];
    changes.push_back(
        absl::StrCat(each.node, "=", each.model.empty() ? "-" : each.model));
  }
  if (changes.empty()) return;
  const size_t count = changes.size();
  changes.resize(std::min(count, kLoggedNodesMax));
  Log(LogLevel::kInfo, "pipeline", "An operator has changed nodes' policies",
      {{"nodes", count},
       {"policies", absl::StrJoin(changes, " ")},
       {"operator", who}});
}

}  // namespace

template <typename Request, typename Response>
void PoliciesAdmin::AddView(MethodTable& table, std::string_view method,
                            absl::Status (*view)(const RuntimeSnapshot&,
                                                 const Request&, Response*),
                            size_t (*work)(const RuntimeSnapshot&)) {
  table.AddUnary<Request, Response>(
      kPoliciesService, method,
      [this, view, work](CallContext&, const Request& request,
                         Response* response) {
        Runtime runtime = sources_.runtime.Get();
        const size_t bytes = work(*runtime);
        return Answer(std::move(runtime), view, bytes, request, response);
      });
}

void PoliciesAdmin::AddTo(MethodTable& table) {
  AddView(table, "ListPolicies", &ListPolicies, &WorkForOneNode);
  AddView(table, "ListNodeRequirements", &ListNodeRequirements,
          &WorkForOneNode);
  AddView(table, "ListAssignments", &ListAssignments, &WorkForAllNodes);
  AddView(table, "TestSelection", &TestSelection, &WorkForOneNode);
  AddView(table, "GetRecommendations", &GetRecommendations,
          &WorkForEachStrategy);
  AddView(table, "GetCostOptimization", &GetCostOptimization, &WorkForAllNodes);
  AddView(table, "GetModelPerformance", &GetModelPerformance, &WorkForOneNode);
  table.AddUnary(kPoliciesService, "UpdateNodePolicy", *this,
                 &PoliciesAdmin::UpdateNodePolicy);
  table.AddUnary(kPoliciesService, "BulkUpdateNodePolicies", *this,
                 &PoliciesAdmin::BulkUpdateNodePolicies);
}

absl::StatusOr<NodeOverride> PoliciesAdmin::OverrideOf(
    const v1::UpdateNodePolicyRequest& update, std::string_view operator_name,
    absl::Time now) {
  NodeOverride given = {.node = update.node_name(),
                        .model = update.model_id(),
                        .set_by = std::string(operator_name),
                        .set_time = now};
  if (!update.has_ttl()) return given;
  const absl::Duration ttl = ToAbsl(update.ttl());
  if (ttl < kTtlMin || ttl > kTtlMax || update.ttl().nanos() < 0 ||
      update.ttl().nanos() >= kNanosPerSecond) {
    return InvalidField("ttl", "must be 1s to 31536000s (8760h)");
  }
  if (given.model.empty()) {
    return InvalidField("ttl", "means nothing without a model_id");
  }
  given.expire_time = now + ttl;
  return given;
}

Task<absl::Status> PoliciesAdmin::UpdateNodePolicy(
    CallContext& call, const v1::UpdateNodePolicyRequest& request,
    v1::UpdateNodePolicyResponse* response) {
  const Runtime runtime = sources_.runtime.Get();
  const PolicyTable& table = runtime->router().selector().table();
  const absl::Time now = runtime->clock().WallTime();
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::string operator_name,
                              CheckOperator(*runtime, call));
  GATEWAY_CO_ASSIGN_OR_RETURN(const NodeOverride given,
                              OverrideOf(request, operator_name, now));
  const NodeOverrides& overrides = runtime->selection().overrides;
  if (request.validate_only()) {
    GATEWAY_CO_ASSIGN_OR_RETURN(const OverrideSet next,
                                overrides.Preview(table, given));
    FillAssignment(*runtime, next, request.node_name(),
                   response->mutable_assignment());
    co_return absl::OkStatus();
  }
  std::vector<NodeOverride> one = {given};
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::vector<absl::Status> set,
                              co_await Set(call, runtime, std::move(one)));
  GATEWAY_CO_RETURN_IF_ERROR(set.front());
  FillCurrentAssignment(*runtime, request.node_name(),
                        response->mutable_assignment());
  co_return absl::OkStatus();
}

Task<absl::Status> PoliciesAdmin::BulkUpdateNodePolicies(
    CallContext& call, const v1::BulkUpdateNodePoliciesRequest& request,
    v1::BulkUpdateNodePoliciesResponse* response) {
  if (request.updates().empty()) {
    co_return InvalidField("updates", "is required");
  }
  if (request.updates_size() > kUpdatesMax) {
    co_return InvalidField(
        "updates", absl::StrCat("has more than ", kUpdatesMax, " entries"));
  }
  for (int i = 0; i < request.updates_size(); ++i) {
    if (!request.updates(i).validate_only()) continue;
    co_return InvalidField(absl::StrCat("updates[", i, "].validate_only"),
                           "is for UpdateNodePolicy only; say validate_only "
                           "of the whole");
  }
  const Runtime runtime = sources_.runtime.Get();
  const absl::Time now = runtime->clock().WallTime();
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::string operator_name,
                              CheckOperator(*runtime, call));
  std::vector<NodeOverride> given;
  std::vector<absl::Status> malformed;
  for (const v1::UpdateNodePolicyRequest& update : request.updates()) {
    absl::StatusOr<NodeOverride> each = OverrideOf(update, operator_name, now);
    malformed.push_back(each.status());
    if (each.ok()) given.push_back(*std::move(each));
  }
  std::vector<absl::Status> set;
  OverrideSet next;
  if (request.validate_only()) {
    next = runtime->selection().overrides.PreviewAll(
        runtime->router().selector().table(), given, &set);
  } else {
    GATEWAY_CO_ASSIGN_OR_RETURN(set,
                                co_await Set(call, runtime, std::move(given)));
    next = *runtime->selection().overrides.Get();
  }
  const auto tell = [&] {
    size_t place = 0;
    for (int i = 0; i < request.updates_size(); ++i) {
      const absl::Status& malformation = malformed[static_cast<size_t>(i)];
      FillNodeResult(*runtime, next, request.updates(i).node_name(),
                     malformation.ok() ? set[place++] : malformation,
                     response->add_results());
    }
    return absl::OkStatus();
  };
  co_return co_await OffLoop(
      WorkForNodes(*runtime, static_cast<size_t>(request.updates_size())),
      tell);
}

Task<absl::StatusOr<std::vector<absl::Status>>> PoliciesAdmin::Set(
    CallContext& call, Runtime runtime, std::vector<NodeOverride> given) {
  using Statuses = std::vector<absl::Status>;
  const auto& table = runtime->router().selector().table();
  const std::string who = OperatorName(*runtime, call);
  if (!sources_.store.is_persistent()) {
    Statuses statuses;
    sources_.store.PutIntoForce([&] {
      statuses = runtime->selection().overrides.SetAll(table, given);
    });
    LogOverrides(given, statuses, who);
    co_return statuses;
  }
  // One piece of work follows the other, so that nobody changes them between.
  // It is logged here, since the caller may leave meanwhile.
  auto set = [runtime, given = std::move(given), &table, who,
              &store = sources_.store]() -> absl::StatusOr<Statuses> {
    NodeOverrides& overrides = runtime->selection().overrides;
    Statuses statuses;
    const OverrideSet next = overrides.PreviewAll(table, given, &statuses);
    // Where all is wrong there is nothing to be kept.
    if (std::none_of(statuses.begin(), statuses.end(),
                     [](const absl::Status& each) { return each.ok(); })) {
      return statuses;
    }
    GATEWAY_RETURN_IF_ERROR(store.Write(
        kOverrideDocument, WriteOverrides(next, runtime->clock().WallTime())));
    store.PutIntoForce([&] { statuses = overrides.SetAll(table, given); });
    LogOverrides(given, statuses, who);
    return statuses;
  };
  absl::StatusOr<absl::StatusOr<Statuses>> done =
      co_await sources_.worker.Run(std::move(set), call.cancel());
  if (!done.ok()) co_return ChangeNotBegun(done.status());
  if (!done->ok()) co_return StateNotKept(done->status());
  co_return *std::move(done);
}

}  // namespace gateway
