#include "service/http/audit_route.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/timestamp.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/http/request_context.h"
#include "service/http/request_target.h"
#include "service/observability/charged_cost.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

constexpr std::string_view kAuditPath = "/gateway/audit";
constexpr char kSearchAudit[] = "/llmgateway.v1.AdminService/SearchAudit";
constexpr std::string_view kAuditParameters[] = {
    "start_time", "end_time", "agent_type", "provider",      "project_id",
    "success",    "limit",    "offset",     "include_bodies"};
constexpr int64_t kAuditLimitMax = 1000;
constexpr int64_t kAuditOffsetMax = 100000;

absl::Status ReadTime(
    std::string_view query, const char* name,
    google::protobuf::Timestamp* (*mutable_time)(v1::AuditFilter* filter),
    v1::AuditFilter* filter) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text, FindParameter(query, name));
  if (text.empty()) return absl::OkStatus();
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return InvalidField(name, "must be a time as in 2026-01-31T00:00:00Z");
  }
  SetProto(time, mutable_time(filter));
  return absl::OkStatus();
}

// `beyond` says what to do for more than that.
absl::StatusOr<int64_t> ReadNumber(std::string_view query, const char* name,
                                   int64_t otherwise, int64_t most,
                                   const char* beyond = "") {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text, FindParameter(query, name));
  if (text.empty()) return otherwise;
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < 0 || number > most) {
    return InvalidField(
        name, absl::StrCat("must be a number from 0 to ", most, beyond));
  }
  return number;
}

// Empty if nothing is said.
absl::StatusOr<std::string> ReadTruth(std::string_view query,
                                      const char* name) {
  GATEWAY_ASSIGN_OR_RETURN(std::string text, FindParameter(query, name));
  if (text.empty() || text == "true" || text == "false") return text;
  return InvalidField(name, "must be true or false");
}

void WriteAuditText(std::string_view name, std::string_view text,
                    JsonWriter& json) {
  if (text.empty()) {
    json.NullField(name);
  } else {
    json.StringField(name, text);
  }
}

void WriteAuditEntry(const v1::AuditEntry& entry, JsonWriter& json) {
  constexpr double kNanosPerDollar = 1e9;
  const v1::Usage& usage = entry.usage();
  json.StartObject();
  json.StringField("id", absl::StrCat(entry.id()));
  std::string time;
  AppendTimestamp(ToAbsl(entry.time()), &time);
  json.StringField("timestamp", time);
  json.StringField("provider", entry.route().provider());
  json.StringField("model", entry.route().model().empty()
                                ? entry.model()
                                : entry.route().model());
  WriteAuditText("agent_type", entry.scope().agent_type(), json);
  WriteAuditText("project_id", entry.scope().project_id(), json);
  json.Int64Field("input_tokens", usage.input_tokens());
  json.Int64Field("output_tokens", usage.output_tokens());
  json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  json.Int64Field("cache_read_tokens", usage.cached_input_tokens());
  const std::optional<int64_t> charged = ChargedNanos(usage);
  const bool consumed = usage.input_tokens() > 0 || usage.output_tokens() > 0;
  if (!charged.has_value() && consumed) {
    json.NullField("cost_usd");
  } else {
    json.DoubleField(
        "cost_usd", static_cast<double>(charged.value_or(0)) / kNanosPerDollar);
  }
  json.Int64Field("latency_ms",
                  absl::ToInt64Milliseconds(ToAbsl(entry.duration())));
  json.StringField("status", entry.outcome() == v1::AUDIT_OUTCOME_SUCCEEDED
                                 ? "success"
                                 : "error");
  WriteAuditText("request_body", entry.request().text(), json);
  WriteAuditText("response_body", entry.response().text(), json);
  WriteAuditText("error_message", entry.message(), json);
  json.EndObject();
}

// In the earlier gateway's words.
OperatorAnswer AuditFailure(int http_status, std::string_view type,
                            std::string_view message) {
  OperatorAnswer answer{
      .status = http_status, .body = {}, .refusal = std::string(message)};
  JsonWriter json(&answer.body);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("type", type);
  json.StringField("message", message);
  json.EndObject();
  json.EndObject();
  return answer;
}

OperatorAnswer AuditFailure(const absl::Status& status) {
  const std::string_view message = ToStd(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return AuditFailure(400, "validation_error", message);
    case absl::StatusCode::kUnauthenticated:
      return AuditFailure(401, "authentication_error", message);
    case absl::StatusCode::kPermissionDenied:
      return AuditFailure(403, "permission_error", message);
    case absl::StatusCode::kFailedPrecondition:
      return AuditFailure(404, "audit_error", message);
    case absl::StatusCode::kResourceExhausted:
      return AuditFailure(429, "authentication_error", message);
    default:
      return AuditFailure(500, "audit_error", message);
  }
}

}  // namespace

