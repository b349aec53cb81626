#include "service/api/call_report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/decimal.h"
#include "base/text/percent.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/money/money.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/context_report.h"
#include "service/tracing/trace_context.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Usage;
using ::llmgateway::v1::Warning;

// Clients take trailers of 8 KiB, in which an error's details stand, too.
constexpr size_t kNameBytesMax = 128;
// Clients and proxies take fields of a few kilobytes.
constexpr size_t kWarningsBytesMax = 2048;

// What may stand in a value as it is: visible ASCII that neither ends a value
// nor begins what is encoded.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain = {};
  for (size_t c = 0x21; c < 0x7f; ++c) plain[c] = true;
  for (const char c : {';', ',', '=', '%', '"', '\\'}) {
    plain[static_cast<unsigned char>(c)] = false;
  }
  return plain;
}();

bool IsPlain(char c) { return kPlain[static_cast<unsigned char>(c)]; }

// The name as it may stand in a value; `memory` holds it if that differs.
std::string_view ToldName(std::string_view name, std::string* memory) {
  name = name.substr(0, kNameBytesMax);
  if (std::all_of(name.begin(), name.end(), IsPlain)) return name;
  *memory = PercentEncode(name, IsPlain);
  return *memory;
}

void AppendName(std::string_view name, std::string* out) {
  std::string memory;
  out->append(ToldName(name, &memory));
}

// The most that WriteCount writes behind a name.
constexpr size_t kCountBytesMax = 20;

// Providers may have said anything, below zero, too.
char* WriteCount(std::string_view name, int64_t count, char* out) {
  out = WriteText(name, out);
  return std::to_chars(out, out + kCountBytesMax, count).ptr;
}

void AddMoney(std::string_view name, int64_t nanos, CallFields* fields) {
  char* const out = fields->Room(Money::kTextBytesMax);
  fields->AddWritten(name, Money::FromNanos(nanos).WriteText(out));
}

// Returns the text with what a field's value may not hold replaced.
std::string Visible(std::string text) {
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

void AddContext(const Call& call, CallFields* fields) {
  if (!call.context.has_value() || !call.context->in_fields) return;
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr || !attempt->answered) return;
  const ContextTexts texts(*call.context);
  fields->AddBorrowed(kContextRoutedHeader, texts.routed);
  fields->Add(kContextTierHeader, texts.tier);
  fields->Add(kTokenCountHeader, texts.token_count);
  fields->Add(kTokenLimitHeader, texts.token_limit);
  fields->Add(kHeadroomHeader, texts.headroom_percent);
}

void AddRoute(const Call& call, CallFields* fields) {
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr) return;
  // The names of all, and the number of attempts.
  constexpr size_t kAroundBytesMax = 64;
  std::string memory[3];
  const std::string_view provider = ToldName(attempt->provider, &memory[0]);
  const std::string_view model = ToldName(attempt->model, &memory[1]);
  const std::string_view reason = ToldName(call.planned.reason, &memory[2]);
  char* out = fields->Room(kAroundBytesMax + provider.size() + model.size() +
                           reason.size());
  out = WriteText(provider, WriteText("provider=", out));
  out = WriteText(model, WriteText("; model=", out));
  out = WriteText(reason, WriteText("; reason=", out));
  out = WriteDecimal(call.attempts.size(), WriteText("; attempts=", out));
  fields->AddWritten(kRouteHeader, out);
}

}  // namespace

void ReportCall(const Call& call, LimitWords words, CallFields* fields) {
  AddLimits(call, words, fields);
  if (call.trace != nullptr && call.trace->records()) {
    fields->AddBorrowed(kTraceIdHeader, call.trace->id_text());
  }
  if (call.cache != nullptr) fields->Add(kCacheHeader, CacheText(call));
  if (call.reused != nullptr) fields->Add(kAnswerOfHeader, AnswerOfText(call));
  AddRoute(call, fields);
  AddContext(call, fields);
}

void ReportBudgets(const Call& call, CallFields* fields) {
  if (call.budgets == nullptr) return;
  if (const auto nanos = call.budgets->remaining_usd_nanos()) {
    AddMoney(kBudgetRemainingUsdHeader, *nanos, fields);
  }
  if (const auto tokens = call.budgets->remaining_tokens()) {
    fields->Add(kBudgetRemainingTokensHeader, *tokens);
  }
}

