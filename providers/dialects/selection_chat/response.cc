#include "providers/dialects/selection_chat/response.h"

#include <cstdint>
#include <string_view>

#include "absl/time/time.h"
#include "base/text/json.h"
#include "base/text/timestamp.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dropped_fields.h"
#include "providers/dialects/selection_chat/fields.h"

namespace gateway::selection_chat {
namespace {

// Returns why a part has no place in an answer; empty if it has one.
std::string_view NameOfOtherPart(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
    case v1::Part::kRefusal:
    case v1::Part::KIND_NOT_SET:
      return "";
    case v1::Part::kReasoning:
      return "reasoning";
    case v1::Part::kToolCall:
      return "tool_call";
    case v1::Part::kImage:
      return "image";
    case v1::Part::kAudio:
      return "audio";
    default:
      return "part";
  }
}

std::string ContentOf(const v1::GenerateResponse& response,
                      wire::DroppedFields& dropped) {
  std::string content;
  if (response.choices().empty()) return content;
  if (response.choices_size() > 1) dropped.LeftOut("choices");
  for (const v1::Part& part : response.choices(0).message().parts()) {
    content.append(part.has_refusal() ? part.refusal() : part.text());
    const std::string_view other = NameOfOtherPart(part);
    if (!other.empty()) dropped.LeftOut(other);
    if (!part.citations().empty()) dropped.LeftOut("citations");
  }
  return content;
}

void WriteTokens(const v1::Usage& usage, JsonWriter& json) {
  json.StartObjectField("tokens_used");
  json.Int64Field("input", usage.input_tokens());
  json.Int64Field("output", usage.output_tokens());
  json.Int64Field("total", usage.input_tokens() + usage.output_tokens());
  json.EndObject();
}

std::string TimestampOf(const v1::GenerateResponse& response) {
  std::string text;
  AppendTimestamp(absl::FromUnixSeconds(response.create_time().seconds()) +
                      absl::Nanoseconds(response.create_time().nanos()),
                  &text);
  return text;
}

int64_t LatencyMs(const v1::GenerateResponse& response) {
  const google::protobuf::Duration& total = response.timings().total();
  return total.seconds() * 1000 + total.nanos() / 1'000'000;
}

}  // namespace

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings) {
  wire::DroppedFields dropped(kDialect, warnings);
  JsonWriter json(body);
  json.StartObject();
  json.StringField("content", ContentOf(response, dropped));
  json.StringField("model_used", response.route().model());
  json.StringField("provider", response.route().provider());
  WriteTokens(response.usage(), json);
  json.DoubleField("cost_usd", DollarsOf(response.usage().cost_usd_nanos()));
  json.Int64Field("latency_ms", LatencyMs(response));
  json.StringField("trace_id", response.request_id());
  json.NullField("conversation_id");
  json.StringField("timestamp", TimestampOf(response));
  const std::string_view reason =
      response.choices().empty()
          ? std::string_view()
          : FinishReasonWord(response.choices(0).finish_reason());
  if (reason.empty()) {
    json.NullField("finish_reason");
  } else {
    json.StringField("finish_reason", reason);
  }
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::selection_chat
