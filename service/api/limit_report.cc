#include "service/api/limit_report.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/text/decimal.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/api/duration_text.h"
#include "service/limits/limit_charges.h"
#include "service/pipeline/call_limits.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

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
constexpr std::string_view kPolicyName = "ratelimit-policy";
constexpr std::string_view kStructuredName = "ratelimit";
constexpr Names kPlainNames = {"x-ratelimit-limit", "x-ratelimit-remaining",
                               "x-ratelimit-reset"};

void AddAmounts(const Names& names, const LimitStatus& status,
                CallFields* fields) {
  fields->AddBorrowed(names.limit, status.rule->limit_text());
  fields->Add(names.remaining, status.remaining);
}

// With the wait as the vendor writes it: `6m1.5s`.
void AddOpenAi(const Names& names, const LimitStatus& status,
               CallFields* fields) {
  constexpr int64_t kMillisecond = 1'000'000;
  AddAmounts(names, status, fields);
  const int64_t wait = absl::ToInt64Nanoseconds(status.reset);
  fields->AddWritten(
      names.reset,
      WriteDuration((wait + kMillisecond - 1) / kMillisecond * kMillisecond,
                    fields->Room(kDurationBytesMax)));
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

// `1767323046`.
void AddPlain(const Call& call, const LimitStatus& status, CallFields* fields) {
  AddAmounts(kPlainNames, status, fields);
  fields->Add(kPlainNames.reset,
              absl::ToUnixSeconds(WholeSecondOf(call, status.reset)));
}

void AddAnthropic(const Call& call, const Names& names,
                  const LimitStatus& status, CallFields* fields) {
  AddAmounts(names, status, fields);
  fields->Add(names.reset, TimeText(call, status.reset));
}

// `"rpm";r=59;t=1`: what is left, and in how many seconds all has come back.
char* WriteStructured(const LimitStatus& status, char* out) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t nanos = absl::ToInt64Nanoseconds(status.reset);
  const int64_t seconds = nanos / kSecond + (nanos % kSecond > 0);
  out = WriteText(status.rule->quoted_name(), out);
  out = WriteDecimal(static_cast<uint64_t>(status.remaining),
                     WriteText(";r=", out));
  return WriteDecimal(static_cast<uint64_t>(seconds), WriteText(";t=", out));
}

size_t StructuredBytesMax(const LimitStatus& status) {
  constexpr size_t kNamesOfNumbers = 6;
  return status.rule->quoted_name().size() + kNamesOfNumbers +
         2 * kDecimalBytesMax;
}

// What limits are, which seldom changes, is a field of its own: a connection
// that compresses fields sends it once.
void AddStructured(const std::optional<LimitStatus>& requests,
                   const std::optional<LimitStatus>& tokens,
                   CallFields* fields) {
  if (!requests || !tokens) {
    const std::optional<LimitStatus>& told = requests ? requests : tokens;
    if (!told) return;
    fields->AddBorrowed(kPolicyName, told->rule->policy_text());
    fields->AddWritten(
        kStructuredName,
        WriteStructured(*told, fields->Room(StructuredBytesMax(*told))));
    return;
  }
  constexpr std::string_view kNext = ", ";
  const std::string_view first = requests->rule->policy_text();
  const std::string_view second = tokens->rule->policy_text();
  char* out = fields->Room(first.size() + kNext.size() + second.size());
  out = WriteText(kNext, WriteText(first, out));
  fields->AddWritten(kPolicyName, WriteText(second, out));
  out = fields->Room(StructuredBytesMax(*requests) + kNext.size() +
                     StructuredBytesMax(*tokens));
  out = WriteText(kNext, WriteStructured(*requests, out));
  fields->AddWritten(kStructuredName, WriteStructured(*tokens, out));
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

void AddLimits(const Call& call, LimitWords words, CallFields* fields) {
  if (call.limits == nullptr) return;
  const auto [requests, tokens] = FullestLimitsOf(call);
  switch (words) {
    case LimitWords::kOpenAi:
      if (requests) AddOpenAi(kOpenAiRequests, *requests, fields);
      if (tokens) AddOpenAi(kOpenAiTokens, *tokens, fields);
      if (const std::optional<LimitStatus> of_peer = PeerLimitOf(call)) {
        AddPlain(call, *of_peer, fields);
      }
      break;
    case LimitWords::kAnthropic:
      if (requests) AddAnthropic(call, kAnthropicRequests, *requests, fields);
      if (tokens) {
        AddAnthropic(call, AnthropicNames(tokens->rule->unit()), *tokens,
                     fields);
      }
      break;
    case LimitWords::kPlain: {
      const std::optional<LimitStatus>& told = requests ? requests : tokens;
      if (told) AddPlain(call, *told, fields);
      break;
    }
    case LimitWords::kStructured:
      AddStructured(requests, tokens, fields);
      break;
  }
}

}  // namespace gateway
