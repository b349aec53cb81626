#include "service/limits/limit_fault.h"

#include <cassert>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/limits/gcra.h"
#include "service/limits/limit_rule.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// `60 requests`, `2.50 dollars`.
std::string Amount(const LimitRule& rule, int64_t units) {
  switch (rule.unit()) {
    case config::LIMIT_UNIT_COST:
      return absl::StrCat(Money::FromNanos(units).Text(), " US dollars");
    case config::LIMIT_UNIT_REQUESTS:
      return absl::StrCat(units, units == 1 ? " request" : " requests");
    case config::LIMIT_UNIT_INPUT_TOKENS:
      return absl::StrCat(units, " input tokens");
    case config::LIMIT_UNIT_OUTPUT_TOKENS:
      return absl::StrCat(units, " output tokens");
    case config::LIMIT_UNIT_CONCURRENT_CALLS:
      return absl::StrCat(units, units == 1 ? " call" : " calls", " at once");
    default:
      return absl::StrCat(units, " tokens");
  }
}

// `60 requests per 1m for each caller, model`.
std::string Allowance(const LimitRule& rule) {
  std::string text = Amount(rule, rule.limit());
  if (!rule.counts_calls()) {
    absl::StrAppend(&text, " per ", absl::FormatDuration(rule.gcra().window()));
  }
  const std::string names = rule.DimensionNames();
  return names.empty() ? text : absl::StrCat(text, " for each ", names);
}

std::string Advice(const CounterTake& take) {
  if (take.rule->counts_calls()) {
    return ": try again when one of them has ended";
  }
  if (take.wait == Gcra::kNever) {
    return absl::StrCat(": this call asks for ", Amount(*take.rule, take.units),
                        ", and ", Amount(*take.rule, take.rule->gcra().burst()),
                        " are let pass at once; ask for less");
  }
  return absl::StrCat(": try again in ",
                      absl::FormatDuration(absl::Ceil(
                          absl::Nanoseconds(take.wait), absl::Seconds(1))));
}

// Whether `a` is to be told rather than `b`: who must wait longer.
bool IsLonger(const CounterTake& a, const CounterTake& b) {
  if (a.rule->counts_calls() != b.rule->counts_calls()) {
    return b.rule->counts_calls();
  }
  return a.wait > b.wait;
}

}  // namespace

absl::Status LimitFault(const CounterRequest& local,
                        const CounterRequest& shared) {
  const CounterTake* told = nullptr;
  for (const CounterRequest* const request : {&local, &shared}) {
    for (const CounterTake& take : request->takes) {
      if (take.state != CounterTake::State::kRefused) continue;
      if (told == nullptr || IsLonger(take, *told)) told = &take;
    }
  }
  assert(told != nullptr);
  const LimitRule& rule = *told->rule;
  absl::Status fault =
      MakeFault(rule.counts_calls() ? v1::ERROR_REASON_CONCURRENCY_LIMITED
                                    : v1::ERROR_REASON_RATE_LIMITED,
                absl::StrCat("the limit ", rule.name(), " of ", Allowance(rule),
                             " is reached", Advice(*told)));
  AddFaultMetadata(fault, "limit", rule.name());
  if (rule.counts_calls()) {
    SetRetryDelay(fault, kCallEndDelay);
  } else if (told->wait != Gcra::kNever) {
    SetRetryDelay(fault, absl::Nanoseconds(told->wait));
  }
  for (const CounterRequest* const request : {&local, &shared}) {
    for (const CounterTake& take : request->takes) {
      if (take.state != CounterTake::State::kRefused) continue;
      const std::string names = take.rule->DimensionNames();
      AddQuotaViolation(
          fault, names.empty() ? "all calls" : names,
          absl::StrCat(take.rule->name(), ": ", Allowance(*take.rule)));
    }
  }
  return fault;
}

}  // namespace gateway
