#include "providers/dialects/event_text.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/unescaped_size.h"

namespace gateway {
namespace {

constexpr std::string_view kSpokenUnder[] = {
    "arguments",         "content", "delta",       "partial_json", "reasoning",
    "reasoning_content", "refusal", "stringValue", "text",         "thinking"};

// Gemini's parts that are no text, and what of them is said: a call's arguments
// are an object with names of the tool's own.
struct SpokenPart {
  std::string_view part;
  std::string_view fields[2];
};
constexpr SpokenPart kSpokenParts[] = {
    {"functionCall", {"name", "args"}},
    {"executableCode", {"code", ""}},
    {"codeExecutionResult", {"output", ""}},
};

constexpr size_t kReadBytesMax = 4096;

// So many events in a row are read although each differs from the last, and
// then one in so many.
constexpr unsigned kUnlikeMax = 8;
constexpr unsigned kUnlikePerReading = 16;

// What one event says.
struct Spoken {
  int64_t bytes = 0;            // Without escapes.
  size_t raw_bytes = 0;         // With them.
  const char* first = nullptr;  // Where it begins.
};

absl::Status AddSpoken(JsonValue& value, Spoken* spoken) {
  GATEWAY_ASSIGN_OR_RETURN(std::string_view text, value.RawUnchecked());
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  if (text.empty() || text == "{}" || text == "null") return absl::OkStatus();
  if (spoken->first == nullptr) spoken->first = text.data();
  spoken->bytes += static_cast<int64_t>(UnescapedSize(text));
  spoken->raw_bytes += text.size();
  return absl::OkStatus();
}

absl::Status FindSpoken(std::string_view key, JsonValue& value,
                        Spoken* spoken) {
  if (value.IsObject()) {
    const auto* const part = std::find_if(
        std::begin(kSpokenParts), std::end(kSpokenParts),
        [key](const SpokenPart& each) { return each.part == key; });
    return value.EachField([=](std::string_view name, JsonValue& field) {
      const bool is_said = part != std::end(kSpokenParts) && !name.empty() &&
                           (name == part->fields[0] || name == part->fields[1]);
      return is_said ? AddSpoken(field, spoken)
                     : FindSpoken(name, field, spoken);
    });
  }
  if (value.IsArray()) {
    return value.EachElement([key, spoken](JsonValue& element) {
      return FindSpoken(key, element, spoken);
    });
  }
  const bool is_spoken =
      value.IsString() &&
      std::find(std::begin(kSpokenUnder), std::end(kSpokenUnder), key) !=
          std::end(kSpokenUnder);
  return is_spoken ? AddSpoken(value, spoken) : absl::OkStatus();
}

absl::Status FindAllSpoken(std::string_view event, Spoken* spoken) {
  return ReadJson(event, [spoken](JsonValue& root) {
    return FindSpoken("", root, spoken);
  });
}

}  // namespace

int64_t SaidIn(std::string_view event) {
  Spoken spoken;
  return FindAllSpoken(event, &spoken).ok() ? spoken.bytes : 0;
}

void SpokenCounter::Add(std::string_view event) {
  if (IsAlike(event)) {
    unlike_ = 0;
    const std::string_view text = event.substr(offset_, event.size() - frame_);
    bytes_ += static_cast<int64_t>(UnescapedSize(text));
  } else if (event.size() > kReadBytesMax) {
    // Little stands around so much text.
    bytes_ +=
        static_cast<int64_t>(std::max(UnescapedSize(event), frame_) - frame_);
  } else if (IsWorthReading()) {
    Read(event);
  } else {
    bytes_ += last_read_bytes_;
  }
}

bool SpokenCounter::IsAlike(std::string_view event) const {
  // A text that is empty says that another stands elsewhere, or none.
  return offset_ > 0 && event.size() > frame_ && event.size() > offset_ &&
         event[offset_] != '"' &&
         std::memcmp(event.data() + offset_ - before_.size(), before_.data(),
                     before_.size()) == 0;
}

bool SpokenCounter::IsWorthReading() {
  ++unlike_;
  return unlike_ <= kUnlikeMax || unlike_ % kUnlikePerReading == 0;
}

void SpokenCounter::Read(std::string_view event) {
  Spoken spoken;
  if (!FindAllSpoken(event, &spoken).ok()) return;
  last_read_bytes_ = spoken.bytes;
  if (spoken.first == nullptr) return;
  bytes_ += spoken.bytes;
  frame_ = event.size() - spoken.raw_bytes;
  const auto offset = static_cast<size_t>(spoken.first - event.data());
  // An event that is nearly all text is laid out like no other.
  offset_ = offset < before_.size() ? 0 : offset;
  if (offset_ == 0) return;
  std::memcpy(before_.data(), spoken.first - before_.size(), before_.size());
}

}  // namespace gateway
