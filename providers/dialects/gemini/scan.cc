#include "providers/dialects/gemini/scan.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/gemini/errors.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_reader.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/scan_values.h"

namespace gateway::gemini {
namespace {

// The field of a request to count that holds a whole request.
constexpr std::string_view kWholeRequest = "generateContentRequest";

// Keys that may not be repeated, in either way of writing them.
constexpr std::string_view kSingleKeys[] = {
    "contents",      "systemInstruction", "tools",          "toolConfig",
    "generationConfig", "safetySettings", "cachedContent", "serviceTier",
    "model",         kWholeRequest};

// Scans one request.
class RequestScanner {
 public:
  enum class Place { kOutside, kInsideAnother };

  RequestScanner(Place place, RequestScan* scan)
      : place_(place), scan_(*scan) {}

  absl::Status Scan(JsonValue& root) {
    return root.EachField([&](std::string_view name, JsonValue& value) {
      return TakeField(CamelCase(name), value);
    });
  }

 private:
  absl::Status TakeField(const std::string& key, JsonValue& value) {
    const auto* single =
        std::find(std::begin(kSingleKeys), std::end(kSingleKeys), key);
    if (single == std::end(kSingleKeys)) return absl::OkStatus();
    const uint32_t bit = 1u << (single - std::begin(kSingleKeys));
    if ((seen_ & bit) != 0) return value.Error("repeated key");
    seen_ |= bit;
    if (key == "contents") {
      scan_.has_messages = true;
      // One turn counts as a list of one, as Google takes it.
      if (value.IsObject()) {
        scan_.message_count = 1;
        return absl::OkStatus();
      }
      return wire::CountElements(value, &scan_.message_count);
    }
    if (value.IsNull()) return absl::OkStatus();
    if (key == "tools") {
      GATEWAY_RETURN_IF_ERROR(EachOf(value, [this](JsonValue& tool) {
        return CountTools(tool);
      }));
    } else if (key == kWholeRequest && place_ == Place::kOutside) {
      return TakeWholeRequest(value);
    } else if (key == "generationConfig") {
      return value.EachField([&](std::string_view name, JsonValue& field) {
        return TakeConfig(CamelCase(name), field);
      });
    }
    return absl::OkStatus();
  }

  // Counts each function of an entry as a tool.
  absl::Status CountTools(JsonValue& entry) {
    bool has_functions = false;
    bool has_more = false;
    GATEWAY_RETURN_IF_ERROR(entry.EachField(
        [&](std::string_view name, JsonValue& field) -> absl::Status {
          if (CamelCase(name) != "functionDeclarations") {
            has_more = true;
            return absl::OkStatus();
          }
          has_functions = true;
          if (field.IsNull()) return absl::OkStatus();
          return EachOf(field, [this](JsonValue&) {
            ++scan_.tool_count;
            return absl::OkStatus();
          });
        }));
    if (has_more || !has_functions) ++scan_.tool_count;
    return absl::OkStatus();
  }

  // Scans the whole request whose tokens are to be counted, as it would be
  // sent.
  absl::Status TakeWholeRequest(JsonValue& value) {
    RequestScan whole;
    GATEWAY_RETURN_IF_ERROR(
        RequestScanner(Place::kInsideAnother, &whole).Scan(value));
    scan_.has_messages = scan_.has_messages || whole.has_messages;
    scan_.message_count += whole.message_count;
    scan_.tool_count += whole.tool_count;
    return absl::OkStatus();
  }

