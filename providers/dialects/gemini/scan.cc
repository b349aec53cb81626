#include "providers/dialects/gemini/scan.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_reader.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/request_scan.h"

namespace gateway::gemini {
namespace {

using wire::FieldKind;
using wire::ReadText;

constexpr wire::ScannedField kConfigFields[] = {
    {.key = "maxOutputTokens", .kind = FieldKind::kOutputLimit},
    {.key = "candidateCount", .kind = FieldKind::kAnswerCount},
};
constexpr wire::ScanFormat kConfig = {.fields = kConfigFields,
                                      .camel_case = true};

// The same of a whole request whose tokens are to be counted: it is not
// answered, so that its limit is none of this one.
constexpr wire::ScannedField kCountedConfigFields[] = {
    {.key = "maxOutputTokens", .kind = FieldKind::kInteger},
    {.key = "candidateCount", .kind = FieldKind::kInteger},
};
constexpr wire::ScanFormat kCountedConfig = {.fields = kCountedConfigFields,
                                             .camel_case = true};

constexpr wire::ScannedField kCountedFields[] = {
    {.key = "contents", .kind = FieldKind::kMessages, .one_alone = true},
    {.key = "tools", .kind = FieldKind::kHook},
    {.key = "generationConfig",
     .kind = FieldKind::kObject,
     .inside = &kCountedConfig},
    {.key = "systemInstruction"},
    {.key = "toolConfig"},
    {.key = "safetySettings"},
    {.key = "cachedContent"},
    {.key = "serviceTier"},
    {.key = "model"},
    {.key = "generateContentRequest"},
};
constexpr wire::ScanFormat kCounted = {.fields = kCountedFields,
                                       .camel_case = true};

constexpr wire::ScannedField kFields[] = {
    // One turn counts as a list of one, as Google takes it.
    {.key = "contents", .kind = FieldKind::kMessages, .one_alone = true},
    {.key = "tools", .kind = FieldKind::kHook},
    {.key = "generationConfig", .kind = FieldKind::kObject, .inside = &kConfig},
    {.key = "systemInstruction"},
    {.key = "toolConfig"},
    {.key = "safetySettings"},
    {.key = "cachedContent"},
    {.key = "serviceTier"},
    {.key = "model"},
    // Of a request to count.
    {.key = "generateContentRequest",
     .kind = FieldKind::kObject,
     .inside = &kCounted},
};
constexpr wire::ScanFormat kScanFormat = {.fields = kFields,
                                          .camel_case = true};

// Counts each function of an entry as a tool.
absl::Status CountTools(JsonValue& entry, int* count) {
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
        return EachOf(field, [&](JsonValue&) {
          ++*count;
          return absl::OkStatus();
        });
      }));
  if (has_more || !has_functions) ++*count;
  return absl::OkStatus();
}

// What must be recorded of one candidate.
struct CandidateNotes {
  int32_t index = 0;
  std::string finish_word;
  bool has_content = false;
  bool has_parts = false;
  bool has_output = false;  // In them, beside empty texts and signatures.
  bool has_tool_call = false;
};

// What must be recorded of an answer, or a piece of one.
struct Notes {
  std::vector<CandidateNotes> candidates;
  std::string block_word;
  WireUsage usage;
  bool has_usage = false;
  absl::Status usage_fault;  // Told once the rest was read.
  bool failed = false;
};

absl::Status RecordContent(JsonValue& content, CandidateNotes* notes) {
  if (content.IsNull()) return absl::OkStatus();
  return content.EachField([&](std::string_view key, JsonValue& parts) {
    if (key != "parts" || parts.IsNull()) return absl::OkStatus();
    return parts.EachElement([&](JsonValue& part) {
      notes->has_parts = true;
      return part.EachField(
          [&](std::string_view name, JsonValue& value) -> absl::Status {
            notes->has_tool_call |= name == "functionCall";
            if (name.starts_with("thought")) return absl::OkStatus();
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                     value.RawUnchecked());
            notes->has_output |= raw != "\"\"";
            return absl::OkStatus();
          });
    });
  });
}

