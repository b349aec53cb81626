#include "service/api/limit_report.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_charges.h"
#include "service/pipeline/call_limits.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;
using Fields = absl::InlinedVector<LimitField, 6>;

// What one limit is told by.
struct Names {
  std::string_view limit;
  std::string_view remaining;
  std::string_view reset;
};

constexpr Names kOpenAiRequests = {"x-ratelimit-limit-requests",
                                   "x-ratelimit-remaining-requests",
                                   "x-ratelimit-reset-requests"};
constexpr Names kOpenAiTokens = {"x-ratelimit-limit-tokens",
                                 "x-ratelimit-remaining-tokens",
                                 "x-ratelimit-reset-tokens"};
constexpr Names kAnthropicRequests = {"anthropic-ratelimit-requests-limit",
                                      "anthropic-ratelimit-requests-remaining",
                                      "anthropic-ratelimit-requests-reset"};
constexpr Names kAnthropicTokens = {"anthropic-ratelimit-tokens-limit",
                                    "anthropic-ratelimit-tokens-remaining",
                                    "anthropic-ratelimit-tokens-reset"};
constexpr Names kAnthropicInput = {"anthropic-ratelimit-input-tokens-limit",
                                   "anthropic-ratelimit-input-tokens-remaining",
                                   "anthropic-ratelimit-input-tokens-reset"};
constexpr Names kAnthropicOutput = {
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset"};
constexpr Names kPlainNames = {"x-ratelimit-limit", "x-ratelimit-remaining",
                               "x-ratelimit-reset"};

void Add(const Names& names, const LimitStatus& status, std::string reset,
         Fields* fields) {
  fields->push_back({names.limit, absl::StrCat(status.limit)});
  fields->push_back({names.remaining, absl::StrCat(status.remaining)});
  fields->push_back({names.reset, std::move(reset)});
}

// `6m1.5s`, as the vendor writes it.
std::string WaitText(absl::Duration reset) {
  return absl::FormatDuration(absl::Ceil(reset, absl::Milliseconds(1)));
}

absl::Time WholeSecondOf(const Call& call, absl::Duration reset) {
  const absl::Time time = call.runtime->clock().WallTime() + reset;
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  return second < time ? second + absl::Seconds(1) : second;
}

// `2026-01-02T03:04:06Z`.
std::string TimeText(const Call& call, absl::Duration reset) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", WholeSecondOf(call, reset),
                          absl::UTCTimeZone());
}

const Names& AnthropicNames(LimitUnit unit) {
  switch (unit) {
    case configv1::LIMIT_UNIT_INPUT_TOKENS:
      return kAnthropicInput;
    case configv1::LIMIT_UNIT_OUTPUT_TOKENS:
      return kAnthropicOutput;
    default:
      return kAnthropicTokens;
  }
}

}  // namespace

Fields LimitFieldsOf(const Call& call, LimitWords words) {
  Fields fields;
  if (call.limits == nullptr) return fields;
  const std::optional<LimitStatus> requests = RequestLimitOf(call);
  const std::optional<LimitStatus> tokens = TokenLimitOf(call);
  switch (words) {
    case LimitWords::kOpenAi:
      if (requests.has_value()) {
        Add(kOpenAiRequests, *requests, WaitText(requests->reset), &fields);
      }
      if (tokens.has_value()) {
        Add(kOpenAiTokens, *tokens, WaitText(tokens->reset), &fields);
      }
      break;
    case LimitWords::kAnthropic:
      if (requests.has_value()) {
        Add(kAnthropicRequests, *requests, TimeText(call, requests->reset),
            &fields);
      }
      if (tokens.has_value()) {
        Add(AnthropicNames(tokens->unit), *tokens,
            TimeText(call, tokens->reset), &fields);
      }
      break;
    case LimitWords::kPlain: {
      const std::optional<LimitStatus>& told =
          requests.has_value() ? requests : tokens;
      if (!told.has_value()) break;
      Add(kPlainNames, *told,
          absl::StrCat(absl::ToUnixSeconds(WholeSecondOf(call, told->reset))),
          &fields);
      break;
    }
  }
  return fields;
}

}  // namespace gateway