  absl::Status TakeConfig(const std::string& key, JsonValue& value) {
    const bool is_limit = key == "maxOutputTokens";
    if (!is_limit && key != "candidateCount") return absl::OkStatus();
    bool& seen = is_limit ? has_limit_ : has_count_;
    if (seen) return value.Error("repeated key");
    seen = true;
    if (value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(const int64_t number, value.Int64());
    if (is_limit) scan_.output_tokens_max = number;
    return absl::OkStatus();
  }

  const Place place_;
  RequestScan& scan_;
  uint32_t seen_ = 0;
  bool has_limit_ = false;
  bool has_count_ = false;
};

// What must be recorded of one candidate.
struct CandidateNotes {
  int32_t index = 0;
  std::string finish_word;
  bool has_parts = false;
  bool has_tool_call = false;
};

// What must be recorded of an answer, or a piece of one.
struct Notes {
  std::vector<CandidateNotes> candidates;
  std::string block_word;
  WireUsage usage;
  bool has_usage = false;
  bool failed = false;
};

absl::Status RecordText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  *text = std::string(view);
  return absl::OkStatus();
}

absl::Status RecordContent(JsonValue& content, CandidateNotes* notes) {
  if (content.IsNull()) return absl::OkStatus();
  return content.EachField([&](std::string_view key, JsonValue& parts) {
    if (key != "parts" || parts.IsNull()) return absl::OkStatus();
    return parts.EachElement([&](JsonValue& part) {
      notes->has_parts = true;
      return part.EachField([&](std::string_view name, JsonValue&) {
        notes->has_tool_call |= name == "functionCall";
        return absl::OkStatus();
      });
    });
  });
}

absl::Status RecordCandidate(JsonValue& candidate, CandidateNotes* notes) {
  return candidate.EachField([&](std::string_view key,
                                 JsonValue& value) -> absl::Status {
    if (key == "content") return RecordContent(value, notes);
    if (key == "finishReason") return RecordText(value, &notes->finish_word);
    if (key != "index" || value.IsNull()) return absl::OkStatus();
    GATEWAY_ASSIGN_OR_RETURN(notes->index, value.Int32(0, kCandidatesMax - 1));
    return absl::OkStatus();
  });
}

absl::Status RecordField(std::string_view key, JsonValue& value, Notes* notes) {
  if (key == "candidates") {
    if (value.IsNull()) return absl::OkStatus();
    return value.EachElement([&](JsonValue& candidate) -> absl::Status {
      if (notes->candidates.size() == kCandidatesMax) {
        return candidate.Error("too many candidates");
      }
      return RecordCandidate(candidate, &notes->candidates.emplace_back());
    });
  }
  if (key == "usageMetadata") {
    notes->has_usage = !value.IsNull();
    return notes->usage.Read(value, nullptr);
  }
  if (key == "promptFeedback" && !value.IsNull()) {
    return value.EachField([&](std::string_view name, JsonValue& field) {
      return name == "blockReason" ? RecordText(field, &notes->block_word)
                                   : absl::OkStatus();
    });
  }
  notes->failed |= key == "error" && value.IsObject();
  return absl::OkStatus();
}

absl::Status ReadNotes(std::string_view data, Notes* notes) {
  return ReadJson(
      data, JsonPadding::kPresent, [&](JsonValue& root) -> absl::Status {
        // An error comes in a list where a stream was asked for.
        if (root.IsArray()) {
          notes->failed = true;
          return root.EachElement([](JsonValue&) { return absl::OkStatus(); });
        }
        return root.EachField([&](std::string_view key, JsonValue& value) {
          return RecordField(key, value, notes);
        });
      });
}

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  *scan = RequestScan();
  GATEWAY_RETURN_IF_ERROR(
      AsFieldFault(ReadJson(body, JsonPadding::kPresent, [&](JsonValue& root) {
        return RequestScanner(RequestScanner::Place::kOutside, scan).Scan(root);
      })));
  scan->object_begin = body.find('{') + 1;
  scan->stream_usage = true;
  scan->messages_field = "contents";
  return absl::OkStatus();
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  Notes notes;
  const absl::Status status = ReadNotes(body, &notes);
  if (!status.ok()) return AsBadResponse(status);
  if (notes.failed) return ReadErrorEvent(body);
  facts->has_usage = notes.has_usage;
  facts->usage = notes.usage.ToUsage();
  if (!notes.candidates.empty()) {
    const CandidateNotes& first = notes.candidates.front();
    facts->finish_reason = FinishReasonOfTurn(
        first.finish_word, first.has_tool_call, first.has_parts);
  } else if (!notes.block_word.empty()) {
    facts->finish_reason = v1::FINISH_REASON_CONTENT_FILTER;
  } else {
    return AsBadResponse(absl::InvalidArgumentError("candidates: required"));
  }
  return absl::OkStatus();
}

absl::StatusOr<EventKind> ChunkTap::OnEvent(std::string_view,
                                            std::string_view data) {
  if (absl::StripAsciiWhitespace(ToAbsl(data)).empty()) {
    return EventKind::kIgnorable;
  }
  Notes notes;
  const absl::Status status = ReadNotes(data, &notes);
  if (!status.ok()) return AsBadResponse(status);
  if (notes.failed) {
    error_ = ReadErrorEvent(data);
    return EventKind::kError;
  }
  if (notes.has_usage) {
    facts_.has_usage = true;
    facts_.usage = notes.usage.ToUsage();
  }
  bool has_output = false;
  for (const CandidateNotes& candidate : notes.candidates) {
    const bool is_first = candidate.index == 0;
    has_output |= candidate.has_parts || !candidate.finish_word.empty();
    begun_.set(candidate.index);
    if (is_first) {
      has_tool_call_ |= candidate.has_tool_call;
      has_content_ |= candidate.has_parts;
    }
    if (candidate.finish_word.empty() || ended_.test(candidate.index)) continue;
    ended_.set(candidate.index);
    if (!is_first) continue;
    facts_.finish_reason =
        FinishReasonOfTurn(candidate.finish_word, has_tool_call_, has_content_);
  }
  if (begun_.none() && !notes.block_word.empty()) {
    begun_.set(0);
    ended_.set(0);
    facts_.finish_reason = v1::FINISH_REASON_CONTENT_FILTER;
    has_output = true;
  }
  if (notes.has_usage) facts_.usage_is_final = finished();
  return has_output ? EventKind::kContent : EventKind::kIgnorable;
}

}  // namespace gateway::gemini
