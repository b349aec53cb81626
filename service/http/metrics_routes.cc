#include "service/http/metrics_routes.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "errors/fault.h"
#include "llmgateway/v1/metrics.pb.h"
#include "llmgateway/v1/summary.pb.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/api/metrics_view.h"
#include "service/api/standing_check.h"
#include "service/api/watcher.h"
#include "service/http/operator_request.h"
#include "service/http/request_target.h"
#include "service/observability/call_words.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kMetricsPath = "/gateway/metrics";
constexpr std::string_view kResetPath = "/gateway/metrics/reset";
constexpr std::string_view kSubscribePath = "/api/streams/subscribe";
constexpr std::string_view kSummaryRpcs = "/llmgateway.v1.MetricsService/";

constexpr int kRecentShown = 20;
constexpr int kRecentShownMax = 1000;
constexpr int kGroupsShownMax = 1000;

// A client that hears nothing for longer takes the connection for dead.
constexpr absl::Duration kKeepAlive = absl::Seconds(15);
// The most events that one client is sent in one turn of the loop.
constexpr int kSubscriberEventsPerTurn = 64;

constexpr double kNanosPerDollar = 1e9;

// What a page of the sums shows.
struct MetricsPage {
  bool by_agent = true;
  bool by_provider = true;
  bool by_model = true;
  bool by_project = false;
  int recent = kRecentShown;
};

absl::Status ReadSwitch(std::string_view query, std::string_view name,
                        bool* to) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text, FindParameter(query, name));
  if (text.empty()) return absl::OkStatus();
  if (text != "true" && text != "false") {
    return InvalidField(name, "must be true or false");
  }
  *to = text == "true";
  return absl::OkStatus();
}

absl::StatusOr<MetricsPage> ReadMetricsPage(std::string_view query) {
  constexpr std::string_view kKnown[] = {"include_agent", "include_provider",
                                         "include_model", "include_project",
                                         "recent_limit"};
  GATEWAY_RETURN_IF_ERROR(CheckParameters(query, kKnown));
  MetricsPage page;
  GATEWAY_RETURN_IF_ERROR(ReadSwitch(query, "include_agent", &page.by_agent));
  GATEWAY_RETURN_IF_ERROR(
      ReadSwitch(query, "include_provider", &page.by_provider));
  GATEWAY_RETURN_IF_ERROR(ReadSwitch(query, "include_model", &page.by_model));
  GATEWAY_RETURN_IF_ERROR(
      ReadSwitch(query, "include_project", &page.by_project));
  GATEWAY_ASSIGN_OR_RETURN(const std::string limit,
                           FindParameter(query, "recent_limit"));
  if (limit.empty()) return page;
  if (!absl::SimpleAtoi(limit, &page.recent) || page.recent < 0) {
    return InvalidField("recent_limit", "must be a number, 0 at least");
  }
  page.recent = std::min(page.recent, kRecentShownMax);
  return page;
}

template <typename Request, typename Response>
Task<absl::Status> RunMetricsRpc(const MethodTable& rpcs, std::string_view name,
                                 CallContext& call, const Request& request,
                                 Response* response) {
  const Method* const rpc =
      rpcs.Find(absl::StrCat(ToAbsl(kSummaryRpcs), ToAbsl(name)));
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.response = response;
  co_return co_await rpc->Run(call, arguments);
}

double DollarsOf(int64_t nanos) {
  return static_cast<double>(nanos) / kNanosPerDollar;
}

double MillisecondsOf(const google::protobuf::Duration& duration) {
  return absl::ToDoubleMilliseconds(ToAbsl(duration));
}

void WriteSums(const v1::CallTotals& totals, JsonWriter& json) {
  const int64_t calls = totals.succeeded_count() + totals.failed_count();
  json.StartObjectField("summary");
  json.Int64Field("total_requests", calls);
  json.Int64Field("successful_requests", totals.succeeded_count());
  json.Int64Field("failed_requests", totals.failed_count());
  json.DoubleField("total_cost_usd", DollarsOf(totals.cost_usd_nanos()));
  json.Int64Field("total_input_tokens", totals.input_tokens());
  json.Int64Field("total_output_tokens", totals.output_tokens());
  json.Int64Field("total_cache_write_tokens", totals.cache_write_tokens());
  json.Int64Field("total_cache_read_tokens", totals.cached_input_tokens());
  json.DoubleField("avg_latency_ms",
                   calls == 0 ? 0
                              : MillisecondsOf(totals.duration_sum()) /
                                    static_cast<double>(calls));
  json.EndObject();
}

