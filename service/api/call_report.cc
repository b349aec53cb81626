#include "service/api/call_report.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"
#include "base/text/percent.h"
#include "service/money/money.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/context_report.h"

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

void AppendName(std::string_view name, std::string* out) {
  name = name.substr(0, kNameBytesMax);
  if (std::all_of(name.begin(), name.end(), IsPlain)) {
    out->append(name);
  } else {
    out->append(PercentEncode(name, IsPlain));
  }
}

void AppendCount(std::string_view name, int64_t count, std::string* out) {
  if (count != 0) absl::StrAppend(out, "; ", ToAbsl(name), "=", count);
}

// Returns the text with what a field's value may not hold replaced.
std::string Visible(std::string text) {
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

// How the gateway fares: memory in MiB with a decimal, `123.4`, its pressure,
// and how many calls run. Nothing where nothing is limited.
void AddLoad(const RuntimeSnapshot& runtime, CallFields* fields) {
  const OverloadControl* const overload = runtime.overload();
  if (overload == nullptr) return;
  const double mebibytes =
      static_cast<double>(overload->memory().resident_bytes()) / (1 << 20);
  fields->push_back({kMemoryRssHeader, absl::StrFormat("%.1f", mebibytes)});
  fields->push_back(
      {kMemoryPressureHeader,
       std::string(MemoryPressureName(overload->memory().pressure()))});
  fields->push_back(
      {kActiveRequestsHeader, absl::StrCat(overload->calls().active())});
}

void AddContext(const Call& call, CallFields* fields) {
  if (!call.context.has_value() || !call.context->in_fields) return;
  const Attempt* const attempt = call.DecidingAttempt();
  if (attempt == nullptr || !attempt->answered) return;
  ContextTexts texts(*call.context);
  fields->push_back({kContextRoutedHeader, std::string(texts.routed)});
  fields->push_back({kContextTierHeader, std::move(texts.tier)});
  fields->push_back({kTokenCountHeader, std::move(texts.token_count)});
  fields->push_back({kTokenLimitHeader, std::move(texts.token_limit)});
  fields->push_back({kHeadroomHeader, std::move(texts.headroom_percent)});
}

void AddText(std::string_view name, std::string text, CallFields* fields) {
  if (!text.empty()) fields->push_back({name, std::move(text)});
}

}  // namespace

CallFields CallFieldsOf(const Call& call, LimitWords words) {
  CallFields fields;
  for (LimitField& field : LimitFieldsOf(call, words)) {
    fields.push_back({field.name, std::move(field.value)});
  }
  AddLoad(*call.runtime, &fields);
  AddText(kCacheHeader, CacheText(call), &fields);
  AddText(kAnswerOfHeader, AnswerOfText(call), &fields);
  AddText(kRouteHeader, RouteText(call), &fields);
  AddContext(call, &fields);
  return fields;
}

std::string RouteText(const Call& call) {
  const Attempt* const attempt = call.DecidingAttempt();
  std::string text;
  if (attempt == nullptr) return text;
  constexpr size_t kAround = 48;  // The names, and the number of attempts.
  text.reserve(kAround + attempt->provider.size() + attempt->model.size() +
               call.planned.reason.size());
  text.append("provider=");
  AppendName(attempt->provider, &text);
  text.append("; model=");
  AppendName(attempt->model, &text);
  text.append("; reason=");
  AppendName(call.planned.reason, &text);
  absl::StrAppend(&text, "; attempts=", call.attempts.size());
  return text;
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

std::string UsageText(const Usage& usage) {
  std::string text = absl::StrCat("input=", usage.input_tokens(),
                                  "; output=", usage.output_tokens());
  AppendCount("cached_input", usage.cached_input_tokens(), &text);
  AppendCount("cache_write", usage.cache_write_tokens(), &text);
  AppendCount("reasoning", usage.reasoning_tokens(), &text);
  if (usage.estimated()) text.append("; estimated=true");
  return text;
}

std::string CostText(const Usage& usage) {
  return Money::FromNanos(usage.cost_usd_nanos()).Text();
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
