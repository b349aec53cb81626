#include "providers/dialects/openai_chat/scan.h"

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/key_case.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/response.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/request_scan.h"
#include "providers/dialects/service_tier.h"

namespace gateway::chat {
namespace {

constexpr std::string_view kUsageWish = R"("include_usage":true)";
constexpr std::string_view kWishObject = R"({"include_usage":true})";
// Followed by a comma, since the object has at least messages.
constexpr std::string_view kWishField =
    R"("stream_options":{"include_usage":true},)";

constexpr std::string_view kOldLimitKey = R"("max_tokens")";

// Returns where `text` is, from `from` on; npos if nowhere. Does not search for
// its first byte, as string_view does: that would stop at each quote, of which
// JSON is full.
size_t FindText(std::string_view body, std::string_view text, size_t from) {
  const void* const found = memmem(body.data() + from, body.size() - from,
                                   text.data(), text.size());
  return found != nullptr ? static_cast<const char*>(found) - body.data()
                          : std::string_view::npos;
}

bool HasText(std::string_view body, std::string_view text) {
  return FindText(body, text, 0) != std::string_view::npos;
}

int CountText(std::string_view body, std::string_view text) {
  int count = 0;
  for (size_t at = FindText(body, text, 0); at != std::string_view::npos;
       at = FindText(body, text, at + text.size())) {
    ++count;
  }
  return count;
}

// Returns whether, most likely, each turn that calls tools has its reasoning.
bool CallsHaveReasoning(std::string_view body) {
  return CountText(body, R"("tool_calls")") ==
         CountText(body, R"("reasoning_content")");
}

using wire::FieldKind;

constexpr std::string_view kStreamOptions = "stream_options";
constexpr std::string_view kIncludeUsage = "include_usage";

constexpr wire::ScannedField kFields[] = {
    {.key = "functions", .kind = FieldKind::kTools},
    {.key = "max_completion_tokens",
     .kind = FieldKind::kOutputLimit,
     .key_place = &RequestScan::new_limit_key},
    {.key = "max_tokens",
     .kind = FieldKind::kOutputLimit,
     .key_place = &RequestScan::old_limit_key},
    {.key = "messages", .kind = FieldKind::kMessages},
    {.key = "metadata", .kind = FieldKind::kLabels},
    {.key = "model", .kind = FieldKind::kModel},
    {.key = "n", .kind = FieldKind::kAnswerCount},
    {.key = "safety_identifier", .kind = FieldKind::kUserId},
    {.key = "session_id", .kind = FieldKind::kSession},
    {.key = "stream", .kind = FieldKind::kStream},
    {.key = kStreamOptions, .kind = FieldKind::kHook, .null_too = true},
    {.key = "tools", .kind = FieldKind::kTools},
    {.key = "user", .kind = FieldKind::kOldUserId},
};

constexpr wire::ScanFormat kScanFormat = {.fields = kFields,
                                          .repeated = "given twice"};

// Finds out whether usage is asked for, and what is to stand in place of the
// options so that it is.
absl::Status ScanStreamOptions(JsonValue& value, std::string_view body,
                               RequestScan* scan) {
  const auto record = [&](std::string_view raw) {
    scan->stream_options_value = {
        .offset = static_cast<size_t>(raw.data() - body.data()),
        .length = raw.size()};
  };
  if (!value.IsObject()) {
    if (!value.IsNull()) return value.Error("expected an object or null");
    GATEWAY_RETURN_IF_ERROR(value.Null());
    record({value.begin(), std::string_view("null").size()});
    return absl::OkStatus();
  }
  Leftovers others;
  bool repeated = false;
  bool seen = false;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key != kIncludeUsage) {
          return wire::IsTakenFor(key, kIncludeUsage)
                     ? wire::WrongCase(field, kIncludeUsage)
                     : others.Keep(key, field);
        }
        repeated = std::exchange(seen, true);
        if (repeated) return field.Error(kScanFormat.repeated);
        if (field.IsNull()) return field.Null();
        GATEWAY_ASSIGN_OR_RETURN(scan->stream_usage, field.Bool());
        return absl::OkStatus();
      }));
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  record(raw);
  if (others.fields().empty() || scan->stream_usage) return absl::OkStatus();
  scan->stream_options_wish = others.fields();
  scan->stream_options_wish.append(",").append(kUsageWish).append("}");
  return absl::OkStatus();
}

// What a choice of an answer says of its end.
struct ChoiceEnd {
  std::string finish_reason;
  ChoiceContents contents;
  bool has_message = false;
};

absl::Status ScanMessage(JsonValue& message, ChoiceContents* contents) {
  return message.EachField([&](std::string_view key, JsonValue& value) {
    if (key == "content" && value.IsString()) contents->content = true;
    if (key == "refusal" && value.IsString()) contents->refusal = true;
    if (key == "function_call" && value.IsObject()) contents->tool_calls = true;
    if (key == "tool_calls" && value.IsArray()) {
      return value.EachElement([&](JsonValue&) {
        contents->tool_calls = true;
        return absl::OkStatus();
      });
    }
    return absl::OkStatus();
  });
}