void ReportLoad(const RuntimeSnapshot& runtime, CallFields* fields) {
  const OverloadControl* const overload = runtime.overload();
  if (overload == nullptr) return;
  constexpr uint64_t kMebibyte = 1 << 20;
  const auto bytes = static_cast<uint64_t>(overload->memory().resident_bytes());
  const uint64_t tenths = (10 * bytes + kMebibyte / 2) / kMebibyte;
  char* out = WriteDecimal(tenths / 10, fields->Room(kDecimalBytesMax + 2));
  *out++ = '.';
  *out++ = static_cast<char>('0' + tenths % 10);
  fields->AddWritten(kMemoryRssHeader, out);
  fields->AddBorrowed(kMemoryPressureHeader,
                      MemoryPressureName(overload->memory().pressure()));
  fields->Add(kActiveRequestsHeader, overload->calls().active());
}

std::string CacheText(const Call& call) {
  if (call.cache == nullptr) return {};
  const CallCache& cache = *call.cache;
  if (!cache.key) {
    return absl::StrCat("bypass; reason=",
                        ToAbsl(CacheBypassName(cache.use.bypass)));
  }
  if (!cache.hit) return absl::StrCat("miss; key=", cache.key_told);
  std::string text = absl::StrCat("hit; age=", absl::ToInt64Seconds(cache.age),
                                  "; key=", cache.key_told, "; request_id=");
  AppendName(call.reused->kept->request_id, &text);
  return text;
}

std::string AnswerOfText(const Call& call) {
  std::string text;
  if (call.reused == nullptr) return text;
  AppendName(call.reused->kept->request_id, &text);
  return text;
}

void ReportUsage(const Usage& usage, CallFields* fields) {
  // The names of all, and the counts.
  constexpr size_t kBytesMax = 80 + 5 * kCountBytesMax;
  char* out = fields->Room(kBytesMax);
  out = WriteCount("input=", usage.input_tokens(), out);
  out = WriteCount("; output=", usage.output_tokens(), out);
  if (const int64_t count = usage.cached_input_tokens()) {
    out = WriteCount("; cached_input=", count, out);
  }
  if (const int64_t count = usage.cache_write_tokens()) {
    out = WriteCount("; cache_write=", count, out);
  }
  if (const int64_t count = usage.reasoning_tokens()) {
    out = WriteCount("; reasoning=", count, out);
  }
  if (usage.estimated()) out = WriteText("; estimated=true", out);
  fields->AddWritten(kUsageHeader, out);
  if (usage.cost_known()) ReportCost(usage, fields);
}

void ReportCost(const Usage& usage, CallFields* fields) {
  AddMoney(kCostHeader, usage.cost_usd_nanos(), fields);
}

std::string CostText(const Usage& usage) {
  return Money::FromNanos(usage.cost_usd_nanos()).Text();
}

std::string WarningsTextOf(const Call& call) {
  const Attempt* const attempt = call.DecidingAttempt();
  if (call.budgets == nullptr || (call.budgets->warnings().empty() &&
                                  call.budgets->late_warnings().empty())) {
    return attempt == nullptr ? "" : WarningsText(attempt->warnings);
  }
  google::protobuf::RepeatedPtrField<Warning> all;
  call.FillWarnings(&all);
  return WarningsText(std::vector<Warning>(all.begin(), all.end()));
}

std::string WarningsText(absl::Span<const Warning> warnings) {
  std::string all;
  size_t told = 0;
  for (const Warning& warning : warnings) {
    const std::string text = Visible(
        absl::StrCat(warning.field(), warning.field().empty() ? "" : ": ",
                     warning.message()));
    if (all.size() + text.size() > kWarningsBytesMax) break;
    absl::StrAppend(&all, told > 0 ? "; " : "", text);
    ++told;
  }
  if (told < warnings.size()) {
    absl::StrAppend(&all, told > 0 ? "; " : "", warnings.size() - told,
                    " more");
  }
  return all;
}

}  // namespace gateway
