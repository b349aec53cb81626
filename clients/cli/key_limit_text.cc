#include "clients/cli/key_limit_text.h"

#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/operator_words.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

constexpr char kFlag[] = "--limit";
constexpr char kUnitPrefix[] = "LIMIT_UNIT_";

absl::Status LimitMistake(const std::string& needed, const std::string& text) {
  return FlagMistake(kFlag, absl::StrCat(needed, ", not '", text, "'"));
}

absl::Status SetAmount(const std::string& text, configv1::KeyLimit* limit) {
  if (limit->unit() == configv1::LIMIT_UNIT_COST) {
    limit->set_limit_usd(text);
    return absl::OkStatus();
  }
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count))
    return LimitMistake("needs a number", text);
  limit->set_limit(count);
  return absl::OkStatus();
}

absl::Status SetBurst(const std::string& text, configv1::KeyLimit* limit) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count)) {
    return LimitMistake("needs a number of what may be taken at once", text);
  }
  limit->set_burst(count);
  return absl::OkStatus();
}

}  // namespace

absl::Status SetDuration(const std::string& flag, const std::string& text,
                         google::protobuf::Duration* to) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) {
    return FlagMistake(
        flag,
        absl::StrCat("must be a time as in 30m or 720h, not '", text, "'"));
  }
  to->set_seconds(absl::ToInt64Seconds(duration));
  to->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(duration - absl::Seconds(to->seconds()))));
  return absl::OkStatus();
}

absl::StatusOr<configv1::KeyLimit> ParseKeyLimit(const std::string& text) {
  const std::vector<std::string> sides = absl::StrSplit(text, '=');
  if (sides.size() != 2) return LimitMistake("must be as requests=60/1m", text);
  const std::vector<std::string> terms = absl::StrSplit(sides[1], '/');
  if (terms.size() > 3)
    return LimitMistake("must be as requests=60/1m/10", text);
  configv1::LimitUnit unit = configv1::LIMIT_UNIT_UNSPECIFIED;
  if (!configv1::LimitUnit_Parse(
          absl::StrCat(kUnitPrefix, absl::AsciiStrToUpper(sides[0])), &unit)) {
    return FlagMistake(kFlag, absl::StrCat("does not take '", sides[0], "'"));
  }
  configv1::KeyLimit limit;
  limit.set_unit(unit);
  GATEWAY_RETURN_IF_ERROR(SetAmount(terms[0], &limit));
  const bool default_time = terms.size() == 3 && terms[1].empty();
  if (terms.size() > 1 && !default_time) {
    GATEWAY_RETURN_IF_ERROR(
        SetDuration(kFlag, terms[1], limit.mutable_window()));
  }
  if (terms.size() > 2) {
    GATEWAY_RETURN_IF_ERROR(SetBurst(terms[2], &limit));
  }
  return limit;
}

std::string KeyLimitText(const configv1::KeyLimit& limit) {
  std::string text = absl::StrCat(
      ValueText(configv1::LimitUnit_Name(limit.unit()), kUnitPrefix), "=",
      limit.limit_usd().empty() ? absl::StrCat(limit.limit())
                                : limit.limit_usd());
  if (limit.has_window()) {
    absl::StrAppend(&text, "/", limit.window().seconds(), "s");
  }
  if (limit.has_burst()) {
    absl::StrAppend(&text, limit.has_window() ? "/" : "//", limit.burst());
  }
  return text;
}

}  // namespace gateway
