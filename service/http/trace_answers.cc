#include "service/http/trace_answers.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/timestamp.h"
#include "google/protobuf/map.h"
#include "proto/proto_time.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr double kNanosOfADollar = 1e9;

double Milliseconds(const google::protobuf::Duration& duration) {
  return absl::ToDoubleMilliseconds(ToAbsl(duration));
}

double Share(int64_t part, int64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

void WriteInstant(std::string_view key, absl::Time time, JsonWriter& json) {
  std::string text;
  AppendTimestamp(time, &text);
  json.StringField(key, text);
}

void WriteTimes(const google::protobuf::Timestamp& start_time,
                const google::protobuf::Duration& duration, JsonWriter& json) {
  const absl::Time start = ToAbsl(start_time);
  WriteInstant("start_time", start, json);
  WriteInstant("end_time", start + ToAbsl(duration), json);
  json.DoubleField("duration_ms", Milliseconds(duration));
}

// Nothing is written of a text that is empty.
void WriteText(std::string_view key, const std::string& text,
               JsonWriter& json) {
  if (!text.empty()) json.StringField(key, text);
}

void WriteSummary(const v1::TraceSummary& trace, JsonWriter& json) {
  json.StartObject();
  json.StringField("trace_id", trace.trace_id());
  json.StringField("span_id", trace.span_id());
  json.StringField("operation", trace.node().empty()
                                    ? trace.operation()
                                    : absl::StrCat("llm_call_", trace.node()));
  WriteTimes(trace.start_time(), trace.duration(), json);
  const bool failed = trace.failure() != v1::ERROR_REASON_UNSPECIFIED;
  json.StringField("status", failed ? "error" : "completed");
  json.StartObjectField("metadata");
  json.StringField("request_id", trace.request_id());
  WriteText("node_name", trace.node(), json);
  WriteText("caller", trace.caller(), json);
  WriteText("model", trace.model(), json);
  WriteText("provider", trace.provider(), json);
  WriteText("model_used", trace.model_served(), json);
  if (failed) json.StringField("error", ErrorReasonName(trace.failure()));
  json.Int64Field("spans", trace.span_count());
  json.EndObject();
  json.EndObject();
}

void WriteAttribute(const v1::SpanAttribute& attribute, JsonWriter& json) {
  switch (attribute.value_case()) {
    case v1::SpanAttribute::kInteger:
      return json.Int64Field(attribute.key(), attribute.integer());
    case v1::SpanAttribute::kNumber:
      return json.DoubleField(attribute.key(), attribute.number());
    case v1::SpanAttribute::kFlag:
      return json.BoolField(attribute.key(), attribute.flag());
    default:
      return json.StringField(attribute.key(), attribute.text());
  }
}

void WriteSpan(const std::string& trace_id, const v1::Span& span,
               JsonWriter& json) {
  json.StartObject();
  json.StringField("trace_id", trace_id);
  json.StringField("span_id", span.span_id());
  if (span.parent_span_id().empty()) {
    json.NullField("parent_span_id");
  } else {
    json.StringField("parent_span_id", span.parent_span_id());
  }
  json.StringField("operation", span.name());
  WriteTimes(span.start_time(), span.duration(), json);
  json.StringField("status", span.failed() ? "error" : "completed");
  WriteText("error", span.failure_message(), json);
  json.StartObjectField("metadata");
  for (const v1::SpanAttribute& each : span.attributes()) {
    WriteAttribute(each, json);
  }
  json.EndObject();
  json.EndObject();
}

// By name, so that the same counts are the same text.
void WriteTraceCounts(std::string_view key,
                 const google::protobuf::Map<std::string, int64_t>& counts,
                 JsonWriter& json) {
  const std::map<std::string, int64_t> sorted(counts.begin(), counts.end());
  json.StartObjectField(key);
  for (const auto& [name, count] : sorted) json.Int64Field(name, count);
  json.EndObject();
}

int64_t HoursOf(const google::protobuf::Duration& window) {
  return absl::ToInt64Hours(ToAbsl(window));
}

}  // namespace

absl::Status WriteTraceList(const AdminAsked& asked,
                            const v1::ListTracesRequest& request,
                            const v1::ListTracesResponse& response,
                            JsonWriter& json) {
  json.StartArrayField("traces");
  for (const v1::TraceSummary& each : response.traces()) {
    WriteSummary(each, json);
  }
  json.EndArray();
  json.Int64Field("count", response.traces_size());
  json.Int64Field("limit", request.page_size());
  json.Int64Field("time_range_hours", HoursOf(request.window()));
  WriteInstant("timestamp", asked.now, json);
  return absl::OkStatus();
}

absl::Status WriteTrace(const AdminAsked& asked, const v1::GetTraceRequest&,
                        const v1::Trace& response, JsonWriter& json) {
  json.StringField("trace_id", response.trace_id());
  json.StartArrayField("spans");
  for (const v1::Span& each : response.spans()) {
    WriteSpan(response.trace_id(), each, json);
  }
  json.EndArray();
  WriteInstant("timestamp", asked.now, json);
  return absl::OkStatus();
}

absl::Status WriteTraceMetrics(const AdminAsked& asked,
                               const v1::GetTraceMetricsRequest&,
                               const v1::GetTraceMetricsResponse& response,
                               JsonWriter& json) {
  const int64_t calls = response.call_count();
  const double error_rate = Share(response.failed_count(), calls);
  const double average = Milliseconds(response.average_duration());
  const double dollars =
      static_cast<double>(response.cost_usd_nanos()) / kNanosOfADollar;
  json.Int64Field("total_traces", calls);
  json.Int64Field("successful_traces", calls - response.failed_count());
  json.DoubleField("error_rate", error_rate);
  json.DoubleField("avg_duration_ms", average);
  json.StartObjectField("operations");
  for (const v1::TraceOperation& each : response.operations()) {
    json.StartObjectField(each.operation());
    json.Int64Field("count", each.call_count());
    json.DoubleField("avg_duration", Milliseconds(each.average_duration()));
    json.Int64Field("errors", each.failed_count());
    json.EndObject();
  }
  json.EndObject();
  json.Int64Field("time_range_hours", HoursOf(response.window()));
  json.Int64Field("request_count", calls);
  json.DoubleField("avg_latency", average);
  json.DoubleField("cost_per_request",
                   calls == 0 ? 0 : dollars / static_cast<double>(calls));
  WriteTraceCounts("model_distribution", response.models(), json);
  WriteTraceCounts("capability_usage", response.capabilities(), json);
  WriteInstant("timestamp", asked.now, json);
  return absl::OkStatus();
}

}  // namespace gateway
