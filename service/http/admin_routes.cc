#include "service/http/admin_routes.h"

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "google/protobuf/message.h"
#include "service/api/caller_check.h"
#include "service/api/config_admin.h"
#include "service/api/policy_view.h"
#include "service/http/admin_answers.h"
#include "service/http/admin_requests.h"
#include "service/http/request_target.h"
#include "service/http/trace_answers.h"
#include "service/identity/trusted_proxies.h"
#include "service/observability/call_words.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;

constexpr std::string_view kAdminPrefix = "/api/admin/gateway";
constexpr std::string_view kAdminRpcs = "/llmgateway.v1.AdminService/";
constexpr std::string_view kMetricsRpcs = "/llmgateway.v1.MetricsService/";
constexpr std::string_view kJsonType = "application/json";
constexpr size_t kShownBytesMax = 128;
constexpr std::string_view kBelowTraces = "/traces/";

// One path, and the rpc that it is.
struct AdminRoute {
  std::string_view method;  // GET stands for HEAD, PUT for POST, too.
  // Behind kAdminPrefix; the name of a node, or of a trace, follows a last
  // slash.
  std::string_view path;
  std::string_view rpc;
  absl::Status (*read)(const AdminQuestion& from, Message* to) = nullptr;
  absl::Status (*write)(const AdminAsked& asked, const Message& request,
                        const Message& response, JsonWriter& json) = nullptr;
  // To write it goes through all policies for all nodes.
  bool tells_of_all_nodes = false;
  std::string_view service = kAdminRpcs;

  bool has_body() const { return method != "GET"; }
  bool names_node() const { return path.ends_with('/'); }
};

template <typename Request, typename Response,
          absl::Status (*kRead)(const AdminQuestion&, Request*),
          absl::Status (*kWrite)(const AdminAsked&, const Request&,
                                 const Response&, JsonWriter&)>
constexpr AdminRoute RouteOf(std::string_view method, std::string_view path,
                             std::string_view rpc,
                             bool tells_of_all_nodes = false,
                             std::string_view service = kAdminRpcs) {
  return {.method = method,
          .path = path,
          .rpc = rpc,
          .read =
              [](const AdminQuestion& from, Message* to) {
                return kRead(from, static_cast<Request*>(to));
              },
          .write =
              [](const AdminAsked& asked, const Message& request,
                 const Message& response, JsonWriter& json) {
                return kWrite(asked, static_cast<const Request&>(request),
                              static_cast<const Response&>(response), json);
              },
          .tells_of_all_nodes = tells_of_all_nodes,
          .service = service};
}