absl::Status RecordCandidate(JsonValue& candidate, CandidateNotes* notes) {
  return candidate.EachField([&](std::string_view key,
                                 JsonValue& value) -> absl::Status {
    if (key == "content") {
      notes->has_content = !value.IsNull();
      return RecordContent(value, notes);
    }
    if (key == "finishReason") return ReadText(value, &notes->finish_word);
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
    notes->usage_fault = notes->usage.Read(value, nullptr);
    return absl::OkStatus();
  }
  if (key == "promptFeedback" && !value.IsNull()) {
    return value.EachField([&](std::string_view name, JsonValue& field) {
      return name == "blockReason" ? ReadText(field, &notes->block_word)
                                   : absl::OkStatus();
    });
  }
  notes->failed |= key == "error" && value.IsObject();
  return absl::OkStatus();
}

absl::Status ReadNotes(std::string_view data, Notes* notes) {
  return ReadJson(data, [&](JsonValue& root) -> absl::Status {
    if (root.IsArray()) {
      notes->failed = true;
      return ReadErrorList(root);
    }
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return RecordField(key, value, notes);
    });
  });
}

// Records how a candidate has ended that is not the first.
void RecordOther(const CandidateNotes& other, ResponseFacts* facts) {
  if (!IsEndOfModel(FinishReasonOfTurn(other.finish_word, other.has_tool_call,
                                       other.has_parts))) {
    facts->other_choice_cut = true;
  }
}

}  // namespace

absl::Status ScanRequest(std::string_view body, RequestScan* scan) {
  GATEWAY_RETURN_IF_ERROR(wire::ScanRequest(
      kScanFormat, body, scan, [&](std::string_view, JsonValue& tools) {
        return EachOf(tools, [&](JsonValue& tool) {
          return CountTools(tool, &scan->tool_count);
        });
      }));
  scan->stream_usage = true;
  scan->messages_field = "contents";
  return absl::OkStatus();
}

absl::Status ScanResponse(std::string_view body, ResponseFacts* facts) {
  *facts = ResponseFacts();
  Notes notes;
  const absl::Status status = ReadNotes(body, &notes);
  // Also if something of it cannot be read.
  facts->has_usage = notes.has_usage;
  facts->usage = notes.usage.ToUsage();
  facts->service_tier = notes.usage.service_tier();
  if (!status.ok()) return AsBadResponse(status);
  if (notes.failed) return ReadErrorReport(body);
  if (!notes.usage_fault.ok()) return AsBadResponse(notes.usage_fault);
  if (!notes.candidates.empty()) {
    for (const CandidateNotes& each : notes.candidates) {
      if (each.has_content || !each.finish_word.empty()) continue;
      return AsBadResponse(absl::InvalidArgumentError(ToAbsl(kNoContent)));
    }
    const CandidateNotes& first = notes.candidates.front();
    facts->finish_reason = FinishReasonOfTurn(
        first.finish_word, first.has_tool_call, first.has_parts);
    for (size_t i = 1; i < notes.candidates.size(); ++i) {
      RecordOther(notes.candidates[i], facts);
    }
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
    error_ = ReadErrorReport(data);
    return EventKind::kError;
  }
  bool told_output = false;
  if (notes.has_usage) {
    facts_.has_usage = true;
    told_output = ReplaceUsage(notes.usage.ToUsage(), &facts_.usage);
    const std::string& tier = notes.usage.service_tier();
    if (!tier.empty()) facts_.service_tier = tier;
  }
  bool has_output = false;
  bool says_more = false;
  for (const CandidateNotes& candidate : notes.candidates) {
    const bool is_first = candidate.index == 0;
    says_more |= candidate.has_output;
    has_output |= candidate.has_parts || !candidate.finish_word.empty();
    begun_.set(candidate.index);
    if (is_first) {
      has_tool_call_ |= candidate.has_tool_call;
      has_content_ |= candidate.has_parts;
    }
    if (candidate.finish_word.empty() || ended_.test(candidate.index)) continue;
    ended_.set(candidate.index);
    if (!is_first) {
      RecordOther(candidate, &facts_);
      continue;
    }
    facts_.finish_reason =
        FinishReasonOfTurn(candidate.finish_word, has_tool_call_, has_content_);
  }
  if (begun_.none() && !notes.block_word.empty()) {
    begun_.set(0);
    ended_.set(0);
    facts_.finish_reason = v1::FINISH_REASON_CONTENT_FILTER;
    has_output = true;
  }
  told_.Take({.has_output = says_more,
              .is_told = told_output,
              .has_ended = finished()});
  facts_.usage_is_final = told_.counts_all() && finished();
  if (!notes.usage_fault.ok()) return AsBadResponse(notes.usage_fault);
  return has_output ? EventKind::kContent : EventKind::kIgnorable;
}

}  // namespace gateway::gemini
