#include "providers/upstream_fields.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

// Whether the name may be one of those below, by what costs least to look at:
// nearly all fields of an answer are others.
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

// The names that vendors have for their id of a request.
bool NamesRequestId(std::string_view lower_name) {
  return lower_name == "x-request-id" || lower_name == "request-id" ||
         lower_name == "apim-request-id";
}

bool NamesRateLimit(std::string_view lower_name) {
  return lower_name.starts_with("x-ratelimit-") ||
         lower_name.starts_with("anthropic-ratelimit-");
}

// Eight bytes at a time: names are long, and there are many of them.
void WriteLower(std::string_view name, char* out) {
  constexpr uint64_t kEach = 0x0101010101010101u;
  while (name.size() >= sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, name.data(), sizeof(word));
    const uint64_t low = word & (0x7f * kEach);
    const uint64_t from_a = low + (0x80 - 'A') * kEach;
    const uint64_t behind_z = low + (0x7f - 'Z') * kEach;
    word |= (from_a & ~behind_z & ~word & (0x80 * kEach)) >> 2;
    memcpy(out, &word, sizeof(word));
    out += sizeof(word);
    name.remove_prefix(sizeof(word));
  }
  for (const char c : name) *out++ = absl::ascii_tolower(c);
}

bool IsTellable(std::string_view value) {
  return !value.empty() && value.size() <= UpstreamFields::kValueBytesLimit &&
         value.front() != ' ' && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

void UpstreamFields::Take(const HttpExchange& exchange) {
  block_.Clear();
  request_id_ = "";
  FieldViews views;
  int told = 0;
  for (const HttpField& field : exchange.Fields(views)) {
    if (!MayMatter(field.name) || !IsTellable(field.value)) continue;
    std::array<char, kNameBytesLimit> lower;
    WriteLower(field.name, lower.data());
    const std::string_view name(lower.data(), field.name.size());
    if (NamesRequestId(name)) {
      // Azure tells its own beside the one of the model's maker: the first
      // stands.
      if (!request_id_.empty()) continue;
      request_id_ = field.value;
      Add("request-id", field.value);
    } else if (NamesRateLimit(name)) {
      if (++told > kFieldsLimit) continue;
      Add(name.starts_with("x-") ? name.substr(2) : name, field.value);
    }
  }
}

void UpstreamFields::Add(std::string_view name, std::string_view value) {
  std::array<char, kPrefix.size() + kNameBytesLimit> told;
  const auto end = std::copy(name.begin(), name.end(),
                             std::copy(kPrefix.begin(), kPrefix.end(),
                                       told.begin()));
  block_.Add({told.data(), static_cast<size_t>(end - told.begin())}, value);
}

}  // namespace gateway
