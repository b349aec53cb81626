#include "service/pipeline/call_directives.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr size_t kValueBytesMax = 256;
constexpr size_t kTagsMax = 16;
constexpr absl::Duration kTimeoutMax = absl::Hours(24);

// What names one thing, by the part of its name behind the prefix.
constexpr struct {
  std::string_view name;
  std::string_view CallDirectives::* member;
} kNames[] = {
    {"agent-id", &CallDirectives::agent_id},
    {"agent-type", &CallDirectives::agent_type},
    {"project", &CallDirectives::project_id},
    {"provider", &CallDirectives::provider},
    {"session", &CallDirectives::session_id},
    {"user", &CallDirectives::user_id},
    {"work-order", &CallDirectives::work_order_id},
};

// Part of the contract, and read by nothing yet.
constexpr std::string_view kNotServed[] = {"capabilities", "idempotency-key",
                                           "node", "priority", "strategy"};

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isprint(c); });
}

}  // namespace

bool CallDirectives::Take(std::string_view name, std::string_view value) {
  if (!absl::StartsWithIgnoreCase(ToAbsl(name), ToAbsl(kPrefix))) return false;
  any_ = true;
  name.remove_prefix(kPrefix.size());
  TakeNamed(name, ToStd(absl::StripAsciiWhitespace(ToAbsl(value))));
  return true;
}

void CallDirectives::TakeNamed(std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view other) {
    return absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(other));
  };
  if (value.empty())
    return Refuse(name, "is empty; give a value, or leave it out");
  if (is("tags")) return TakeTags(value);
  if (is("timeout")) return TakeTimeout(value);
  if (is("strict-output")) return TakeFlag(name, value, &strict_output);
  if (is("details")) return TakeFlag(name, value, &details);
  for (const auto& known : kNames) {
    if (!is(known.name)) continue;
    std::string_view& member = this->*known.member;
    if (value.size() > kValueBytesMax || !IsPrintable(value)) {
      return Refuse(name, "must be at most 256 printable ASCII characters");
    }
    if (!member.empty() && member != value) {
      return Refuse(name, "is given twice, with different values");
    }
    member = value;
    return;
  }
  for (const std::string_view later : kNotServed) {
    if (!is(later)) continue;
    if (!status_.ok()) return;
    const std::string field = absl::StrCat(ToAbsl(kPrefix), ToAbsl(later));
    status_ = MakeFault(v1::ERROR_REASON_UNIMPLEMENTED,
                        absl::StrCat(field, ": is not served yet"));
    AddFaultMetadata(status_, "field", field);
    AddFieldViolation(status_, field, "is not served yet");
    return;
  }
  Refuse(name, "is not known; docs/routing.md lists those that are");
}

void CallDirectives::TakeTags(std::string_view value) {
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    const std::string_view tag =
        ToStd(absl::StripAsciiWhitespace(ToAbsl(value.substr(0, comma))));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (tag.empty()) continue;
    if (domain_tags.size() == kTagsMax) {
      return Refuse("tags", "names more than 16 tags");
    }
    domain_tags.push_back(tag);
  }
}

void CallDirectives::TakeTimeout(std::string_view value) {
  absl::Duration said;
  if (!absl::ParseDuration(ToAbsl(value), &said) ||
      said < absl::Milliseconds(1) || said > kTimeoutMax) {
    return Refuse("timeout", "must be 1ms to 24h, as in 30s or 1m30s");
  }
  timeout = std::min(timeout, said);
}

void CallDirectives::TakeFlag(std::string_view name, std::string_view value,
                              bool* flag) {
  if (absl::EqualsIgnoreCase(ToAbsl(value), "true")) {
    *flag = true;
  } else if (!absl::EqualsIgnoreCase(ToAbsl(value), "false")) {
    Refuse(name, "must be true or false");
  }
}

void CallDirectives::Refuse(std::string_view name, std::string_view why) {
  if (!status_.ok()) return;
  std::string field =
      absl::StrCat(ToAbsl(kPrefix), absl::AsciiStrToLower(ToAbsl(name)));
  field.resize(std::min(field.size(), size_t{64}));
  status_ = InvalidField(field, why);
}

}  // namespace gateway
