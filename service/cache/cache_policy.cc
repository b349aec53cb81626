#include "service/cache/cache_policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/string_view.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// A longer age is as good as any: 68 years.
constexpr int64_t kAgeSecondsMax = INT32_MAX;

std::string_view WithoutSpaceAround(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

absl::Duration ReadAge(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty()) return absl::ZeroDuration();
  int64_t seconds = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return absl::ZeroDuration();
    }
    if (seconds < kAgeSecondsMax) seconds = seconds * 10 + (c - '0');
  }
  return absl::Seconds(seconds);
}

CacheBypass BypassOf(const CachePolicy& policy,
                     const CacheableRequest& request) {
  if (!request.generates) return CacheBypass::kOperation;
  if (!request.model_is_kept) return CacheBypass::kModel;
  if (request.callers_credential) return CacheBypass::kCallersCredential;
  if (request.background) return CacheBypass::kBackground;
  if (request.builds_on_stored) return CacheBypass::kBuildsOnStored;
  if (request.stream && !policy.streams) return CacheBypass::kStream;
  if (request.has_tools && !policy.tools) return CacheBypass::kTools;
  if (request.stored && !policy.stored) return CacheBypass::kStored;
  if (request.request_bytes > kCacheableRequestBytesMax) {
    return CacheBypass::kRequestTooLarge;
  }
  return CacheBypass::kNone;
}

}  // namespace

CacheControl ParseCacheControl(std::string_view field) {
  CacheControl control;
  while (!field.empty()) {
    const size_t comma = std::min(field.find(','), field.size());
    const std::string_view word = WithoutSpaceAround(field.substr(0, comma));
    field.remove_prefix(std::min(comma + 1, field.size()));
    const size_t equals = word.find('=');
    const absl::string_view name = ToAbsl(word.substr(0, equals));
    if (absl::EqualsIgnoreCase(name, "no-cache")) {
      control.no_cache = true;
    } else if (absl::EqualsIgnoreCase(name, "no-store")) {
      control.no_store = true;
    } else if (absl::EqualsIgnoreCase(name, "only-if-cached")) {
      control.only_if_cached = true;
    } else if (absl::EqualsIgnoreCase(name, "max-age")) {
      control.age_max =
          ReadAge(equals == std::string_view::npos ? std::string_view()
                                                   : word.substr(equals + 1));
    }
  }
  return control;
}

std::string_view CacheBypassName(CacheBypass bypass) {
  switch (bypass) {
    case CacheBypass::kNone:
      return "none";
    case CacheBypass::kOperation:
      return "operation";
    case CacheBypass::kTools:
      return "tools";
    case CacheBypass::kStream:
      return "stream";
    case CacheBypass::kStored:
      return "store";
    case CacheBypass::kModel:
      return "model";
    case CacheBypass::kBuildsOnStored:
      return "builds_on_stored";
    case CacheBypass::kBackground:
      return "background";
    case CacheBypass::kCallersCredential:
      return "callers_credential";
    case CacheBypass::kRequestTooLarge:
      return "request_too_large";
    case CacheBypass::kNotCertain:
      return "not_certain";
    case CacheBypass::kNotRequested:
      return "not_requested";
    case CacheBypass::kCacheControl:
      return "cache_control";
  }
  return "none";
}

CacheUse UseOfCache(const CachePolicy& policy, const CacheableRequest& request,
                    const CacheControl& control) {
  CacheUse use;
  use.only_if_cached = control.only_if_cached;
  use.age_max = control.age_max;
  use.bypass = BypassOf(policy, request);
  if (use.bypass == CacheBypass::kNone && policy.on_request &&
      control.age_max == absl::InfiniteDuration()) {
    use.bypass = CacheBypass::kNotRequested;
  }
  if (use.bypass != CacheBypass::kNone) return use;
  // An answer that may be no older than it is now is no kept one.
  use.reads = !control.no_cache && control.age_max > absl::ZeroDuration();
  use.keeps = !control.no_store;
  if (!use.reads && !use.keeps) use.bypass = CacheBypass::kCacheControl;
  return use;
}

bool IsWorthKeeping(const CachePolicy& policy, const CacheableAnswer& answer) {
  if (!answer.ok || !answer.complete || answer.output_invalid) return false;
  return answer.finish_reason == v1::FINISH_REASON_STOP ||
         (answer.finish_reason == v1::FINISH_REASON_TOOL_CALLS && policy.tools);
}

}  // namespace gateway
