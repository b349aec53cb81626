#include "providers/dialects/openai_responses/scan.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/openai_responses/errors.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/vendor_names.h"
#include "providers/dialects/request_scan.h"
#include "providers/dialects/service_tier.h"
#include "providers/dialects/told_usage.h"

namespace gateway::responses {
namespace {

using wire::FieldKind;
using wire::ReadText;

constexpr wire::ScannedField kFields[] = {
    {.key = "model", .kind = FieldKind::kModel},
    {.key = "input", .kind = FieldKind::kHook},
    {.key = "stream", .kind = FieldKind::kStream},
    {.key = "max_output_tokens", .kind = FieldKind::kOutputLimit},
    {.key = "tools", .kind = FieldKind::kTools, .one_alone = true},
    {.key = "metadata", .kind = FieldKind::kLabels},
    // The newer of the two names counts.
    {.key = "safety_identifier", .kind = FieldKind::kUserId},
    {.key = "user", .kind = FieldKind::kOldUserId},
    {.key = "previous_response_id", .kind = FieldKind::kHook},
    {.key = "store", .kind = FieldKind::kHook},
    {.key = "background", .kind = FieldKind::kHook},
    {.key = "conversation", .kind = FieldKind::kHook},
    {.key = "session_id", .kind = FieldKind::kSession},
    {.key = "prompt", .kind = FieldKind::kHook},
    {.key = "instructions"},
    {.key = "tool_choice"},
    {.key = "service_tier"},
    {.key = "stream_options"},
    {.key = "temperature"},
};
constexpr wire::ScanFormat kScanFormat = {.fields = kFields};

// Finds out whether an item of the input only names one that the provider has
// stored. Any of repeated keys may be the one that the provider reads.
class ItemScanner {
 public:
  absl::Status Scan(JsonValue& item) {
    return item.EachField([this](std::string_view key, JsonValue& value) {
      return TakeField(key, value);
    });
  }

  bool is_reference() const {
    return named_ || (!has_type_ && !has_role_) ||
           (is_picture_ && (!has_result_ || lacks_result_));
  }

 private:
  absl::Status TakeField(std::string_view key, JsonValue& value) {
    if (key == "role") {
      has_role_ = true;
    } else if (key == "result") {
      (value.IsString() ? has_result_ : lacks_result_) = true;
    } else if (key == "type" && value.IsString()) {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, value.String());
      has_type_ = true;
      named_ |= type == "item_reference";
      is_picture_ |= type == "image_generation_call";
    }
    return absl::OkStatus();
  }

  bool named_ = false;
  bool has_type_ = false;
  bool has_role_ = false;
  bool is_picture_ = false;
  bool has_result_ = false;
  bool lacks_result_ = false;
};

// Scans what is there to answer, and what the request says of kept answers;
// looks into the items of the input only if told to.
class StateScanner {
 public:
  StateScanner(RequestScan* scan, StateScan* state, bool reads_items)
      : scan_(*scan), state_(*state), reads_items_(reads_items) {}

  absl::Status Take(std::string_view key, JsonValue& value) {
    if (key == "input") return TakeInput(value);
    if (key == "store") {
      GATEWAY_ASSIGN_OR_RETURN(const bool store, value.Bool());
      state_.store = store;
    } else if (key == "background") {
      GATEWAY_ASSIGN_OR_RETURN(state_.background, value.Bool());
    } else if (key == "previous_response_id") {
      GATEWAY_RETURN_IF_ERROR(ReadText(value, &state_.previous_response_id));
      if (!state_.previous_response_id.empty()) scan_.needs_messages = false;
    } else {
      state_.conversation |= key == "conversation";
      scan_.needs_messages = false;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status TakeInput(JsonValue& value) {
    if (!value.IsArray() && !value.IsString()) {
      return value.Error("expected a string or an array");
    }
    scan_.has_messages = true;
    if (value.IsArray()) return TakeItems(value);
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    if (!text.empty()) scan_.needs_messages = false;
    return absl::OkStatus();
  }

  absl::Status TakeItems(JsonValue& items) {
    if (!reads_items_) return wire::CountEntries(items, &scan_.message_count);
    return items.EachElement([this](JsonValue& item) {
      const int index = scan_.message_count++;
      if (state_.stored_item.has_value() || !item.IsObject()) {
        return absl::OkStatus();
      }
      ItemScanner scanner;
      GATEWAY_RETURN_IF_ERROR(scanner.Scan(item));
      if (scanner.is_reference()) state_.stored_item = index;
      return absl::OkStatus();
    });
  }

  RequestScan& scan_;
  StateScan& state_;
  const bool reads_items_;
};

absl::Status ScanWithState(std::string_view body, bool reads_items,
                           RequestScan* scan, StateScan* state) {
  StateScanner scanner(scan, state, reads_items);
  GATEWAY_RETURN_IF_ERROR(wire::ScanRequest(
      kScanFormat, body, scan, [&](std::string_view key, JsonValue& value) {
        return scanner.Take(key, value);
      }));
  scan->stream_usage = true;
  scan->messages_field = "input";
  return absl::OkStatus();
}

// Reads the object that an answer is, or that ends a stream.
class AnswerScanner {
 public:
  absl::Status Read(JsonValue& root) {
    return root.EachField([this](std::string_view key, JsonValue& value) {
      return ReadField(key, value);
    });
  }

  // An answer has it, whatever became of it; the end of a stream may not.
  bool has_output() const { return has_output_; }

  // Returns the failure that the object reports, or sets what it says.
  absl::Status Finish(ResponseFacts* facts) const {
    if (!error_.empty()) return ReadFailure(error_);
    if (status_ == "failed" || status_ == "cancelled") {
      return GaveUpFault(status_);
    }
    facts->finish_reason =
        FinishReasonOf(status_, incomplete_reason_, contents_);
    return absl::OkStatus();
  }

  // Returns whether it tells how much output there is.
  bool TakeFacts(ResponseFacts* facts) const {
    facts->kept_id = id_;
    if (!service_tier_.empty()) facts->service_tier = service_tier_;
    if (!has_usage_) return false;
    facts->has_usage = true;
    return ReplaceUsage(usage_, &facts->usage);
  }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (key == "status") return ReadText(value, &status_);
    if (key == "id") return ReadText(value, &id_);
    if (key == "service_tier") return ReadServiceTier(value, &service_tier_);
    has_output_ = has_output_ || key == "output";
    if (value.IsNull()) return absl::OkStatus();
    if (key == "model") return value.String().status();
    if (key == "usage") {
      has_usage_ = true;
      return ReadUsage(value, &usage_);
    }
    if (key == "error") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
      error_ = std::string(raw);
    } else if (key == "incomplete_details") {
      return value.EachField([this](std::string_view name, JsonValue& field) {
        return name == "reason" ? ReadText(field, &incomplete_reason_)
                                : absl::OkStatus();
      });
    } else if (key == "output") {
      return value.EachElement(
          [this](JsonValue& item) { return ReadItem(item); });
    }
    return absl::OkStatus();
  }

