#include "providers/dialects/event_text.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kSpokenUnder[] = {
    "arguments", "content",   "delta",   "partial_json",      "reasoning",
    "refusal",   "text",      "thinking", "reasoning_content"};

constexpr size_t kReadBytesMax = 4096;

// So many events in a row are read although each differs from the last, and
// then one in so many.
constexpr unsigned kUnlikeMax = 8;
constexpr unsigned kUnlikePerReading = 16;

// What one event says.
struct Spoken {
  int64_t bytes = 0;
  const char* first = nullptr;  // Where it begins.
};

absl::Status FindSpoken(std::string_view key, JsonValue& value,
                        Spoken* spoken) {
  if (value.IsObject()) {
    return value.EachField([spoken](std::string_view name, JsonValue& field) {
      return FindSpoken(name, field, spoken);
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
  if (!is_spoken) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(std::string_view text, value.RawUnchecked());
  text = text.substr(1, text.size() - 2);  // Without the quotes.
  if (text.empty()) return absl::OkStatus();
  if (spoken->first == nullptr) spoken->first = text.data();
  spoken->bytes += static_cast<int64_t>(text.size());
  return absl::OkStatus();
}

}  // namespace

void SpokenCounter::Add(std::string_view event) {
  if (IsAlike(event)) {
    unlike_ = 0;
    bytes_ += static_cast<int64_t>(event.size() - frame_);
  } else if (event.size() > kReadBytesMax) {
    // Little stands around so much text.
    bytes_ += static_cast<int64_t>(event.size() - frame_);
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
  const absl::Status read = ReadJson(
      event, [&](JsonValue& root) { return FindSpoken("", root, &spoken); });
  if (!read.ok()) return;
  last_read_bytes_ = spoken.bytes;
  if (spoken.first == nullptr) return;
  bytes_ += spoken.bytes;
  frame_ = event.size() - static_cast<size_t>(spoken.bytes);
  const auto offset = static_cast<size_t>(spoken.first - event.data());
  // An event that is nearly all text is laid out like no other.
  offset_ = offset < before_.size() ? 0 : offset;
  if (offset_ == 0) return;
  std::memcpy(before_.data(), spoken.first - before_.size(), before_.size());
}

}  // namespace gateway
