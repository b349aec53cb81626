#include "providers/dialects/openai_chat/scan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/scan_values.h"

namespace gateway {
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

// Fields that policies depend on.
enum Field {
  kFunctions,
  kMaxCompletionTokens,
  kMaxTokens,
  kMessages,
  kMetadata,
  kModel,
  kN,
  kSafetyIdentifier,
  kStream,
  kStreamOptions,
  kTools,
  kUser,
  kOther,
};

Field FieldOf(std::string_view key) {
  struct Entry {
    std::string_view key;
    Field field;
  };
  static constexpr Entry kEntries[] = {
      {"functions", kFunctions},
      {"max_completion_tokens", kMaxCompletionTokens},
      {"max_tokens", kMaxTokens},
      {"messages", kMessages},
      {"metadata", kMetadata},
      {"model", kModel},
      {"n", kN},
      {"safety_identifier", kSafetyIdentifier},
      {"stream", kStream},
      {"stream_options", kStreamOptions},
      {"tools", kTools},
      {"user", kUser},
  };
  for (const Entry& entry : kEntries) {
    if (entry.key == key) return entry.field;
  }
  return kOther;
}

class RequestScanner {
 public:
  RequestScanner(std::string_view body, RequestScan* scan)
      : body_(body), scan_(*scan) {}

  absl::Status Scan(JsonValue& root) {
    if (!root.IsObject()) return root.Error("expected an object");
    wire::ScanObject(body_, &scan_);
    GATEWAY_RETURN_IF_ERROR(
        root.EachField([this](std::string_view key, JsonValue& value) {
          return ScanField(key, value);
        }));
    // If there are two limits, which some servers refuse, the larger one is the
    // safe assumption.
    scan_.output_tokens_max = std::max(max_tokens_, max_completion_tokens_);
    if (scan_.user_id.empty()) scan_.user_id = std::move(user_);
    return absl::OkStatus();
  }

 private:
  absl::Status ScanField(std::string_view key, JsonValue& value) {
    const Field field = FieldOf(key);
    if (field == kOther) return absl::OkStatus();
    if ((seen_ & (1u << field)) != 0) return value.Error("given twice");
    seen_ |= 1u << field;
    switch (field) {
      case kModel:
        return ScanModel(value);
      case kMessages:
        scan_.has_messages = true;
        return wire::CountElements(value, &scan_.message_count);
      case kStreamOptions:
        return ScanStreamOptions(value);
      default:
        break;
    }
    if (field == kMaxTokens) scan_.has_old_limit = true;
    if (field == kMaxCompletionTokens) {
      scan_.new_limit_key = KeyBefore(value.FirstToken());
    }
    if (value.IsNull()) return value.Null();
    return ScanOptional(field, value);
  }

  // Scans a field that may be null, and is not. Of numbers only the type is
  // checked: their range is the provider's to check.
  absl::Status ScanOptional(Field field, JsonValue& value) {
    switch (field) {
      case kStream: {
        GATEWAY_ASSIGN_OR_RETURN(scan_.stream, value.Bool());
        return absl::OkStatus();
      }
      case kMaxTokens: {
        GATEWAY_ASSIGN_OR_RETURN(max_tokens_, value.Int64());
        return absl::OkStatus();
      }
      case kMaxCompletionTokens: {
        GATEWAY_ASSIGN_OR_RETURN(max_completion_tokens_, value.Int64());
        return absl::OkStatus();
      }
      case kN:
        return value.Int64().status();
      case kTools:
      case kFunctions:
        return value.EachElement([this](JsonValue&) {
          ++scan_.tool_count;
          return absl::OkStatus();
        });
      case kMetadata:
        return wire::ScanLabels(value, &scan_);
      case kUser: {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view user, value.String());
        user_ = user;
        return absl::OkStatus();
      }
      case kSafetyIdentifier: {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view user, value.String());
        scan_.user_id = user;
        return absl::OkStatus();
      }
      default:
        return absl::OkStatus();
    }
  }

  // Returns the place of a text that points into the body.
  Span SpanOf(std::string_view raw) const {
    return {.offset = static_cast<size_t>(raw.data() - body_.data()),
            .length = raw.size()};
  }

  // Returns the place of the key whose value begins with `token`, quotes
  // included.
  Span KeyBefore(std::string_view token) const {
    const size_t value_begin = token.data() - body_.data();
    const size_t end = body_.rfind('"', value_begin - 1);
    // Finds the quote before the key: no quote stands within it, or it would be
    // another key.
    const size_t begin = body_.rfind('"', end - 1);
    return {.offset = begin, .length = end + 1 - begin};
  }

  absl::Status ScanModel(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const JsonString model, value.StringAndRaw());
    if (model.text.empty()) return value.Error("must not be empty");
    GATEWAY_RETURN_IF_ERROR(wire::CheckNameLength(value, model.text));
    scan_.model = model.text;
    scan_.model_value = SpanOf(model.raw);
    return absl::OkStatus();
  }

  absl::Status ScanStreamOptions(JsonValue& value) {
    if (!value.IsObject()) {
      if (!value.IsNull()) return value.Error("expected an object or null");
      GATEWAY_RETURN_IF_ERROR(value.Null());
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                               value.RawUnchecked());
      scan_.stream_options_value = SpanOf(raw);
      return absl::OkStatus();
    }
    Leftovers others;
    bool repeated = false;
    bool seen = false;
    GATEWAY_RETURN_IF_ERROR(value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          if (key != "include_usage") return others.Keep(key, field);
          repeated = std::exchange(seen, true);
          if (repeated) return field.Error("given twice");
          if (field.IsNull()) return field.Null();
          GATEWAY_ASSIGN_OR_RETURN(scan_.stream_usage, field.Bool());
          return absl::OkStatus();
        }));
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
    scan_.stream_options_value = SpanOf(raw);
    if (others.fields().empty() || scan_.stream_usage) return absl::OkStatus();
    scan_.stream_options_wish = others.fields();
    scan_.stream_options_wish.append(",").append(kUsageWish).append("}");
    return absl::OkStatus();
  }

  std::string_view body_;
  RequestScan& scan_;
  uint32_t seen_ = 0;
  std::optional<int64_t> max_tokens_;
  std::optional<int64_t> max_completion_tokens_;
  std::string user_;
};