absl::StatusOr<AuditQuestion> ReadAuditQuery(std::string_view query) {
  GATEWAY_RETURN_IF_ERROR(CheckParameters(query, kAuditParameters));
  AuditQuestion question;
  v1::AuditFilter& filter = *question.request.mutable_filter();
  GATEWAY_RETURN_IF_ERROR(ReadTime(
      query, "start_time",
      [](v1::AuditFilter* to) { return to->mutable_start_time(); }, &filter));
  GATEWAY_RETURN_IF_ERROR(ReadTime(
      query, "end_time",
      [](v1::AuditFilter* to) { return to->mutable_end_time(); }, &filter));
  GATEWAY_ASSIGN_OR_RETURN(*filter.mutable_agent_type(),
                           FindParameter(query, "agent_type"));
  GATEWAY_ASSIGN_OR_RETURN(*filter.mutable_provider(),
                           FindParameter(query, "provider"));
  GATEWAY_ASSIGN_OR_RETURN(*filter.mutable_project_id(),
                           FindParameter(query, "project_id"));
  GATEWAY_ASSIGN_OR_RETURN(const std::string success,
                           ReadTruth(query, "success"));
  if (!success.empty()) {
    filter.set_outcome(success == "true" ? v1::AUDIT_OUTCOME_SUCCEEDED
                                         : v1::AUDIT_OUTCOME_FAILED);
  }
  GATEWAY_ASSIGN_OR_RETURN(
      question.limit,
      ReadNumber(query, "limit", question.limit, kAuditLimitMax));
  GATEWAY_ASSIGN_OR_RETURN(question.offset,
                           ReadNumber(query, "offset", 0, kAuditOffsetMax,
                                      "; for what is behind that ask with an "
                                      "end_time, by the timestamp of the last "
                                      "entry"));
  GATEWAY_ASSIGN_OR_RETURN(const std::string bodies,
                           ReadTruth(query, "include_bodies"));
  question.request.set_include_bodies(bodies == "true");
  return question;
}

AuditRoute::AuditRoute(const Sources& sources,
                       std::unique_ptr<HttpHandler> handler)
    : HttpFilter(std::move(handler)), sources_(sources) {}

HttpAdmission AuditRoute::Admit(const HttpRequest& request,
                                HttpResponder& responder) {
  if (request.path == kAuditPath) return false;  // The body is not wanted.
  return next().Admit(request, responder);
}

Task<void> AuditRoute::Handle(const HttpRequest& request,
                              HttpResponder& responder) {
  if (request.path != kAuditPath) return next().Handle(request, responder);
  return Send(request, responder);
}

Task<void> AuditRoute::Send(const HttpRequest& request,
                            HttpResponder& responder) {
  OperatorCall call(request, responder);
  const OperatorAnswer answer = co_await AnswerTo(request, call.context());
  co_await call.Send(answer, sources_.refusals);
}

Task<OperatorAnswer> AuditRoute::AnswerTo(const HttpRequest& request,
                                          CallContext& call) {
  if (request.method != "GET" && request.method != "HEAD") {
    OperatorAnswer refused =
        AuditFailure(405, "method_not_allowed",
                     absl::StrCat("there is GET ", ToAbsl(kAuditPath), ", no ",
                                  ToAbsl(request.method)));
    refused.field = "allow";
    refused.value = "GET, HEAD";
    co_return refused;
  }
  const absl::StatusOr<std::string> is_operator =
      CheckOperatorAmongCallers(*sources_.runtime.Get(), call);
  if (!is_operator.ok()) co_return AuditFailure(is_operator.status());
  const absl::StatusOr<AuditQuestion> question = ReadAuditQuery(request.query);
  if (!question.ok()) co_return AuditFailure(question.status());
  v1::SearchAuditResponse found;
  const absl::Status searched = co_await Search(*question, call, &found);
  if (!searched.ok()) co_return AuditFailure(searched);
  OperatorAnswer answer;
  const auto write = [&] {
    JsonWriter json(&answer.body);
    json.StartObject();
    json.StartArrayField("entries");
    for (const v1::AuditEntry& entry : found.entries()) {
      WriteAuditEntry(entry, json);
    }
    json.EndArray();
    json.Int64Field("total", found.entries_size());
    json.EndObject();
    answer.body += '\n';
    return true;
  };
  co_await OffLoop(found.ByteSizeLong(), write);
  co_return answer;
}

Task<absl::Status> AuditRoute::Search(const AuditQuestion& question,
                                      CallContext& call,
                                      v1::SearchAuditResponse* found) {
  const Method* const rpc = sources_.rpcs.Find(kSearchAudit);
  assert(rpc != nullptr);
  v1::SearchAuditRequest request = question.request;
  int64_t skipped = 0;
  while (found->entries_size() < question.limit) {
    const bool skips = skipped < question.offset;
    const int64_t wanted = skips ? question.offset - skipped
                                 : question.limit - found->entries_size();
    request.set_page_size(static_cast<int>(std::min(wanted, kAuditLimitMax)));
    // Nobody is shown what is passed over.
    request.set_include_bodies(!skips && question.request.include_bodies());
    v1::SearchAuditResponse page;
    HandlerArguments arguments;
    arguments.request = &request;
    arguments.response = &page;
    GATEWAY_CO_RETURN_IF_ERROR(co_await rpc->Run(call, arguments));
    if (skips) {
      skipped += page.entries_size();
    } else {
      found->mutable_entries()->MergeFrom(page.entries());
    }
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  co_return absl::OkStatus();
}

}  // namespace gateway
