#include "service/api/limits_admin.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/async/worker_pool.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/api/caller_check.h"
#include "service/limits/counter_store.h"
#include "service/limits/gcra.h"
#include "service/limits/key_limit_rules.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"
#include "service/limits/limit_usage.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

using Rules = std::vector<const LimitRule*>;
using ConfiguredLimit = config::RateLimit;

constexpr std::string_view kAdmin = "llmgateway.v1.AdminService";
// How a page token begins. It says how many counters came before, and of which
// listing it is.
constexpr absl::string_view kUsageMark = "usage:";

// The moment that is shown.
struct Moment {
  int64_t steady = 0;  // Nanoseconds.
  absl::Time wall;
};

Moment MomentOf(const RuntimeSnapshot& runtime) {
  return {.steady = absl::ToInt64Nanoseconds(runtime.clock().SteadyTime()),
          .wall = runtime.clock().WallTime()};
}

std::string UsagePageToken(const v1::ListLimitUsageRequest& request,
                           size_t shown) {
  return absl::StrCat(kUsageMark, shown, "/", request.rule(), "/",
                      request.subject());
}

// Returns how many were shown before.
absl::StatusOr<size_t> ShownBefore(const v1::ListLimitUsageRequest& request) {
  if (request.page_token().empty()) return 0;
  absl::string_view token = request.page_token();
  uint32_t shown = 0;
  const bool is_token =
      absl::ConsumePrefix(&token, kUsageMark) &&
      absl::SimpleAtoi(token.substr(0, token.find('/')), &shown);
  if (!is_token) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  if (UsagePageToken(request, shown) != request.page_token()) {
    return InvalidField("page_token",
                        "is of a listing with another rule or subject; begin "
                        "again without one");
  }
  return shown;
}

// Returns the rules of this name, or all if it is empty.
absl::StatusOr<Rules> RulesOf(const RuntimeSnapshot& runtime,
                              const std::string& name) {
  Rules rules;
  for (const auto& rule : runtime.limits().rules()) {
    if (name.empty() || rule->name() == name) rules.push_back(rule.get());
  }
  if (name.empty() || name == KeyLimitRules::kName) {
    const Rules of_keys = runtime.key_limits().All();
    rules.insert(rules.end(), of_keys.begin(), of_keys.end());
  }
  if (!rules.empty() || name.empty() || name == KeyLimitRules::kName) {
    return rules;
  }
  return MakeFault(
      v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("no limit has the name '", name, "'; rate_limits has ",
                   runtime.limits().rules().size(), ", and those of keys are '",
                   KeyLimitRules::kName, "'"));
}

// What callers say of themselves may be any bytes; messages are UTF-8.
std::string ShownText(std::string text) {
  return IsUtf8(text) ? std::move(text) : absl::CHexEscape(text);
}

// Whether any dimension of the subject is `text`; all are if it is empty.
bool HasText(const LimitRule& rule, const std::string& subject,
             const std::string& text) {
  if (text.empty()) return true;
  for (const auto& [dimension, value] : rule.SplitSubject(subject)) {
    if (ShownText(value) == text) return true;
  }
  return false;
}

using SubjectMap = google::protobuf::Map<std::string, std::string>;

// Whether the subject has all of these.
bool HasAll(const LimitRule& rule, const std::string& subject,
            const SubjectMap& wanted) {
  size_t found = 0;
  for (const auto& [dimension, value] : rule.SplitSubject(subject)) {
    const auto want = wanted.find(std::string(dimension));
    if (want == wanted.end()) continue;
    if (want->second != ShownText(value)) return false;
    ++found;
  }
  return found == wanted.size();
}

// The subject, if all that the rule tells calls apart by is named. Borrows the
// texts.
std::optional<LimitSubject> WholeSubject(const RuntimeSnapshot& runtime,
                                         const LimitRule& rule,
                                         const SubjectMap& named) {
  LimitSubject subject(runtime.limits().secret());
  for (int i = 0; i <= config::LimitDimension_MAX; ++i) {
    const auto dimension = static_cast<LimitDimension>(i);
    if (!rule.tells_apart(dimension)) continue;
    const auto found = named.find(std::string(LimitDimensionName(dimension)));
    if (found == named.end()) return std::nullopt;
    subject.Set(dimension, found->second);
  }
  return subject;
}

// Gives back what replicas share of the rule: of subjects that are known here,
// or else of the one that is named in full. Whether there is any.
bool ResetShared(const RuntimeSnapshot& runtime, const LimitRule& rule,
                 int64_t now, const SubjectMap& named) {
  CounterStore* const shared = runtime.counter_stores().shared;
  if (shared == nullptr) return false;
  const int64_t known = shared->Forgive(
      rule, now,
      [&](const std::string& subject) { return HasAll(rule, subject, named); });
  if (known > 0) return true;
  std::optional<LimitSubject> subject = WholeSubject(runtime, rule, named);
  return subject.has_value() && shared->ForgiveOne(rule, now, *subject);
}