// A map of costs. What calls do not say is left out of it.
struct CostMap {
  std::string_view field;
  v1::CallDimension dimension = v1::CALL_DIMENSION_UNSPECIFIED;
  const std::string& (v1::CallGroup::*name)() const = nullptr;
  bool MetricsPage::* shown = nullptr;
};
constexpr CostMap kCostMaps[] = {
    {"by_agent", v1::CALL_DIMENSION_AGENT, &v1::CallGroup::agent_type,
     &MetricsPage::by_agent},
    {"by_provider", v1::CALL_DIMENSION_PROVIDER, &v1::CallGroup::provider,
     &MetricsPage::by_provider},
    {"by_model", v1::CALL_DIMENSION_MODEL, &v1::CallGroup::model,
     &MetricsPage::by_model},
    {"by_project", v1::CALL_DIMENSION_PROJECT, &v1::CallGroup::project_id,
     &MetricsPage::by_project},
};

void WriteCosts(const CostMap& map, const v1::GetCostSummaryResponse& summary,
                JsonWriter& json) {
  json.StartObjectField(map.field);
  for (const v1::CostGroup& group : summary.groups()) {
    const std::string& name = (group.group().*map.name)();
    if (name.empty()) continue;
    json.DoubleField(name, DollarsOf(group.totals().cost_usd_nanos()));
  }
  json.EndObject();
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

void WriteTextOrNull(std::string_view key, const std::string& text,
                     JsonWriter& json) {
  if (text.empty()) {
    json.NullField(key);
  } else {
    json.StringField(key, text);
  }
}

void WriteRecent(const v1::RequestRecord& call, JsonWriter& json) {
  const v1::Usage& usage = call.usage();
  json.StartObject();
  json.StringField("timestamp", TimeText(ToAbsl(call.start_time()) +
                                         ToAbsl(call.timings().total())));
  json.StringField("request_id", call.request_id());
  WriteTextOrNull("provider", call.route().provider(), json);
  WriteTextOrNull("model",
                  call.has_route() ? call.route().model() : call.model(), json);
  WriteTextOrNull("agent_type", call.scope().agent_type(), json);
  WriteTextOrNull("project_id", call.scope().project_id(), json);
  json.Int64Field("input_tokens", usage.input_tokens());
  json.Int64Field("output_tokens", usage.output_tokens());
  json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  json.Int64Field("cache_read_tokens", usage.cached_input_tokens());
  json.DoubleField("cost_usd", DollarsOf(usage.cost_usd_nanos()));
  json.DoubleField("latency_ms", MillisecondsOf(call.timings().total()));
  json.BoolField("success", call.status_code() == 0);
  json.EndObject();
}

// --- Events.

// When that happened which the event tells.
absl::Time TimeOf(const FeedEvent& event) {
  const CallRecord& call = event.call->record();
  switch (event.kind) {
    case FeedEvent::Kind::kStarted:
      break;
    case FeedEvent::Kind::kFirstToken:
    case FeedEvent::Kind::kUsage:
      return call.start_time +
             call.time_to_first_token.value_or(absl::ZeroDuration());
    case FeedEvent::Kind::kEnded:
      return call.start_time + call.duration;
  }
  return call.start_time;
}

void WriteWhoCalls(const FeedEvent& event, JsonWriter& json) {
  const CallRecord& call = event.call->record();
  json.StringField("request_id", call.request_id);
  json.StringField("timestamp", TimeText(TimeOf(event)));
  json.StringField("operation", call.operation);
  WriteTextOrNull("provider", std::string(call.provider), json);
  WriteTextOrNull(
      "model",
      std::string(call.provider.empty() ? call.model_asked : call.model_served),
      json);
  WriteTextOrNull("agent_type", std::string(call.scope.agent_type), json);
  WriteTextOrNull("project_id", std::string(call.scope.project_id), json);
  json.BoolField("stream", call.stream);
}

void WriteHowItEnded(const CallRecord& call, JsonWriter& json) {
  const v1::Usage& usage = *call.usage;
  json.Int64Field("input_tokens", usage.input_tokens());
  json.Int64Field("output_tokens", usage.output_tokens());
  json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  json.Int64Field("cache_read_tokens", usage.cached_input_tokens());
  json.DoubleField("cost_usd", DollarsOf(usage.cost_usd_nanos()));
  json.DoubleField("latency_ms", absl::ToDoubleMilliseconds(call.duration));
  if (call.status_code == absl::StatusCode::kOk) return;
  json.StringField("error", ErrorReasonName(call.error_reason));
  json.StringField("message", call.error_message);
}

std::string_view EventName(const FeedEvent& event) {
  switch (event.kind) {
    case FeedEvent::Kind::kStarted:
      return "started";
    case FeedEvent::Kind::kFirstToken:
    case FeedEvent::Kind::kUsage:
      return "first_token";
    case FeedEvent::Kind::kEnded:
      break;
  }
  return event.call->record().status_code == absl::StatusCode::kOk ? "completed"
                                                                   : "error";
}

void AppendEvent(std::string_view name, std::string_view data,
                 std::string* out) {
  absl::StrAppend(out, "event: ", ToAbsl(name), "\ndata: ", ToAbsl(data),
                  "\n\n");
}

void AppendFeedEvent(const FeedEvent& event, std::string* out) {
  if (event.dropped_events > 0) {
    AppendEvent("lag",
                absl::StrCat(
                    "{\"type\":\"lag\",\"missed\":", event.dropped_events, "}"),
                out);
  }
  const CallRecord& call = event.call->record();
  const std::string_view name = EventName(event);
  std::string data;
  JsonWriter json(&data);
  json.StartObject();
  json.StringField("type", name);
  WriteWhoCalls(event, json);
  if (call.time_to_first_token.has_value()) {
    json.DoubleField("time_to_first_token_ms",
                     absl::ToDoubleMilliseconds(*call.time_to_first_token));
  }
  if (event.kind == FeedEvent::Kind::kEnded) WriteHowItEnded(call, json);
  json.EndObject();
  AppendEvent(name, data, out);
}

std::string_view ErrorTypeOf(int http_status) {
  switch (http_status) {
    case 400:
      return "validation_error";
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 405:
      return "method_not_allowed";
    case 429:
      return "rate_limit_error";
    default:
      return "api_error";
  }
}

bool TakesMethodAt(std::string_view path, std::string_view method) {
  if (path == kResetPath) return method == "POST";
  return method == "GET" || (method == "HEAD" && path == kMetricsPath);
}

std::string_view MethodsAllowedAt(std::string_view path) {
  if (path == kResetPath) return "POST";
  return path == kMetricsPath ? "GET, HEAD" : "GET";
}

OperatorAnswer MetricsFailure(std::string_view path,
                              const absl::Status& status) {
  const bool is_method = FaultReason(status) == v1::ERROR_REASON_UNIMPLEMENTED;
  OperatorAnswer answer = {
      .status = is_method ? 405 : HttpStatusOf(status.code()),
      .body = {},
      .refusal = std::string(status.message())};
  JsonWriter json(&answer.body);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("type", ErrorTypeOf(answer.status));
  json.StringField("message", ToStd(status.message()));
  json.EndObject();
  json.EndObject();
  answer.body += '\n';
  if (is_method) {
    answer.field = "allow";
    answer.value = MethodsAllowedAt(path);
  }
  return answer;
}

}  // namespace

