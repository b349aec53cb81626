#include "providers/dialects/anthropic_messages/scan.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/anthropic_messages/errors.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/response.h"
#include "providers/dialects/scan_values.h"

namespace gateway::anthropic {
namespace {

using wire::ReadText;
using wire::ScanModel;

// Keys that may not be repeated.
constexpr std::array<std::string_view, 15> kSingleKeys = {
    "model",       "stream",    "max_tokens",  "messages",    "system",
    "tools",       "metadata",  "thinking",    "tool_choice", "output_config",
    "temperature", "container", "service_tier", kAgentTypeField,
    kProjectIdField};

// Checks that a text that is not looked into is a text, or null.
absl::Status CheckText(JsonValue& value) {
  return value.IsNull() ? absl::OkStatus() : value.String().status();
}

// Scans one request.
class RequestScanner {
 public:
  RequestScanner(std::string_view body, RequestScan* scan)
      : body_(body), scan_(*scan) {}

  absl::Status Scan() {
    GATEWAY_RETURN_IF_ERROR(
        ReadJson(body_, JsonPadding::kPresent, [&](JsonValue& root) {
          return root.EachField([&](std::string_view key, JsonValue& value) {
            return TakeField(key, value);
          });
        }));
    wire::ScanObject(body_, &scan_);
    scan_.stream_usage = true;
    if (!scan_.output_tokens_max.has_value()) scan_.absent_field = "max_tokens";
    return absl::OkStatus();
  }

 private:
  absl::Status TakeField(std::string_view key, JsonValue& value) {
    const auto single = std::find(kSingleKeys.begin(), kSingleKeys.end(), key);
    if (single == kSingleKeys.end()) return absl::OkStatus();
    const uint32_t bit = 1u << (single - kSingleKeys.begin());
    if ((seen_ & bit) != 0) return value.Error("repeated key");
    seen_ |= bit;
    if (key == "model") return ScanModel(value, body_, &scan_);
    if (key == "messages") {
      scan_.has_messages = true;
      return wire::CountElements(value, &scan_.message_count);
    }
    if (key == kAgentTypeField) return TakeOwn(value, &scan_.agent_type);
    if (key == kProjectIdField) return TakeOwn(value, &scan_.project_id);
    if (value.IsNull()) return absl::OkStatus();
    if (key == "stream") {
      GATEWAY_ASSIGN_OR_RETURN(scan_.stream, value.Bool());
    } else if (key == "max_tokens") {
      GATEWAY_ASSIGN_OR_RETURN(scan_.output_tokens_max, value.Int64());
    } else if (key == "tools") {
      return wire::ScanTools(value, &scan_);
    } else if (key == "metadata") {
      return TakeMetadata(value);
    }
    return absl::OkStatus();
  }

  // Takes a field that is not sent on, and cuts it out.
  absl::Status TakeOwn(JsonValue& value, std::string* text) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.RawUnchecked());
    if (raw.empty() || (raw.front() != '"' && raw != "null")) {
      return value.Error("expected a string");
    }
    GATEWAY_RETURN_IF_ERROR(
        ReadJson(absl::StrCat("[", ToAbsl(raw), "]"), JsonPadding::kAbsent,
                 [&](JsonValue& root) {
                   return root.EachElement([&](JsonValue& element) {
                     return ReadText(element, text);
                   });
                 }));
    CutOut(static_cast<size_t>(raw.data() - body_.data()), raw.size());
    return absl::OkStatus();
  }

  // Records that a field is to be cut out, with a comma: the one behind it or,
  // for the last field, the one before it.
  void CutOut(size_t value_begin, size_t value_bytes) {
    constexpr std::string_view kSpace = " \t\r\n";
    const size_t key_end = body_.rfind('"', value_begin - 1);
    // Finds the quote before the key: no quote stands within it, or it would be
    // another key.
    size_t begin = body_.rfind('"', key_end - 1);
    size_t end = value_begin + value_bytes;
    const size_t next = body_.find_first_not_of(kSpace, end);
    if (next != std::string_view::npos && body_[next] == ',') {
      scan_.own_fields.push_back({begin, next + 1 - begin});
      return;
    }
    while (!scan_.own_fields.empty()) {
      // The comma before was cut out with the previous field.
      const Span& last = scan_.own_fields.back();
      const size_t gap = last.offset + last.length;
      if (body_.substr(gap, begin - gap).find_first_not_of(kSpace) !=
          std::string_view::npos) {
        break;
      }
      begin = last.offset;
      scan_.own_fields.pop_back();
    }
    const size_t before = body_.find_last_not_of(kSpace, begin - 1);
    if (body_[before] == ',') begin = before;
    scan_.own_fields.push_back({begin, end - begin});
  }

  absl::Status TakeMetadata(JsonValue& value) {
    bool has_user_id = false;
    return value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          if (key != "user_id") return absl::OkStatus();
          if (has_user_id) return field.Error("repeated key");
          has_user_id = true;
          return ReadText(field, &scan_.user_id);
        });
  }

  const std::string_view body_;
  RequestScan& scan_;
  uint32_t seen_ = 0;
};

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  *scan = RequestScan();
  return AsFieldFault(RequestScanner(body, scan).Scan());
}