void FillUsage(const RuntimeSnapshot& runtime, const Moment& now,
               const LimitUsage& usage, v1::LimitUsage* to) {
  const LimitRule& rule = *usage.rule;
  to->set_rule(rule.name());
  to->set_unit(rule.unit());
  for (auto& [dimension, value] : rule.SplitSubject(usage.subject)) {
    (*to->mutable_subject())[std::string(dimension)] =
        ShownText(std::move(value));
  }
  to->set_limit(rule.limit());
  to->set_remaining(usage.Remaining(now.steady));
  const bool is_shared = runtime.counter_stores().shared != nullptr;
  to->set_sharing(is_shared ? rule.sharing() : ConfiguredLimit::SHARING_LOCAL);
  if (rule.counts_calls()) return;
  SetProto(rule.gcra().window(), to->mutable_window());
  SetProto(now.wall + absl::Nanoseconds(Gcra::Ahead(usage.number, now.steady)),
           to->mutable_reset_time());
}

absl::Status CheckReset(const v1::ResetLimitRequest& request,
                        const Rules& rules) {
  if (request.rule().empty()) return InvalidField("rule", "is required");
  bool all_count_calls = !rules.empty();
  for (const LimitRule* const rule : rules) {
    all_count_calls = all_count_calls && rule->counts_calls();
    for (const auto& [dimension, value] : request.subject()) {
      const auto parts = rule->SplitSubject("");
      const bool is_known = std::any_of(
          parts.begin(), parts.end(),
          [&](const auto& part) { return part.first == dimension; });
      if (is_known) continue;
      return InvalidField(
          "subject",
          absl::StrCat("names ", dimension, "; the limit tells calls apart by ",
                       parts.empty() ? "nothing" : rule->DimensionNames()));
    }
  }
  if (!all_count_calls) return absl::OkStatus();
  return InvalidField("rule",
                      "counts calls at once, which give back what they have "
                      "taken when they end");
}

}  // namespace

void LimitsAdmin::AddTo(MethodTable& table) {
  table.AddUnary<v1::ListLimitUsageRequest, v1::ListLimitUsageResponse>(
      kAdmin, "ListLimitUsage",
      [this](CallContext&, const v1::ListLimitUsageRequest& request,
             v1::ListLimitUsageResponse* response) {
        return List(request, response);
      });
  table.AddUnary<v1::ResetLimitRequest, v1::ResetLimitResponse>(
      kAdmin, "ResetLimit",
      [this](CallContext& call, const v1::ResetLimitRequest& request,
             v1::ResetLimitResponse* response) {
        return Reset(call, request, response);
      });
}

Task<absl::Status> LimitsAdmin::List(const v1::ListLimitUsageRequest& request,
                                     v1::ListLimitUsageResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const int page_entries,
                              PageSizeOf(*runtime, request.page_size()));
  GATEWAY_CO_ASSIGN_OR_RETURN(const size_t before, ShownBefore(request));
  GATEWAY_CO_ASSIGN_OR_RETURN(const Rules rules,
                              RulesOf(*runtime, request.rule()));
  const auto page_size = static_cast<size_t>(page_entries);
  const Moment now = MomentOf(*runtime);
  const auto find = [&] {
    return FullestCounters(
        rules, now.steady, before + page_size + 1,
        [&](const LimitRule& rule, const std::string& subject) {
          return HasText(rule, subject, request.subject());
        });
  };
  const std::vector<LimitUsage> fullest =
      co_await OffLoop(CountersBytes(rules), find, WorkerPool::Stage::kBegins);
  for (size_t i = before; i < fullest.size(); ++i) {
    if (i == before + page_size) {
      response->set_next_page_token(UsagePageToken(request, i));
      break;
    }
    FillUsage(*runtime, now, fullest[i], response->add_usage());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LimitsAdmin::Reset(const CallContext& call,
                                      const v1::ResetLimitRequest& request,
                                      v1::ResetLimitResponse* response) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(const Rules rules,
                              RulesOf(*runtime, request.rule()));
  GATEWAY_CO_RETURN_IF_ERROR(CheckReset(request, rules));
  const int64_t now = MomentOf(*runtime).steady;
  const auto reset = [&] {
    return ResetCounters(
        rules, now, [&](const LimitRule& rule, const std::string& subject) {
          return HasAll(rule, subject, request.subject());
        });
  };
  int64_t count =
      co_await OffLoop(CountersBytes(rules), reset, WorkerPool::Stage::kBegins);
  for (const LimitRule* const rule : rules) {
    // What only others have counted is one subject's.
    if (ResetShared(*runtime, *rule, now, request.subject())) {
      count = std::max<int64_t>(count, 1);
    }
  }
  // Who asks has been let in, so there is a name, or none is asked for.
  const std::string who(CheckOperator(*runtime, call).value_or(""));
  Log(LogLevel::kInfo, "limits",
      "an operator has given back what was taken of a limit",
      {{"limit", request.rule()}, {"counters", count}, {"operator", who}});
  response->set_reset_count(count);
  co_return absl::OkStatus();
}

}  // namespace gateway