// Whatever comes first counts: `bulk` and `reload` are no nodes here.
constexpr AdminRoute kAdminRoutes[] = {
    RouteOf<v1::GetHealthRequest, v1::GetHealthResponse, &ReadPathAlone,
            &WriteAdminHealth>("GET", "/health", "GetHealth"),
    RouteOf<v1::GetHealthRequest, v1::GetHealthResponse, &ReadPathAlone,
            &WriteAdminStatus>("GET", "/status", "GetHealth",
                               /*tells_of_all_nodes=*/true),
    RouteOf<v1::ListPoliciesRequest, v1::ListPoliciesResponse, &ReadListing,
            &WritePolicies>("GET", "/policies", "ListPolicies"),
    RouteOf<v1::ListNodeRequirementsRequest, v1::ListNodeRequirementsResponse,
            &ReadListing, &WriteNodeRequirements>("GET", "/node-requirements",
                                                  "ListNodeRequirements"),
    RouteOf<v1::ListAssignmentsRequest, v1::ListAssignmentsResponse,
            &ReadListing, &WriteAssignments>("GET", "/assignments",
                                             "ListAssignments",
                                             /*tells_of_all_nodes=*/true),
    RouteOf<v1::BulkUpdateNodePoliciesRequest,
            v1::BulkUpdateNodePoliciesResponse, &ReadNodePolicies,
            &WriteNodePolicies>("PUT", "/policies/bulk",
                                "BulkUpdateNodePolicies"),
    RouteOf<v1::ReloadConfigRequest, v1::ReloadConfigResponse, &ReadReload,
            &WriteReload>("POST", "/policies/reload", "ReloadConfig"),
    RouteOf<v1::UpdateNodePolicyRequest, v1::UpdateNodePolicyResponse,
            &ReadNodePolicy, &WriteNodePolicy>("PUT", "/policies/",
                                               "UpdateNodePolicy"),
    RouteOf<v1::TestSelectionRequest, v1::TestSelectionResponse,
            &ReadTestSelection, &WriteTestSelection>("POST", "/test-selection",
                                                     "TestSelection"),
    RouteOf<v1::GetRecommendationsRequest, v1::GetRecommendationsResponse,
            &ReadRecommendations, &WriteRecommendations>(
        "GET", "/recommendations/", "GetRecommendations"),
    RouteOf<v1::GetCostOptimizationRequest, v1::GetCostOptimizationResponse,
            &ReadPathAlone, &WriteCostOptimization>("GET", "/cost-optimization",
                                                    "GetCostOptimization"),
    RouteOf<v1::GetCallStatisticsRequest, v1::GetCallStatisticsResponse,
            &ReadCallStatistics, &WriteCallStatistics>(
        "GET", "/metrics", "GetCallStatistics", /*tells_of_all_nodes=*/false,
        kMetricsRpcs),
    RouteOf<v1::GetConfigRequest, v1::GetConfigResponse, &ReadPathAlone,
            &WriteValidation>("GET", "/validate", "GetConfig",
                              /*tells_of_all_nodes=*/true),
    RouteOf<v1::ListTracesRequest, v1::ListTracesResponse, &ReadTraceList,
            &WriteTraceList>("GET", "/traces", "ListTraces"),
    RouteOf<v1::GetTraceMetricsRequest, v1::GetTraceMetricsResponse,
            &ReadTraceMetrics, &WriteTraceMetrics>("GET", "/traces/metrics",
                                                   "GetTraceMetrics"),
    RouteOf<v1::GetTraceRequest, v1::Trace, &ReadTrace, &WriteTrace>(
        "GET", kBelowTraces, "GetTrace"),
};

// Returns the route of a path, whatever the method; null if there is none.
const AdminRoute* FindAdminRoute(std::string_view path,
                                 std::string_view* node) {
  if (!path.starts_with(kAdminPrefix)) return nullptr;
  path.remove_prefix(kAdminPrefix.size());
  for (const AdminRoute& route : kAdminRoutes) {
    if (!route.names_node()) {
      if (path == route.path) return &route;
      continue;
    }
    if (!path.starts_with(route.path)) continue;
    *node = path.substr(route.path.size());
    if (!node->empty() && node->find('/') == std::string_view::npos) {
      return &route;
    }
  }
  return nullptr;
}

bool TakesMethod(const AdminRoute& route, std::string_view method) {
  return method == route.method ||
         (route.method == "GET" && method == "HEAD") ||
         (route.method == "PUT" && method == "POST");
}

std::string AllowedAt(const AdminRoute& route) {
  if (route.method == "GET") return "GET, HEAD";
  if (route.method == "PUT") return "PUT, POST";
  return std::string(route.method);
}

// `GET /health, ... and GET /validate`.
std::string AdminPaths() {
  std::string shown;
  for (const AdminRoute& route : kAdminRoutes) {
    absl::StrAppend(&shown, shown.empty() ? "" : ", ", ToAbsl(route.method),
                    " ", ToAbsl(route.path),
                    !route.names_node()          ? ""
                    : route.path == kBelowTraces ? "{trace_id}"
                                                 : "{node}");
  }
  return shown;
}

// Returns what of the request may be repeated in an answer.
std::string ShownInError(std::string_view text) {
  return IsUtf8(text) ? std::string(CutText(text, kShownBytesMax))
                      : "bytes that are not UTF-8";
}

bool IsJsonType(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return EqualsIgnoreCase(content_type, kJsonType);
}

bool IsAdminBodyEncoded(const HttpRequest& request) {
  const std::string_view encoding = request.Find("content-encoding");
  return !encoding.empty() && !EqualsIgnoreCase(encoding, "identity");
}

