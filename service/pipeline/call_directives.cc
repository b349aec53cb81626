#include "service/pipeline/call_directives.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/cache/idempotency_table.h"
#include "service/pipeline/request_check.h"
#include "service/routing/selection/node_overrides.h"

namespace gateway {
namespace {

constexpr size_t kValueBytesMax = 256;
constexpr absl::Duration kTimeoutMax = absl::Hours(24);

// Whom a call is made for, by the part of its name behind the prefix.
constexpr struct {
  std::string_view name;
  std::string_view CallScope::* member;
} kScopeNames[] = {
    {"agent-id", &CallScope::agent_id},
    {"agent-type", &CallScope::agent_type},
    {"project", &CallScope::project_id},
    {"session", &CallScope::session_id},
    {"user", &CallScope::user_id},
    {"work-order", &CallScope::work_order_id},
};
constexpr std::string_view kProviderName = "provider";
constexpr std::string_view kPriorityName = "priority";

// What may come in several fields.
constexpr std::string_view kTagsName = "tags";
constexpr std::string_view kCapabilitiesName = "capabilities";


constexpr std::string_view kEmpty = "is empty; give a value, or leave it out";
constexpr std::string_view kTwice = "is given twice; give it once";
constexpr std::string_view kWithComma = "must be one value, without a comma";

std::string FieldOf(std::string_view name) {
  return absl::StrCat(ToAbsl(CallDirectives::kPrefix), ToAbsl(name));
}

absl::Status Merge(std::string_view name, std::string_view beside,
                   std::string_view* in_request) {
  if (beside.empty() || beside == *in_request) return absl::OkStatus();
  if (in_request->empty()) {
    *in_request = beside;
    return absl::OkStatus();
  }
  return InvalidField(FieldOf(name),
                      "contradicts the request; say it in one place");
}

// Takes the first of names with commas between them off `list`.
std::string_view NextOfList(std::string_view* list) {
  const size_t comma = std::min(list->find(','), list->size());
  const std::string_view name = list->substr(0, comma);
  list->remove_prefix(std::min(comma + 1, list->size()));
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(name)));
}

// Empty names in a list count for nothing (RFC 9110, section 5.6.1.2).
bool NamesNothing(std::string_view list) {
  return list.find_first_not_of(", \t") == std::string_view::npos;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isprint(c); });
}

}  // namespace

bool CallDirectives::Take(std::string_view name, std::string_view value) {
  if (absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(kIdempotencyKey))) {
    any_ = true;
    TakeIdempotencyKey(kIdempotencyKey,
                       ToStd(absl::StripAsciiWhitespace(ToAbsl(value))));
    return true;
  }
  if (absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(kContextMode))) {
    any_ = true;
    context_mode = ContextModeOf(value);
    return true;
  }
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
  if (is(kIdempotencyKey)) {
    return TakeIdempotencyKey(kPrefixedIdempotencyKey, value);
  }
  if (value.empty()) return Refuse(name, kEmpty);
  if (is(kTagsName)) return TakeTags(value);
  if (is(kCapabilitiesName)) return TakeCapabilities(value);
  if (std::any_of(taken_.begin(), taken_.end(), is)) {
    return Refuse(name, kTwice);
  }
  if (status_.ok()) taken_.push_back(name);
  if (is("timeout")) return TakeTimeout(value);
  if (is(kPriorityName)) return TakePriority(value);
  if (is("strict-output")) return TakeFlag(name, value, &strict_output);
  if (is("details")) return TakeFlag(name, value, &details);
  if (is("node")) return TakeNode(value);
  if (is("strategy")) return TakeStrategy(value);
  if (is(kProviderName)) return TakeText(name, value, &provider);
  for (const auto& known : kScopeNames) {
    if (is(known.name)) return TakeText(name, value, &(scope.*known.member));
  }
  Refuse(name, "is not known; docs/routing.md lists those that are");
}

