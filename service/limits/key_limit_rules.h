// KeyLimitRules are the limits that belong to keys, and to callers whom tokens
// and certificates name: each caller has them for himself. Callers come and go,
// but of different limits there are few: those that are the same, as for all
// keys of one tier, are one rule with a counter for each caller.
//
//   KeyLimitRules rules(secret);
//   const LimitRule& rule = rules.RuleOf(limit);
//
// They live as long as the process, so that a caller whose key is read anew
// goes on with what it has taken, also of a limit that was changed: what it
// owes of a limit of the same unit and window, it owes of the new one. One that
// has another window begins anew.
//
// Thread-safe; without a lock but for a limit that the thread has not asked for
// before.

#ifndef SERVICE_LIMITS_KEY_LIMIT_RULES_H_
#define SERVICE_LIMITS_KEY_LIMIT_RULES_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/os/mutex.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_counters.h"
#include "service/limits/limit_rule.h"

namespace gateway {

class KeyLimitRules {
 public:
  // What errors and metrics call them all.
  static constexpr char kName[] = "key";

  explicit KeyLimitRules(const KeySecret& secret) : secret_(secret) {}

  // Returns the rule, which lives as long as this. `limit` was found valid.
  const LimitRule& RuleOf(const llmgateway::config::v1::KeyLimit& limit);

  // Those that were asked for so far.
  std::vector<const LimitRule*> All();

 private:
  // What makes two limits the same.
  struct Terms {
    int unit = 0;
    int64_t limit = 0;
    int64_t burst = 0;
    int64_t window_seconds = 0;
    int32_t window_nanos = 0;
    std::string limit_usd;

    bool operator==(const Terms&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Terms& terms) {
      return H::combine(std::move(h), terms.unit, terms.limit, terms.burst,
                        terms.window_seconds, terms.window_nanos,
                        terms.limit_usd);
    }
  };

  // Rules that differ in how much they let in, and in nothing else.
  class Siblings {
   public:
    void Add(const std::shared_ptr<LimitCounters>& counters);
    // What the caller of the key owes of any of them, as a TAT.
    int64_t DebtOf(const CounterKey& key);

   private:
    Mutex mu_;
    // They have this, to ask what their keys owe.
    std::vector<std::weak_ptr<LimitCounters>> counters_ GUARDED_BY(mu_);
  };

  struct Known;

  static Terms TermsOf(const llmgateway::config::v1::KeyLimit& limit);
  static uint64_t NextNumber();
  const LimitRule& FindOrMake(const llmgateway::config::v1::KeyLimit& limit,
                              Terms terms) LOCKS_EXCLUDED(mu_);

  const KeySecret secret_;
  // Tells it from all others of the process, also those that are gone.
  const uint64_t number_ = NextNumber();
  Mutex mu_;
  // By what they count, and in which time.
  absl::flat_hash_map<std::string, std::shared_ptr<Siblings>> siblings_
      GUARDED_BY(mu_);
  absl::flat_hash_map<Terms, std::unique_ptr<const LimitRule>> rules_
      GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_KEY_LIMIT_RULES_H_
