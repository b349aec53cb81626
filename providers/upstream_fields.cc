#include "providers/upstream_fields.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "base/text/byte_words.h"

namespace gateway {
namespace {

// Returns whether the name may be one of those below, by what is cheapest to
// look at: nearly all fields of an answer are others.
bool MayMatter(std::string_view name) {
  if (name.size() < 10 || name.size() > UpstreamFields::kNameBytesLimit) {
    return false;
  }
  switch (absl::ascii_tolower(name.front())) {
    case 'x':  // x-request-id, x-ratelimit-
      return name[1] == '-' && absl::ascii_tolower(name[2]) == 'r';
    case 'r':  // request-id
      return name.size() == 10;
    case 'a':  // apim-request-id, anthropic-ratelimit-
      return name.size() == 15 || name.size() > 20;
    default:
      return false;
  }
}

constexpr std::string_view kRequestId = "request-id";

// The names that vendors have for their id of a request, and for what is left
// of their limits; in lower case, without the `x-` that some begin with.
bool NamesRequestId(std::string_view name) {
  return name == kRequestId || name == "apim-request-id";
}

bool NamesRateLimit(std::string_view name, bool begins_with_x) {
  return name.starts_with(begins_with_x ? "ratelimit-"
                                        : "anthropic-ratelimit-");
}

// Names and values are looked at eight bytes at a time, since they are long and
// many.
constexpr size_t kWordBytes = sizeof(uint64_t);

// REQUIRES: the name has at least eight bytes.
void WriteLower(std::string_view name, char* out) {
  const auto write_at = [name, out](size_t at) {
    const uint64_t word = ToLower(LoadWord(name.data() + at));
    memcpy(out + at, &word, sizeof(word));
  };
  const size_t last = name.size() - kWordBytes;
  for (size_t at = 0; at < last; at += kWordBytes) write_at(at);
  write_at(last);
}

// Returns whether the text is visible ASCII and spaces.
bool IsVisible(std::string_view text) {
  while (text.size() >= kWordBytes) {
    const uint64_t word = LoadWord(text.data());
    if ((FirstBelow(word, 0x20) | FirstZero(word ^ EachByte(0x7f)) |
         (word & kHighBits)) != 0) {
      return false;
    }
    text.remove_prefix(kWordBytes);
  }
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool IsTellable(std::string_view value) {
  return !value.empty() && value.size() <= UpstreamFields::kValueBytesLimit &&
         value.front() != ' ' && value.back() != ' ' && IsVisible(value);
}

}  // namespace

void UpstreamFields::Take(const HttpExchange& exchange) {
  block_.Clear();
  request_id_ = "";
  std::array<char, kPrefix.size() + kNameBytesLimit> told;
  kPrefix.copy(told.data(), kPrefix.size());
  char* const rest = told.data() + kPrefix.size();
  int limits_told = 0;
  FieldViews views;
  for (const HttpField& field : exchange.Fields(views)) {
    if (!MayMatter(field.name) || !IsTellable(field.value)) continue;
    const bool begins_with_x = field.name[1] == '-';
    const std::string_view bare = field.name.substr(begins_with_x ? 2 : 0);
    WriteLower(bare, rest);
    std::string_view name(rest, bare.size());
    if (NamesRequestId(name)) {
      // The first id counts: Azure sends its own beside the one of the model's
      // maker.
      if (!request_id_.empty()) continue;
      request_id_ = field.value;
      WriteLower(kRequestId, rest);
      name = {rest, kRequestId.size()};
    } else if (!NamesRateLimit(name, begins_with_x) ||
               ++limits_told > kFieldsLimit) {
      continue;
    }
    block_.Add({told.data(), kPrefix.size() + name.size()}, field.value);
  }
}

}  // namespace gateway