absl::StatusOr<std::string> NodeOf(std::string_view segment) {
  GATEWAY_ASSIGN_OR_RETURN(std::string node, DecodeSegment(segment));
  if (IsUtf8(node)) return node;
  return InvalidField("node_name", "must be UTF-8");
}

// What is wrong field by field, where the message does not say all of it.
void WriteProblems(const absl::Status& status, JsonWriter& json) {
  const auto violations = FieldViolations(status);
  if (violations.size() < 2) return;
  json.StartArrayField("problems");
  for (const auto& [field, description] : violations) json.String(description);
  json.EndArray();
}

std::string DetailOf(const absl::Status& status) {
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StringField("detail", ToStd(status.message()));
  WriteProblems(status, json);
  json.EndObject();
  body += '\n';
  return body;
}

// In the form in which that system's framework told of requests that it could
// not read; `where` is the part of the request.
std::string DetailsOfMalformed(std::string_view where,
                               const absl::Status& status) {
  std::string body;
  JsonWriter json(&body);
  json.StartObject();
  json.StartArrayField("detail");
  for (const auto& [field, description] : FieldViolations(status)) {
    json.StartObject();
    json.StartArrayField("loc");
    json.String(where);
    if (field != where) json.String(field);
    json.EndArray();
    json.StringField("msg", absl::StrCat(field, ": ", description));
    json.StringField("type", "value_error");
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  body += '\n';
  return body;
}

OperatorAnswer AdminFailure(int http_status, const absl::Status& status) {
  return {.status = http_status,
          .body = DetailOf(status),
          .refusal = std::string(status.message())};
}

OperatorAnswer AdminFailure(const absl::Status& status) {
  return AdminFailure(HttpStatusOf(status.code()), status);
}

OperatorAnswer MalformedRequest(std::string_view where,
                                const absl::Status& status) {
  return {.status = 422,
          .body = DetailsOfMalformed(where, status),
          .refusal = std::string(status.message())};
}

OperatorAnswer NoSuchAdminRoute(const HttpRequest& request,
                                const AdminRoute* route) {
  const std::string message =
      absl::StrCat("there is no ", ShownInError(request.method), " ",
                   ShownInError(request.path), "; below ", ToAbsl(kAdminPrefix),
                   " there are ", AdminPaths());
  if (route == nullptr) {
    return AdminFailure(404, MakeFault(v1::ERROR_REASON_NOT_FOUND, message));
  }
  OperatorAnswer answer =
      AdminFailure(405, MakeFault(v1::ERROR_REASON_INVALID_REQUEST, message));
  answer.field = "allow";
  answer.value = AllowedAt(*route);
  return answer;
}

// Refuses what would not be read, by what the head says of it.
std::optional<OperatorAnswer> WrongForm(const AdminRoute& route,
                                        const HttpRequest& request,
                                        bool has_body) {
  for (const HttpField& field : request.fields) {
    if (!absl::StartsWithIgnoreCase(ToAbsl(field.name),
                                    ToAbsl(CallDirectives::kPrefix))) {
      continue;
    }
    return MalformedRequest(
        "header", InvalidField(absl::AsciiStrToLower(ToAbsl(field.name)),
                               "is not known to this path; leave it out"));
  }
  if (!route.has_body()) return std::nullopt;
  if (IsAdminBodyEncoded(request)) {
    OperatorAnswer answer =
        AdminFailure(415, InvalidField("content-encoding",
                                       "is not read; send the body as it is"));
    answer.field = "accept-encoding";
    answer.value = "identity";
    return answer;
  }
  const std::string_view type = request.Find("content-type");
  if (has_body && !IsJsonType(type)) {
    return AdminFailure(
        415,
        InvalidField("content-type", absl::StrCat("must be application/json, "
                                                  "not '",
                                                  ShownInError(type), "'")));
  }
  if (!request.query.empty()) {
    return MalformedRequest("query",
                            InvalidField("query",
                                         "is not read here; say it in the "
                                         "body"));
  }
  return std::nullopt;
}

}  // namespace