MetricsRoutes::MetricsRoutes(const Sources& sources,
                             std::unique_ptr<HttpHandler> handler)
    : HttpFilter(std::move(handler)), sources_(sources) {}

bool MetricsRoutes::Owns(std::string_view path) {
  return path == kMetricsPath || path == kResetPath || path == kSubscribePath;
}

HttpAdmission MetricsRoutes::Admit(const HttpRequest& request,
                                   HttpResponder& responder) {
  if (Owns(request.path)) return false;  // The body is not wanted.
  return next().Admit(request, responder);
}

Task<void> MetricsRoutes::Handle(const HttpRequest& request,
                                 HttpResponder& responder) {
  if (!Owns(request.path)) return next().Handle(request, responder);
  return Send(request, responder);
}

Task<void> MetricsRoutes::Send(const HttpRequest& request,
                               HttpResponder& responder) {
  OperatorCall call(request, responder);
  OperatorAnswer answer;
  absl::Status status = Check(request, call.context());
  if (status.ok() && request.path == kSubscribePath) {
    status = co_await Subscribe(responder, call.context());
    if (status.ok()) co_return;
  } else if (status.ok()) {
    status = co_await Write(request, call.context(), &answer.body);
  }
  if (!status.ok()) answer = MetricsFailure(request.path, status);
  co_await call.Send(answer, sources_.refusals);
}

absl::Status MetricsRoutes::Check(const HttpRequest& request,
                                  CallContext& call) const {
  if (!TakesMethodAt(request.path, request.method)) {
    return MakeFault(
        v1::ERROR_REASON_UNIMPLEMENTED,
        absl::StrCat("there is ", ToAbsl(MethodsAllowedAt(request.path)), " ",
                     ToAbsl(request.path), ", no ", ToAbsl(request.method)));
  }
  return CheckOperatorAmongCallers(*sources_.runtime.Get(), call).status();
}