absl::Status ScanChoice(JsonValue& choice, ChoiceEnd* end, bool* failed) {
  return choice.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "finish_reason" && value.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
          end->finish_reason = word;
        } else if (key == "message" && value.IsObject()) {
          end->has_message = true;
          return ScanMessage(value, &end->contents);
        } else if (key == "error" && value.IsObject()) {
          *failed = true;
        }
        return absl::OkStatus();
      });
}

class ResponseScanner {
 public:
  explicit ResponseScanner(ResponseFacts* facts) : facts_(*facts) {}

  absl::Status ScanField(std::string_view key, JsonValue& value) {
    if (key == "usage" && !value.IsNull()) {
      facts_.has_usage = true;
      return ReadUsage(value, &facts_.usage);
    } else if (key == "error") {
      failed_ = failed_ || value.IsObject() || value.IsString();
    } else if (key == "service_tier") {
      return ReadServiceTier(value, &facts_.service_tier);
    } else if (key == "choices") {
      return value.EachElement([this](JsonValue& choice) {
        if (std::exchange(has_choices_, true)) return ScanOther(choice);
        return ScanChoice(choice, &first_, &failed_);
      });
    }
    return absl::OkStatus();
  }

  absl::Status Finish(JsonValue& root) {
    if (failed_) return absl::OkStatus();
    if (!has_choices_) return root.Error("the answer has no choices");
    if (!first_.has_message && !MayLackMessage(first_.finish_reason)) {
      return root.Error(kNoMessage);
    }
    facts_.finish_reason =
        ReadFinishReason(first_.finish_reason, first_.contents);
    return absl::OkStatus();
  }

  bool failed() const { return failed_; }

 private:
  absl::Status ScanOther(JsonValue& choice) {
    ChoiceEnd end;
    bool failed = false;
    GATEWAY_RETURN_IF_ERROR(ScanChoice(choice, &end, &failed));
    if (!failed && !end.has_message && !MayLackMessage(end.finish_reason)) {
      return choice.Error(kNoMessage);
    }
    if (failed ||
        !IsEndOfModel(ReadFinishReason(end.finish_reason, end.contents))) {
      facts_.other_choice_cut = true;
    }
    return absl::OkStatus();
  }

  ResponseFacts& facts_;
  ChoiceEnd first_;
  bool has_choices_ = false;
  bool failed_ = false;
};

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  return wire::ScanRequest(kScanFormat, body, scan,
                           [&](std::string_view, JsonValue& value) {
                             return ScanStreamOptions(value, body, scan);
                           });
}

bool CanForward(const RequestScan& scan, std::string_view body,
                const OpenAiChatQuirks& quirks) {
  if (!quirks.max_completion_tokens && scan.old_limit_key.length > 0 &&
      scan.new_limit_key.length > 0) {
    return false;
  }
  if (!quirks.stream_options && scan.stream_options_value.length > 0) {
    return false;
  }
  if (!quirks.developer_role && HasText(body, R"("developer")")) return false;
  if (quirks.reasoning_of_calls && !CallsHaveReasoning(body)) return false;
  return quirks.schema_mode == OpenAiChatQuirks::SchemaMode::kNative ||
         !HasText(body, R"("json_schema")");
}

void PlanEdits(const RequestScan& scan, std::string_view model, EditPlan* plan,
               const OpenAiChatQuirks& quirks) {
  wire::PlanEdits(scan, model, plan);
  if (!quirks.max_completion_tokens && scan.new_limit_key.length > 0) {
    plan->edits.push_back({scan.new_limit_key, kOldLimitKey});
  }
  if (scan.stream && !scan.stream_usage && quirks.stream_options) {
    if (scan.stream_options_value.length == 0) {
      plan->edits.push_back({{.offset = scan.object_begin}, kWishField});
    } else if (scan.stream_options_wish.empty()) {
      plan->edits.push_back({scan.stream_options_value, kWishObject});
    } else {
      plan->edits.push_back(
          {scan.stream_options_value, scan.stream_options_wish});
    }
  }
  wire::SortEdits(plan);
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  ResponseScanner scanner(facts);
  const absl::Status status =
      ReadJson(body, [&](JsonValue& root) -> absl::Status {
        GATEWAY_RETURN_IF_ERROR(
            root.EachField([&](std::string_view key, JsonValue& value) {
              return scanner.ScanField(key, value);
            }));
        return scanner.Finish(root);
      });
  if (scanner.failed()) return ReadErrorEvent(body);
  return AsBadResponse(status);
}

}  // namespace gateway::chat
