#include "providers/dialects/openai_chat/stream_tap.h"

#include <bitset>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/repeated_chunk.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/service_tier.h"
#include "providers/dialects/told_usage.h"

namespace gateway::chat {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr std::string_view kTierKey = "\"service_tier\"";

// Returns whether `text` ends with one of the keys that make an event worth
// parsing.
bool EndsWithTellingKey(std::string_view text) {
  if (text.size() < 2 || text.back() != '"') return false;
  switch (text[text.size() - 2]) {
    case 'e':  // `role`, which begins a choice.
      return text.ends_with("\"role\"") || text.ends_with("\"usage\"");
    case 'n':
      return text.ends_with("\"finish_reason\"");
    case 'r':
      return text.ends_with("\"error\"") || text.ends_with(kTierKey);
    default:
      return false;
  }
}

// Returns whether the value that `json` begins with is `text`, which has no
// escapes.
bool BeginsWithText(std::string_view json, std::string_view text) {
  return json.size() > text.size() + 1 && json.front() == '"' &&
         json[text.size() + 1] == '"' && json.substr(1).starts_with(text);
}

// Returns whether such a key stands in `data` with a value that is not null; of
// the service tier, which many chunks repeat, one that is not `tier`. Looks for
// them all in one pass, from colon to colon, of which there are few.
// In a JSON string the quotes before a colon would be escaped.
bool HasTellingKey(std::string_view data, std::string_view tier) {
  const char* const end = data.data() + data.size();
  const char* at = data.data();
  while (const void* found = memchr(at, ':', end - at)) {
    const char* const colon = static_cast<const char*>(found);
    at = colon + 1;
    std::string_view before(data.data(), colon - data.data());
    while (!before.empty() && IsSpace(before.back())) before.remove_suffix(1);
    if (!EndsWithTellingKey(before)) continue;
    while (at != end && IsSpace(*at)) ++at;
    if (at == end || *at == 'n') continue;
    if (before.ends_with(kTierKey) && BeginsWithText({at, end}, tier)) continue;
    return true;
  }
  return false;
}

// Returns whether both ends are those of a JSON object. Most events are read no
// closer than this, which finds those that were cut off.
bool IsLikeAnObject(std::string_view data) {
  return data.front() == '{' && data[data.find_last_not_of(" \t\r\n")] == '}';
}

// Records whether a content that is a list says anything. Its texts may be
// empty, as those are that begin a choice; whatever else is in it is output.
absl::Status RecordEntries(JsonValue& list, bool* has_output) {
  return list.EachElement([&](JsonValue& entry) {
    return entry.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "type") return absl::OkStatus();
          if (key == "thinking" && value.IsArray()) {
            return RecordEntries(value, has_output);
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                   value.RawUnchecked());
          *has_output = *has_output || raw != "\"\"";
          return absl::OkStatus();
        });
  });
}

// Returns where the text of a piece of content stands in `data`, and how long
// it is; {0, 0} if there is none, or its end is not certain without reading it.
std::pair<size_t, size_t> FindPlainText(std::string_view data) {
  constexpr std::string_view kBefore = R"("content":")";
  const void* const found =
      memmem(data.data(), data.size(), kBefore.data(), kBefore.size());
  if (found == nullptr) return {0, 0};
  const size_t begin =
      static_cast<const char*>(found) - data.data() + kBefore.size();
  const size_t end = data.find('"', begin);
  if (end == std::string_view::npos || data[end - 1] == '\\') return {0, 0};
  return {begin, end - begin};
}

// Whether a field of a delta is output: not what is said about output that has
// come, such as where it is cited from, and not what is empty.
bool SaysMore(std::string_view key, std::string_view raw) {
  if (key == "annotations" || key == "reasoning_details") return false;
  return raw != "\"\"" && raw != "[]" && raw != "{}";
}

// What must be recorded of one event.
struct Notes {
  bool has_choices = false;
  bool has_output = false;  // More than the role that begins a choice.
  bool says_more = false;   // Output that the model has made now.
  bool has_end = false;     // Of a choice.
  bool has_usage = false;
  bool told_output = false;
  // A count of it cannot be read; told once the rest of the event was.
  absl::Status usage_fault;
  bool failed = false;
};

