#include "service/http/answer_details.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/json.h"
#include "service/api/call_report.h"

namespace gateway {
namespace {

// What both forms begin with.
void WriteBeginning(const Call& call, JsonWriter& json) {
  const Attempt* const attempt = call.DecidingAttempt();
  json.StringField("provider",
                   attempt == nullptr ? std::string_view() : attempt->provider);
  json.Int64Field("latency_ms",
                  absl::ToInt64Milliseconds(call.loop.Now() - call.arrival));
  if (attempt == nullptr) return;
  const v1::Usage& usage = attempt->answer.facts.usage;
  // A decimal number is JSON as it stands, and loses nothing.
  if (usage.cost_known()) json.RawField("cost_usd", CostText(usage));
}

void WriteUsage(const v1::Usage& usage, JsonWriter& json) {
  json.StartObjectField("usage");
  json.Int64Field("input_tokens", usage.input_tokens());
  json.Int64Field("output_tokens", usage.output_tokens());
  json.Int64Field("cached_input_tokens", usage.cached_input_tokens());
  json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  json.Int64Field("reasoning_tokens", usage.reasoning_tokens());
  json.BoolField("estimated", usage.estimated());
  json.EndObject();
}

void WriteStream(const Call& call, const Attempt& attempt, JsonWriter& json) {
  json.StringField("model", attempt.model);
  json.StringField("reason", call.planned.reason);
  json.Int64Field("attempts", static_cast<int64_t>(call.attempts.size()));
  if (attempt.first_content != kNotCome) {
    json.Int64Field(
        "time_to_first_token_ms",
        absl::ToInt64Milliseconds(attempt.first_content - call.arrival));
  }
  WriteUsage(attempt.answer.facts.usage, json);
  json.StartArrayField("warnings");
  for (const v1::Warning& warning : attempt.warnings) {
    json.String(absl::StrCat(warning.field(),
                             warning.field().empty() ? "" : ": ",
                             warning.message()));
  }
  json.EndArray();
}

}  // namespace

size_t EndOfFields(std::string_view object) {
  const size_t bracket = object.find_last_not_of(" \t\r\n");
  if (bracket == std::string_view::npos || bracket == 0 ||
      object[bracket] != '}') {
    return std::string_view::npos;
  }
  const size_t last = object.find_last_not_of(" \t\r\n", bracket - 1);
  const bool empty = last == std::string_view::npos || object[last] == '{';
  return empty ? std::string_view::npos : last + 1;
}

std::string AnswerDetails(const Call& call) {
  std::string fields;
  JsonWriter json(&fields);
  json.StartObject();
  WriteBeginning(call, json);
  json.EndObject();
  fields.front() = ',';
  fields.pop_back();
  return fields;
}

std::string StreamDetails(const Call& call, bool as_comment) {
  std::string text =
      as_comment ? ": x-llmgateway-details: " : "data: {\"llmgatewayDetails\":";
  JsonWriter json(&text);
  json.StartObject();
  WriteBeginning(call, json);
  if (const Attempt* const attempt = call.DecidingAttempt()) {
    WriteStream(call, *attempt, json);
  }
  json.EndObject();
  text.append(as_comment ? "\n\n" : "}\n\n");
  return text;
}

}  // namespace gateway