void CallDirectives::TakeText(std::string_view name, std::string_view value,
                              std::string_view* text) {
  if (value.size() > kValueBytesMax || !IsPrintable(value)) {
    return Refuse(name, "must be at most 256 printable ASCII characters");
  }
  // Proxies may merge two fields of a name so.
  if (value.find(',') != std::string_view::npos) {
    return Refuse(name, kWithComma);
  }
  *text = value;
}

void CallDirectives::TakeIdempotencyKey(std::string_view field,
                                        std::string_view value) {
  if (value.empty()) return RefuseField(field, kEmpty);
  if (!idempotency_field.empty()) return RefuseField(field, kTwice);
  if (value.find(',') != std::string_view::npos) {
    return RefuseField(field, kWithComma);
  }
  absl::Status check = CheckIdempotencyKey(field, value);
  if (!check.ok()) {
    status_.Update(std::move(check));
    return;
  }
  idempotency_field = field;
  idempotency_key = value;
}

void CallDirectives::TakePriority(std::string_view value) {
  for (size_t i = 0; i < kCallerPriorities; ++i) {
    const auto each = static_cast<CallerPriority>(i);
    if (value == CallerPriorityName(each)) {
      priority = each;
      return;
    }
  }
  Refuse(kPriorityName, "must be critical, high, normal or low");
}

void CallDirectives::TakeTags(std::string_view value) {
  if (NamesNothing(value)) return Refuse(kTagsName, kEmpty);
  while (!value.empty()) {
    const std::string_view tag = NextOfList(&value);
    if (tag.empty()) continue;
    if (domain_tags.size() == kDomainTagsMax) {
      return Refuse(kTagsName,
                    absl::StrCat("names more than ", kDomainTagsMax, " tags"));
    }
    if (tag.size() > kDomainTagCharactersMax || !IsPrintable(tag)) {
      return Refuse(kTagsName, absl::StrCat("has a tag that is not at most ",
                                            kDomainTagCharactersMax,
                                            " printable ASCII characters"));
    }
    domain_tags.push_back(tag);
  }
}

void CallDirectives::TakeNode(std::string_view value) {
  if (value.size() > kNodeNameBytesMax) {
    return Refuse("node",
                  absl::StrCat("is longer than ", kNodeNameBytesMax, " bytes"));
  }
  TakeText("node", value, &node);
}

void CallDirectives::TakeCapabilities(std::string_view value) {
  if (NamesNothing(value)) return Refuse(kCapabilitiesName, kEmpty);
  while (!value.empty()) {
    const std::string_view name = NextOfList(&value);
    if (name.empty()) continue;
    const absl::StatusOr<Capability> capability = ParseCapability(name);
    if (!capability.ok()) {
      return Refuse(kCapabilitiesName, ToStd(capability.status().message()));
    }
    capabilities |= *capability;
  }
}

void CallDirectives::TakeStrategy(std::string_view value) {
  const absl::StatusOr<SelectionStrategy> said = ParseStrategy(value);
  if (!said.ok()) return Refuse("strategy", ToStd(said.status().message()));
  strategy = *said;
}

void CallDirectives::TakeTimeout(std::string_view value) {
  absl::Duration said;
  if (!absl::ParseDuration(ToAbsl(value), &said) ||
      said < absl::Milliseconds(1) || said > kTimeoutMax) {
    return Refuse("timeout", "must be 1ms to 24h, as in 30s or 1m30s");
  }
  timeout = said;
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
  std::string field = absl::AsciiStrToLower(FieldOf(name));
  field.resize(std::min(field.size(), size_t{64}));
  RefuseField(field, why);
}

void CallDirectives::RefuseField(std::string_view field, std::string_view why) {
  if (status_.ok()) status_ = InvalidField(field, why);
}

absl::Status CallDirectives::MergeInto(std::string_view* provider_of_request,
                                       CallScope* scope_of_request) const {
  GATEWAY_RETURN_IF_ERROR(status_);
  GATEWAY_RETURN_IF_ERROR(Merge(kProviderName, provider, provider_of_request));
  for (const auto& [name, member] : kScopeNames) {
    GATEWAY_RETURN_IF_ERROR(
        Merge(name, scope.*member, &(scope_of_request->*member)));
  }
  return absl::OkStatus();
}

}  // namespace gateway
