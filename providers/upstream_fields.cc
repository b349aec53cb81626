#include "providers/upstream_fields.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"

namespace gateway {
namespace {

// Spares most fields the rest.
bool MayMatter(std::string_view name) {
  if (name.size() < 10 || name.size() > UpstreamFields::kNameBytesLimit) {
    return false;
  }
  const char first = absl::ascii_tolower(name.front());
  return first == 'x' || first == 'r' || first == 'a';
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

bool IsTellable(std::string_view value) {
  return !value.empty() && value.size() <= UpstreamFields::kValueBytesLimit &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return absl::ascii_isprint(static_cast<unsigned char>(c));
         });
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
    std::transform(field.name.begin(), field.name.end(), lower.begin(),
                   [](unsigned char c) { return absl::ascii_tolower(c); });
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
