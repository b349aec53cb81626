// LimitRules is all limits of a configuration: which of them a call is counted
// against, and which each of its targets.
//
//   const LimitRules rules(config.rate_limits(), secret, previous.get());
//   LimitSubject subject = rules.NewSubject();
//   ...
//   rules.AskForCall(subject, estimate, charges);
//
// Limits that name callers are found by the name, so that those of others cost
// a call nothing, however many there are. The rest is tried one after the
// other.
//
// Thread contract: immutable, but for the counters, which are thread-safe.

#ifndef SERVICE_LIMITS_LIMIT_RULES_H_
#define SERVICE_LIMITS_LIMIT_RULES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_charges.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"

namespace gateway {

class LimitRules {
 public:
  using Config =
      google::protobuf::RepeatedPtrField<::llmgateway::config::v1::RateLimit>;

  // `config` has its defaults filled in and was found valid. Limits that
  // `previous`, which may be null, has too go on with what was taken of them,
  // if the secret is the same.
  LimitRules(const Config& config, const KeySecret& secret,
             const LimitRules* previous);

  bool empty() const { return rules_.empty(); }
  // Whether targets have limits.
  bool has_target_rules() const { return !of_target_.empty(); }
  // Whether the subject must say where the call comes from.
  bool tells_peers_apart() const { return tells_peers_apart_; }
  const KeySecret& secret() const { return secret_; }
  // What a call is told apart by, of which nothing is known yet.
  LimitSubject NewSubject() const { return LimitSubject(secret_, nothing_); }

  // Has the charges ask each limit that the call is counted against whatever
  // its target, and that the target of the subject is.
  void AskForCall(LimitSubject& subject, const LimitAmounts& estimate,
                  LimitCharges& charges) const;
  void AskForTarget(LimitSubject& subject, const LimitAmounts& estimate,
                    LimitCharges& charges) const;

  // In the order of the configuration.
  const std::vector<std::unique_ptr<const LimitRule>>& rules() const {
    return rules_;
  }
  // Returns null if there is none of the name.
  const LimitRule* Find(std::string_view name) const;

 private:
  // Those of calls, or of targets.
  class Index {
   public:
    void Add(const LimitRule& rule);
    bool empty() const { return by_caller_.empty() && others_.empty(); }
    void Ask(LimitSubject& subject, const LimitAmounts& estimate,
             LimitCharges& charges) const;

   private:
    // Those that name callers without a `*`.
    absl::flat_hash_map<std::string, std::vector<const LimitRule*>> by_caller_;
    std::vector<const LimitRule*> others_;
  };

  const KeySecret secret_;
  const CounterKey nothing_;  // The key of an empty text.
  std::vector<std::unique_ptr<const LimitRule>> rules_;
  bool tells_peers_apart_ = false;
  Index of_call_;
  Index of_target_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_RULES_H_
