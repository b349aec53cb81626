#include "service/http/answer_details.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/api/call_report.h"
#include "service/money/money.h"

namespace gateway {
namespace {

// What a cost is made of, without what costs nothing.
void WriteBreakdown(const v1::CostBreakdown& parts, JsonWriter& json) {
  const std::pair<const char*, int64_t> named[] = {
      {"input_usd", parts.input_nanos()},
      {"output_usd", parts.output_nanos()},
      {"cached_input_usd", parts.cached_input_nanos()},
      {"cache_write_usd", parts.cache_write_nanos()},
      {"cache_write_1h_usd", parts.cache_write_1h_nanos()},
      {"reasoning_usd", parts.reasoning_nanos()},
      {"audio_input_usd", parts.audio_input_nanos()},
      {"audio_output_usd", parts.audio_output_nanos()},
      {"image_input_usd", parts.image_input_nanos()},
      {"image_output_usd", parts.image_output_nanos()}};
  json.StartObjectField("cost_breakdown");
  for (const auto& [name, nanos] : named) {
    if (nanos != 0) json.RawField(name, Money::FromNanos(nanos).Text());
  }
  json.EndObject();
}

void WriteCost(const v1::Usage& usage, DetailForm form, JsonWriter& json) {
  // A decimal number is JSON as it stands, and loses nothing.
  if (usage.cost_known() || form == DetailForm::kBrief) {
    json.RawField("cost_usd", CostText(usage));
  }
  if (form == DetailForm::kBrief) return;
  if (usage.has_cost_breakdown()) WriteBreakdown(usage.cost_breakdown(), json);
  if (usage.has_provider_cost_usd_nanos()) {
    json.RawField("provider_cost_usd",
                  Money::FromNanos(usage.provider_cost_usd_nanos()).Text());
  }
}

// What both forms begin with.
void WriteBeginning(const Call& call, DetailForm form, JsonWriter& json) {
  const Attempt* const attempt = call.DecidingAttempt();
  json.StringField("provider",
                   attempt == nullptr ? std::string_view() : attempt->provider);
  json.Int64Field("latency_ms",
                  absl::ToInt64Milliseconds(call.loop.Now() - call.arrival));
  if (attempt == nullptr) return;
  WriteCost(attempt->answer.facts.usage, form, json);
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

// What is left, which the fields before a stream cannot tell.
void WriteBudgets(const Call& call, JsonWriter& json) {
  if (call.budgets == nullptr) return;
  if (const auto nanos = call.budgets->remaining_usd_nanos()) {
    json.RawField("budget_remaining_usd", Money::FromNanos(*nanos).Text());
  }
  if (const auto tokens = call.budgets->remaining_tokens()) {
    json.Int64Field("budget_remaining_tokens", *tokens);
  }
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
  WriteBudgets(call, json);
  google::protobuf::RepeatedPtrField<v1::Warning> warnings;
  call.FillWarnings(&warnings);
  json.StartArrayField("warnings");
  for (const v1::Warning& warning : warnings) {
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

std::string AnswerDetails(const Call& call, DetailForm form) {
  std::string fields;
  JsonWriter json(&fields);
  json.StartObject();
  WriteBeginning(call, form, json);
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
  WriteBeginning(call, DetailForm::kFull, json);
  if (const Attempt* const attempt = call.DecidingAttempt()) {
    WriteStream(call, *attempt, json);
  }
  json.EndObject();
  text.append(as_comment ? "\n\n" : "}\n\n");
  return text;
}

}  // namespace gateway