  absl::Status ReadItem(JsonValue& item) {
    contents_.any = true;
    return item.EachField([this](std::string_view key, JsonValue& value) {
      if (key == "content" && value.IsArray()) return ReadContent(value);
      if (key != "type") return absl::OkStatus();
      std::string type;
      absl::Status status = ReadText(value, &type);
      contents_.tool_calls |=
          type == "function_call" || type == "custom_tool_call";
      return status;
    });
  }

  absl::Status ReadContent(JsonValue& content) {
    return content.EachElement([this](JsonValue& part) {
      return part.EachField([this](std::string_view key, JsonValue& value) {
        if (key != "type") return absl::OkStatus();
        std::string type;
        absl::Status status = ReadText(value, &type);
        contents_.refusal |= type == "refusal";
        return status;
      });
    });
  }

  std::string id_;
  std::string service_tier_;
  std::string status_;
  std::string incomplete_reason_;
  std::string error_;  // As JSON.
  Contents contents_;
  v1::Usage usage_;
  bool has_usage_ = false;
  bool has_output_ = false;
};

// Reads the object of an event into `answer`, and the event's number.
absl::Status ReadEvent(std::string_view data, AnswerScanner* answer,
                       int64_t* number) {
  return ReadJson(data, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "response") return answer->Read(value);
          const bool is_number = key == "sequence_number";
          if (is_number) *number = value.Int64().value_or(*number);
          return absl::OkStatus();
        });
  });
}

// Returns the value of `type`, for streams without event names.
absl::StatusOr<std::string> TypeOf(std::string_view data) {
  std::string type;
  GATEWAY_RETURN_IF_ERROR(ReadJson(data, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return key == "type" ? ReadText(value, &type) : absl::OkStatus();
    });
  }));
  return type;
}

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  StateScan state;
  return ScanWithState(body, /*reads_items=*/false, scan, &state);
}

absl::Status ScanState(std::string_view body, StateScan* state) {
  *state = StateScan();
  RequestScan scan;
  return ScanWithState(body, /*reads_items=*/true, &scan, state);
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  AnswerScanner answer;
  const absl::Status status =
      ReadJson(body, [&](JsonValue& root) { return answer.Read(root); });
  // Also if something of it cannot be read.
  answer.TakeFacts(facts);
  if (!status.ok()) return AsBadResponse(status);
  const absl::Status failure = answer.Finish(facts);
  if (failure.ok() && !answer.has_output()) {
    return AsBadResponse(absl::InvalidArgumentError("output: required"));
  }
  return failure;
}

absl::StatusOr<EventKind> ResponsesTap::OnEvent(std::string_view name,
                                                std::string_view data) {
  if (data.starts_with("[DONE]")) return EventKind::kTerminal;
  if (name.empty()) {
    // Without event names, as of some servers, `type` has it.
    const absl::StatusOr<std::string> type = TypeOf(data);
    if (!type.ok()) return AsBadResponse(type.status());
    if (type->empty()) return EventKind::kIgnorable;
    return OnEvent(*type, data);
  }
  if (name == "error") {
    error_ = ReadErrorEvent(data);
    return EventKind::kError;
  }
  if (name == "response.completed" || name == "response.incomplete" ||
      name == "response.failed") {
    AnswerScanner answer;
    int64_t number = 0;
    const absl::Status status = ReadEvent(data, &answer, &number);
    // Also if something of it cannot be read.
    facts_.usage_is_final = answer.TakeFacts(&facts_);
    if (!status.ok()) return AsBadResponse(status);
    error_ = answer.Finish(&facts_);
    facts_.failure_told = name == "response.failed";
    return error_.ok() ? EventKind::kTerminal : EventKind::kError;
  }
  // Each number is one more than the one before; the first event tells where
  // they begin.
  ++facts_.next_event_number;
  if (name == "response.created") {
    // Only the id and the number are needed here.
    AnswerScanner answer;
    int64_t number = 0;
    if (ReadEvent(data, &answer, &number).ok()) {
      answer.TakeFacts(&facts_);
      facts_.next_event_number = number + 1;
    }
    return EventKind::kIgnorable;
  }
  if (name == "response.in_progress" || name == "response.queued") {
    return EventKind::kIgnorable;
  }
  return name.starts_with("response.") ? EventKind::kContent
                                       : EventKind::kIgnorable;
}

}  // namespace gateway::responses
