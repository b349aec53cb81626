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

// Eight bytes at a time, since names are long and many.
void WriteLower(std::string_view name, char* out) {
  while (name.size() >= sizeof(uint64_t)) {
    const uint64_t word = ToLower(LoadWord(name.data()));
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
  tells_spent_limit_ = false;
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
    } else if (field.value == "0" && name.find("remaining") != name.npos) {
      tells_spent_limit_ = true;
    }
    block_.Add({told.data(), kPrefix.size() + name.size()}, field.value);
  }
}

}  // namespace gateway