// What the first choice of an answer says of its end.
struct FirstChoice {
  std::string finish_reason;
  ChoiceContents contents;
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

absl::Status ScanChoice(JsonValue& choice, FirstChoice* first, bool* failed) {
  return choice.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "finish_reason" && value.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
          first->finish_reason = word;
        } else if (key == "message" && value.IsObject()) {
          return ScanMessage(value, &first->contents);
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
      return ReadOpenAiUsage(value, &facts_.usage);
    } else if (key == "error") {
      failed_ = failed_ || value.IsObject() || value.IsString();
    } else if (key == "choices") {
      return value.EachElement([this](JsonValue& choice) {
        if (std::exchange(has_choices_, true)) return absl::OkStatus();
        return ScanChoice(choice, &first_, &failed_);
      });
    }
    return absl::OkStatus();
  }

  absl::Status Finish(JsonValue& root) {
    if (failed_) return absl::OkStatus();
    if (!has_choices_) return root.Error("the answer has no choices");
    facts_.finish_reason =
        ReadFinishReason(first_.finish_reason, first_.contents);
    return absl::OkStatus();
  }

  bool failed() const { return failed_; }

 private:
  ResponseFacts& facts_;
  FirstChoice first_;
  bool has_choices_ = false;
  bool failed_ = false;
};

}  // namespace

absl::Status ScanOpenAiRequest(std::string_view body, RequestScan* scan) {
  *scan = RequestScan();
  RequestScanner scanner(body, scan);
  return AsInvalidRequest(
      ReadJson(body, JsonPadding::kPresent,
               [&](JsonValue& root) { return scanner.Scan(root); }));
}

bool CanForwardOpenAiRequest(const RequestScan& scan, std::string_view body,
                             const OpenAiChatQuirks& quirks) {
  if (!quirks.max_completion_tokens && scan.has_old_limit &&
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

void PlanOpenAiEdits(const RequestScan& scan, std::string_view model,
                     EditPlan* plan, const OpenAiChatQuirks& quirks) {
  wire::PlanModelEdit(scan, model, plan);
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
  std::sort(plan->edits.begin(), plan->edits.end(),
            [](const Edit& a, const Edit& b) {
              return a.span.offset < b.span.offset;
            });
}

absl::Status ScanOpenAiResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  ResponseScanner scanner(facts);
  const absl::Status status = ReadJson(
      body, JsonPadding::kPresent, [&](JsonValue& root) -> absl::Status {
        GATEWAY_RETURN_IF_ERROR(
            root.EachField([&](std::string_view key, JsonValue& value) {
              return scanner.ScanField(key, value);
            }));
        return scanner.Finish(root);
      });
  if (scanner.failed()) return ReadOpenAiErrorEvent(body);
  return AsBadResponse(status);
}

}  // namespace gateway