HttpAdmission AdminRoutes::Admit(const HttpRequest& request,
                                 HttpResponder& responder) {
  std::string_view node;
  const AdminRoute* const route = FindAdminRoute(request.path, &node);
  if (route == nullptr || !TakesMethod(*route, request.method) ||
      !route->has_body() ||
      WrongForm(*route, request, /*has_body=*/true).has_value()) {
    return false;
  }
  CallContext call(*EventLoop::Current(), {.peer = responder.peer(),
                                           .peer_names = responder.peer_names(),
                                           .by_http = true});
  AddHeadOf(request, &call);
  call.TakeFirstLook();  // Handle counts what is wrong.
  return CheckOperator(*sources_.runtime.Get(), call).ok();
}

Task<void> AdminRoutes::Handle(const HttpRequest& request,
                               HttpResponder& responder) {
  OperatorCall call(request, responder);
  const OperatorAnswer answer = co_await AnswerTo(request, call.context());
  co_await call.Send(answer, sources_.refusals);
}

Task<OperatorAnswer> AdminRoutes::AnswerTo(const HttpRequest& request,
                                           CallContext& call) {
  std::string_view segment;
  const AdminRoute* const route = FindAdminRoute(request.path, &segment);
  if (route == nullptr || !TakesMethod(*route, request.method)) {
    co_return NoSuchAdminRoute(request, route);
  }
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  const absl::StatusOr<std::string> operator_name =
      CheckOperator(*runtime, call);
  if (!operator_name.ok()) co_return AdminFailure(operator_name.status());
  // One that was not let in had a body, or nobody would have been asked.
  const std::optional<OperatorAnswer> refused =
      WrongForm(*route, request, !request.body.empty() || !request.admitted);
  if (refused.has_value()) co_return *refused;
  if (route->has_body() && !request.admitted) {
    co_return AdminFailure(
        MakeFault(v1::ERROR_REASON_API_KEY_INVALID,
                  "the operator was not known when the request's head came"));
  }
  absl::StatusOr<std::string> node = NodeOf(segment);
  if (!node.ok()) co_return MalformedRequest("path", node.status());

  const Method* const rpc = sources_.rpcs.Find(
      absl::StrCat(ToAbsl(route->service), ToAbsl(route->rpc)));
  assert(rpc != nullptr);
  const AdminQuestion question = {
      .node = *std::move(node), .body = request.body, .query = request.query};
  Message* const asked = rpc->NewRequest(call.arena());
  const auto read = [&] { return route->read(question, asked); };
  const absl::Status malformed = co_await OffLoop(request.body.size(), read);
  if (!malformed.ok()) {
    co_return MalformedRequest(route->has_body() ? "body" : "query", malformed);
  }
  HandlerArguments arguments;
  arguments.request = asked;
  arguments.response = rpc->NewResponse(call.arena());
  const absl::Status failure = co_await rpc->Run(call, arguments);
  if (!failure.ok()) co_return AdminFailure(failure);

  OperatorAnswer answer;
  JsonWriter json(&answer.body);
  json.StartObject();
  const std::shared_ptr<const RuntimeSnapshot> in_use = sources_.runtime.Get();
  AdminAsked told = {.runtime = *in_use,
                     .operator_name = *operator_name,
                     .now = in_use->clock().WallTime()};
  if (sources_.reloader != nullptr) {
    FillProblems(sources_.reloader->state().problems,
                 v1::ConfigProblem::SEVERITY_ERROR, &told.refused);
  }
  const auto write = [&] {
    return route->write(told, *asked, *arguments.response, json);
  };
  const absl::Status unwritten = co_await OffLoop(
      route->tells_of_all_nodes ? WorkForAllNodes(*in_use) : 0, write);
  if (!unwritten.ok()) co_return AdminFailure(unwritten);
  json.EndObject();
  answer.body += '\n';
  co_return answer;
}

HttpHandler::Refusal AdminRoutes::Refuse(int, std::string_view,
                                         std::string_view message) {
  return {std::string(kJsonType),
          DetailOf(absl::UnknownError(ToAbsl(message))),
          {}};
}

}  // namespace gateway