class ChunkTap final : public StreamTap {
 public:
  explicit ChunkTap(bool done_marker) : done_marker_(done_marker) {}

  absl::StatusOr<EventKind> OnEvent(std::string_view name,
                                    std::string_view data) override {
    if (data.empty()) return EventKind::kIgnorable;
    if (data.starts_with("[DONE]")) {
      TakeBlankReasons();
      TakeUsage(/*has_output=*/false, /*is_told=*/false);
      return EventKind::kTerminal;
    }
    if (name == "error") {
      error_ = ReadErrorEvent(data);
      return EventKind::kError;
    }
    if (!repeated_.TextOf(data).empty()) {
      learned_in_vain_ = 0;
      TakeUsage(/*has_output=*/true, /*is_told=*/false);
      return EventKind::kContent;
    }
    if (!IsLikeAnObject(data) || !IsUtf8(data)) {
      return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                       "an event of the stream is not a JSON object");
    }
    if (IsWorthParsing(data)) return Parse(data);
    Learn(data);
    TakeUsage(/*has_output=*/true, /*is_told=*/false);
    return EventKind::kContent;
  }

  const ResponseFacts& facts() const override { return facts_; }
  absl::Status error() const override { return error_; }
  bool finished() const override {
    return begun_.any() && (begun_ & ~ended_).none();
  }
  bool CompleteAtClose() const override { return !done_marker_ && finished(); }
  std::string_view MissingEnd() const override { return "data: [DONE]\n\n"; }

 private:
  // The first event is always parsed: it has the id, if any has. So is what
  // follows the usage: it may be content, or say nothing.
  bool IsWorthParsing(std::string_view data) const {
    return !has_id_ || told_.counts_all() ||
           HasTellingKey(data, facts_.service_tier);
  }

  void TakeUsage(bool has_output, bool is_told) {
    told_.Take({.has_output = has_output,
                .is_told = is_told,
                .has_ended = finished()});
    facts_.usage_is_final = told_.counts_all() && finished();
  }

  // Learns an event that has no telling key, so that one which differs from it
  // by its text alone need not be searched for them. Gives up on a vendor who
  // puts something new beside every text.
  void Learn(std::string_view data) {
    if (learned_in_vain_ == kLearnedInVainMax) return;
    if (data.size() > kLearnedBytesMax) return;
    ++learned_in_vain_;
    const auto [offset, size] = FindPlainText(data);
    if (offset > 0) repeated_.Learn(data, offset, size);
  }

  absl::StatusOr<EventKind> Parse(std::string_view data) {
    Notes notes;
    const absl::Status status = ReadJson(data, [&](JsonValue& root) {
      return root.EachField([&](std::string_view key, JsonValue& value) {
        return RecordField(key, value, &notes);
      });
    });
    if (notes.failed) {
      error_ = ReadErrorEvent(data);
      return EventKind::kError;
    }
    if (!status.ok()) return AsBadResponse(status);
    TakeUsage(notes.says_more, notes.told_output);
    if (!notes.usage_fault.ok()) return AsBadResponse(notes.usage_fault);
    if (notes.has_output || notes.has_end) return EventKind::kContent;
    if (notes.has_choices) return EventKind::kIgnorable;
    return notes.has_usage ? EventKind::kUsage : EventKind::kIgnorable;
  }

  absl::Status RecordField(std::string_view key, JsonValue& value,
                           Notes* notes) {
    if (key == "choices") {
      if (value.IsNull()) return absl::OkStatus();
      return value.EachElement([&](JsonValue& choice) {
        notes->has_choices = true;
        return RecordChoice(choice, notes);
      });
    }
    if (key == "id" && !has_id_ && value.IsString()) {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view id, value.String());
      has_id_ = !id.empty();
    } else if (key == "usage" && !value.IsNull()) {
      RecordUsage(value, notes);
    } else if (key == "error") {
      notes->failed = notes->failed || value.IsObject() || value.IsString();
    } else if (key == "service_tier") {
      return ReadServiceTier(value, &facts_.service_tier);
    }
    return absl::OkStatus();
  }

  void RecordUsage(JsonValue& value, Notes* notes) {
    notes->has_usage = true;
    facts_.has_usage = true;
    v1::Usage usage;
    notes->usage_fault = ReadUsage(value, &usage);
    notes->told_output = ReplaceUsage(usage, &facts_.usage);
  }

  absl::Status RecordChoice(JsonValue& choice, Notes* notes) {
    size_t index = 0;
    bool ends = false;
    bool has_word = false;
    std::string_view word;
    GATEWAY_RETURN_IF_ERROR(choice.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "index") {
            GATEWAY_ASSIGN_OR_RETURN(index, value.Int32(0, kChoicesMax - 1));
          } else if (key == "finish_reason" && value.IsString()) {
            GATEWAY_ASSIGN_OR_RETURN(word, value.String());
            has_word = true;
            ends = !word.empty();
          } else if (key == "delta" && value.IsObject()) {
            return RecordDelta(value, notes);
          } else if (key == "error" && value.IsObject()) {
            notes->failed = true;
          } else if (key == "usage" && value.IsObject() && !notes->has_usage) {
            RecordUsage(value, notes);  // Moonshot has it there.
          }
          return absl::OkStatus();
        }));
    begun_.set(index);
    // The first finish reason counts: some vendors repeat it, or send another.
    notes->has_end = notes->has_end || ends;
    if (has_word && word.empty() && contents_.tool_calls) called_.set(index);
    if (!ends || ended_.test(index)) return absl::OkStatus();
    ended_.set(index);
    const v1::FinishReason reason = ReadFinishReason(word, contents_);
    if (index == 0) {
      facts_.finish_reason = reason;
    } else if (!IsEndOfModel(reason)) {
      facts_.other_choice_cut = true;
    }
    return absl::OkStatus();
  }

  // Takes, at the end, finish reasons without letters: xAI writes one for
  // choices that called tools, others write it beside every piece.
  void TakeBlankReasons() {
    if (called_.test(0) && !ended_.test(0)) {
      facts_.finish_reason = ReadFinishReason("", contents_);
    }
    ended_ |= called_;
  }

  // Records a delta, of parsed events only: what an unparsed one means is
  // decided by its finish reason, and content is assumed.
  absl::Status RecordDelta(JsonValue& delta, Notes* notes) {
    return delta.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "role" || value.IsNull()) return absl::OkStatus();
          if (key == "tool_calls" && value.IsArray()) {
            contents_.tool_calls = true;
          }
          if (key == "refusal" && value.IsString()) contents_.refusal = true;
          if (key == "content" && value.IsArray()) {
            GATEWAY_RETURN_IF_ERROR(RecordEntries(value, &notes->has_output));
            notes->says_more = notes->says_more || notes->has_output;
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw,
                                   value.RawUnchecked());
          notes->has_output = notes->has_output || raw != "\"\"";
          notes->says_more = notes->says_more || SaysMore(key, raw);
          return absl::OkStatus();
        });
  }

  static constexpr int kLearnedInVainMax = 8;
  static constexpr size_t kLearnedBytesMax = 4096;

  const bool done_marker_;
  RepeatedChunk repeated_;
  int learned_in_vain_ = 0;  // Since one was known again.
  ResponseFacts facts_;
  ToldOutput told_;
  bool has_id_ = false;
  absl::Status error_;
  ChoiceContents contents_ = {.content = true};
  std::bitset<kChoicesMax> begun_;
  std::bitset<kChoicesMax> ended_;
  // Choices whose calls came with a finish reason without letters.
  std::bitset<kChoicesMax> called_;
};

}  // namespace

std::unique_ptr<StreamTap> NewStreamTap(bool done_marker) {
  return std::make_unique<ChunkTap>(done_marker);
}

}  // namespace gateway::chat