void PlanEdits(const RequestScan& scan, std::string_view model,
               EditPlan* plan) {
  wire::PlanModelEdit(scan, model, plan);
  if (scan.own_fields.empty()) return;
  for (const Span& own : scan.own_fields) plan->edits.push_back({own, {}});
  std::sort(plan->edits.begin(), plan->edits.end(),
            [](const Edit& a, const Edit& b) {
              return a.span.offset < b.span.offset;
            });
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  WireUsage usage;
  std::string stop_reason;
  std::string type;
  const absl::Status status =
      ReadJson(body, JsonPadding::kPresent, [&](JsonValue& root) {
        return root.EachField(
            [&](std::string_view key, JsonValue& value) -> absl::Status {
              if (key == "type") return ReadText(value, &type);
              if (key == "id" || key == "model") return CheckText(value);
              if (key == "stop_reason") return ReadText(value, &stop_reason);
              if (key != "usage") return absl::OkStatus();
              facts->has_usage = !value.IsNull();
              return usage.Read(value, nullptr);
            });
      });
  if (!status.ok()) return AsBadResponse(status);
  if (type == "error") return ReadErrorEvent(body);
  facts->usage = usage.ToUsage();
  facts->finish_reason = FinishReasonOfTurn(
      stop_reason, /*has_tool_call=*/false, /*has_content=*/true);
  return absl::OkStatus();
}

absl::StatusOr<EventKind> MessagesTap::OnEvent(std::string_view name,
                                               std::string_view data) {
  if (name == "content_block_delta" || name == "content_block_start" ||
      name == "content_block_stop") {
    return EventKind::kContent;
  }
  if (name == "message_stop") return EventKind::kTerminal;
  if (name == "message_delta") {
    GATEWAY_RETURN_IF_ERROR(AsBadResponse(ReadMessageDelta(data)));
    return EventKind::kContent;
  }
  if (name == "message_start") {
    const absl::StatusOr<bool> has_content = ReadMessageStart(data);
    if (!has_content.ok()) return AsBadResponse(has_content.status());
    return *has_content ? EventKind::kContent : EventKind::kIgnorable;
  }
  if (name == "error") {
    error_ = ReadErrorEvent(data);
    return EventKind::kError;
  }
  // `ping`, and events that are newer.
  if (!name.empty()) return EventKind::kIgnorable;
  // Without event names, as of some servers, `type` has it.
  std::string type;
  const absl::Status status =
      ReadJson(data, JsonPadding::kPresent, [&](JsonValue& root) {
        return root.EachField([&](std::string_view key, JsonValue& value) {
          return key == "type" ? ReadText(value, &type) : absl::OkStatus();
        });
      });
  if (!status.ok()) return AsBadResponse(status);
  if (type.empty()) return EventKind::kIgnorable;
  return OnEvent(type, data);
}

absl::Status MessagesTap::ReadUsage(JsonValue& value) {
  facts_.has_usage = true;
  GATEWAY_RETURN_IF_ERROR(usage_.Read(value, nullptr));
  facts_.usage = usage_.ToUsage();
  return absl::OkStatus();
}

absl::StatusOr<bool> MessagesTap::ReadMessageStart(std::string_view data) {
  if (std::exchange(started_, true)) {
    return absl::InvalidArgumentError("a second message has started");
  }
  bool has_content = false;
  std::string stop_reason;
  const auto read_field = [&](std::string_view key, JsonValue& value) {
    if (key == "id" || key == "model") return CheckText(value);
    if (key == "usage") return ReadUsage(value);
    if (key == "stop_reason") return ReadText(value, &stop_reason);
    if (key != "content" || !value.IsArray()) return absl::OkStatus();
    return value.EachElement([&](JsonValue&) {
      has_content = true;
      return absl::OkStatus();
    });
  };
  GATEWAY_RETURN_IF_ERROR(
      ReadJson(data, JsonPadding::kPresent, [&](JsonValue& root) {
        return root.EachField([&](std::string_view key, JsonValue& message) {
          return key == "message" ? message.EachField(read_field)
                                  : absl::OkStatus();
        });
      }));
  RecordEnd(stop_reason);
  return has_content;
}

void MessagesTap::RecordEnd(std::string_view stop_reason) {
  if (stop_reason.empty()) return;
  facts_.finish_reason = FinishReasonOfTurn(
      stop_reason, /*has_tool_call=*/false, /*has_content=*/true);
}

absl::Status MessagesTap::ReadMessageDelta(std::string_view data) {
  std::string stop_reason;
  bool has_usage = false;
  GATEWAY_RETURN_IF_ERROR(
      ReadJson(data, JsonPadding::kPresent, [&](JsonValue& root) {
        return root.EachField([&](std::string_view key, JsonValue& value) {
          if (key == "usage") {
            has_usage = true;
            return ReadUsage(value);
          }
          if (key != "delta") return absl::OkStatus();
          return value.EachField([&](std::string_view name, JsonValue& field) {
            return name == "stop_reason" ? ReadText(field, &stop_reason)
                                         : absl::OkStatus();
          });
        });
      }));
  RecordEnd(stop_reason);
  if (has_usage) facts_.usage_is_final = finished();
  return absl::OkStatus();
}

}  // namespace gateway::anthropic