Task<absl::Status> MetricsRoutes::Write(const HttpRequest& request,
                                        CallContext& call, std::string* body) {
  if (request.path == kResetPath) {
    co_return co_await WriteReset(call, body);
  }
  co_return co_await WriteMetrics(request.query, call, body);
}

Task<absl::Status> MetricsRoutes::WriteReset(CallContext& call,
                                             std::string* body) {
  const v1::ResetMetricsRequest request;
  v1::ResetMetricsResponse response;
  GATEWAY_CO_RETURN_IF_ERROR(co_await RunMetricsRpc(
      sources_.rpcs, "ResetMetrics", call, request, &response));
  JsonWriter json(body);
  json.StartObject();
  json.StringField("status", "ok");
  json.StringField("message", "the sums of calls are reset");
  json.EndObject();
  *body += '\n';
  co_return absl::OkStatus();
}

Task<absl::Status> MetricsRoutes::WriteMetrics(std::string_view query,
                                               CallContext& call,
                                               std::string* body) {
  GATEWAY_CO_ASSIGN_OR_RETURN(const MetricsPage page, ReadMetricsPage(query));
  JsonWriter json(body);
  json.StartObject();
  v1::GetCostSummaryRequest request;
  request.set_groups_limit(kGroupsShownMax);
  v1::GetCostSummaryResponse summary;
  GATEWAY_CO_RETURN_IF_ERROR(co_await RunMetricsRpc(
      sources_.rpcs, "GetCostSummary", call, request, &summary));
  WriteSums(summary.totals(), json);
  for (const CostMap& map : kCostMaps) {
    if (!(page.*map.shown)) continue;
    request.clear_group_by();
    request.add_group_by(map.dimension);
    summary.Clear();
    GATEWAY_CO_RETURN_IF_ERROR(co_await RunMetricsRpc(
        sources_.rpcs, "GetCostSummary", call, request, &summary));
    WriteCosts(map, summary, json);
  }
  json.StartArrayField("recent");
  if (page.recent > 0) {
    v1::ListRecentRequestsRequest asked;
    asked.set_limit(page.recent);
    v1::ListRecentRequestsResponse recent;
    GATEWAY_CO_RETURN_IF_ERROR(co_await RunMetricsRpc(
        sources_.rpcs, "ListRecentRequests", call, asked, &recent));
    for (const v1::RequestRecord& one : recent.requests()) {
      WriteRecent(one, json);
    }
  }
  json.EndArray();
  json.EndObject();
  *body += '\n';
  co_return absl::OkStatus();
}

Task<absl::Status> MetricsRoutes::Subscribe(HttpResponder& responder,
                                            CallContext& call) {
  const auto watcher = std::make_shared<Watcher>(call.loop());
  absl::StatusOr<std::unique_ptr<RequestFeed::Subscription>> subscription =
      sources_.feed.Subscribe({.progress = true, .ends_at_drain = true},
                              [watcher] { watcher->Tell(); });
  if (!subscription.ok()) co_return FeedRefusal(subscription.status());
  const std::string request_id(call.request_id());
  const HttpField fields[] = {{"content-type", "text/event-stream"},
                              {"cache-control", "no-cache"},
                              {"x-accel-buffering", "no"},
                              {kRequestIdHeader, request_id}};
  responder.Start({200, fields});
  CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
  const StandingCheck::Check is_operator = [this](const CallContext& asked) {
    return CheckOperatorAmongCallers(*sources_.runtime.Get(), asked).status();
  };
  const StandingCheck standing(call, is_operator);
  bool silent = false;
  Timer silence([&] {
    silent = true;
    watcher->wake_up().Set();
  });
  // So that the client has the head at once.
  std::string text = ": subscribed\n\n";
  while (!call.cancel().cancelled()) {
    const bool closed = (*subscription)->closed();
    for (int i = 0; i < kSubscriberEventsPerTurn; ++i) {
      const std::optional<FeedEvent> event = (*subscription)->Take();
      if (!event.has_value()) break;
      AppendFeedEvent(*event, &text);
    }
    if (text.empty()) {
      if (closed) break;
      call.loop().ArmTimer(silence, kKeepAlive);
      co_await watcher->wake_up().Wait();
      if (std::exchange(silent, false)) text = ": keep-alive\n\n";
      continue;
    }
    const std::string_view pieces[] = {text};
    const absl::Status written = co_await responder.Write(pieces);
    if (!written.ok()) break;
    text.clear();
    co_await YieldToLoop();
  }
  (co_await responder.Finish()).IgnoreError();
  co_return absl::OkStatus();
}

}  // namespace gateway
