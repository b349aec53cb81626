#include "service/limits/limit_rule.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "proto/proto_time.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// Of each text in a counter's subject so many bytes are kept.
constexpr size_t kSubjectTextBytesMax = 256;
// Stands between them.
constexpr char kSeparator = '\0';

std::vector<LimitDimension> Dimensions(const config::RateLimit& rule) {
  std::vector<LimitDimension> per;
  for (const int dimension : rule.per()) {
    per.push_back(static_cast<LimitDimension>(dimension));
  }
  std::sort(per.begin(), per.end());
  return per;
}

bool IsOfTarget(LimitDimension dimension) {
  return dimension == config::LIMIT_DIMENSION_MODEL ||
         dimension == config::LIMIT_DIMENSION_PROVIDER ||
         dimension == config::LIMIT_DIMENSION_CREDENTIAL;
}

Gcra MakeGcra(const config::RateLimit& rule) {
  if (rule.unit() == config::LIMIT_UNIT_CONCURRENT_CALLS) {
    return Gcra(rule.limit(), absl::Seconds(1), rule.limit());
  }
  int64_t limit = rule.limit();
  int64_t burst = rule.has_burst() ? rule.burst() : limit;
  if (rule.unit() == config::LIMIT_UNIT_COST) {
    const auto dollars = Money::Parse(rule.limit_usd());
    assert(dollars.ok());
    limit = burst = dollars->nanos();
  }
  return Gcra(limit, ToAbsl(rule.window()), burst);
}

// Names of limits have nothing in them that a quoted text would have to escape
// (service/config/limits_validator.cc).
std::string PolicyText(std::string_view name, LimitUnit unit,
                       const Gcra& gcra) {
  const int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(gcra.window(), absl::Seconds(1)));
  return absl::StrCat("\"", ToAbsl(name), "\";q=", gcra.limit(), ";w=", seconds,
                      ";qu=\"", ToAbsl(LimitUnitName(unit)), "\"");
}

}  // namespace

LimitRule::LimitRule(const config::RateLimit& config, const KeySecret& secret,
                     const LimitRule* previous, std::string_view variant,
                     RateCounters::Former former)
    : seed_text_(absl::StrCat(config.name(), ":", config.unit(), ":",
                              ToAbsl(variant))),
      seed_(KeyOfText(seed_text_, secret)),
      name_(config.name()),
      unit_(config.unit()),
      gcra_(MakeGcra(config)),
      limit_text_(absl::StrCat(gcra_.limit())),
      policy_text_(PolicyText(name_, unit_, gcra_)),
      observes_(config.mode() == config::RateLimit::MODE_OBSERVE),
      sharing_(config.sharing()),
      per_(Dimensions(config)),
      match_(config.match()) {
  is_of_target_ = match_.names_target() ||
                  std::any_of(per_.begin(), per_.end(), IsOfTarget);
  // The key of a counter has the secret in it.
  const bool counts_the_same =
      previous != nullptr && previous->seed_ == seed_ &&
      previous->unit_ == unit_ && previous->per_ == per_;
  counters_ = counts_the_same
                  ? previous->counters_
                  : std::make_shared<LimitCounters>(
                        counts_calls(), per_.empty() ? 1 : kSubjectsMax,
                        std::move(former));
}

CounterKey LimitRule::KeyOf(LimitSubject& subject) const {
  CounterKey key = seed_;
  for (const LimitDimension dimension : per_) {
    key = Combine(key, subject.KeyOf(dimension));
  }
  return key;
}

SharedCounterName LimitRule::SharedNameOf(const LimitSubject& subject) const {
  // Each text with its length, so that no two subjects make one text.
  std::string text = seed_text_;
  for (const LimitDimension dimension : per_) {
    const std::string_view part = subject.Text(dimension);
    absl::StrAppend(&text, "\n", dimension, ":", part.size(), ":",
                    ToAbsl(part));
  }
  const Sha256Digest digest = Sha256(text);
  SharedCounterName name;
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < name.size() / 2; ++i) {
    name[2 * i] = kDigits[digest[i] >> 4];
    name[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return name;
}

std::string LimitRule::SubjectText(const LimitSubject& subject) const {
  std::string text;
  for (const LimitDimension dimension : per_) {
    if (dimension != per_.front()) text.push_back(kSeparator);
    text.append(CutText(subject.Shown(dimension), kSubjectTextBytesMax));
  }
  return text;
}

std::vector<std::pair<std::string_view, std::string>> LimitRule::SplitSubject(
    std::string_view text) const {
  std::vector<std::pair<std::string_view, std::string>> parts;
  for (const LimitDimension dimension : per_) {
    const size_t end = std::min(text.find(kSeparator), text.size());
    parts.emplace_back(LimitDimensionName(dimension), text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string LimitRule::DimensionNames() const {
  std::string names;
  for (const LimitDimension dimension : per_) {
    absl::StrAppend(&names, names.empty() ? "" : ", ",
                    ToAbsl(LimitDimensionName(dimension)));
  }
  return names;
}

std::string_view LimitDimensionName(LimitDimension dimension) {
  switch (dimension) {
    case config::LIMIT_DIMENSION_CALLER:
      return "caller";
    case config::LIMIT_DIMENSION_OWNER:
      return "owner";
    case config::LIMIT_DIMENSION_USER:
      return "user";
    case config::LIMIT_DIMENSION_AGENT:
      return "agent";
    case config::LIMIT_DIMENSION_SESSION:
      return "session";
    case config::LIMIT_DIMENSION_PROJECT:
      return "project";
    case config::LIMIT_DIMENSION_MODEL:
      return "model";
    case config::LIMIT_DIMENSION_PROVIDER:
      return "provider";
    case config::LIMIT_DIMENSION_CREDENTIAL:
      return "credential";
    case config::LIMIT_DIMENSION_ROUTE:
      return "route";
    case config::LIMIT_DIMENSION_API:
      return "api";
    case config::LIMIT_DIMENSION_PEER:
      return "peer";
    case config::LIMIT_DIMENSION_WORK_ORDER:
      return "work_order";
    default:
      return "";
  }
}

std::string_view LimitUnitName(LimitUnit unit) {
  switch (unit) {
    case config::LIMIT_UNIT_REQUESTS:
      return "requests";
    case config::LIMIT_UNIT_INPUT_TOKENS:
      return "input_tokens";
    case config::LIMIT_UNIT_OUTPUT_TOKENS:
      return "output_tokens";
    case config::LIMIT_UNIT_TOTAL_TOKENS:
      return "total_tokens";
    case config::LIMIT_UNIT_CONCURRENT_CALLS:
      return "concurrent_calls";
    case config::LIMIT_UNIT_COST:
      return "cost";
    default:
      return "";
  }
}

}  // namespace gateway
