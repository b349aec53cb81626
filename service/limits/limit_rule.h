// LimitRule is one limit of the configuration, or of a key, made ready to be
// asked of each call.
//
// Thread contract: immutable, but for its counters, which are thread-safe.

#ifndef SERVICE_LIMITS_LIMIT_RULE_H_
#define SERVICE_LIMITS_LIMIT_RULE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/counter_key.h"
#include "service/limits/gcra.h"
#include "service/limits/limit_counters.h"
#include "service/limits/limit_match.h"
#include "service/limits/limit_subject.h"

namespace gateway {

using LimitUnit = ::llmgateway::config::v1::LimitUnit;

// 160 bits of a SHA-256, in hexadecimal. Without a secret, since replicas have
// none in common before they can ask each other; so many bits that nobody finds
// two texts of one name.
using SharedCounterName = std::array<char, 40>;

class LimitRule {
 public:
  // `config` has its defaults filled in and was found valid (service/config).
  // Goes on with the counters of `previous` if they count the same; it may be
  // null. Limits of one name are told apart by `variant`; of those that have
  // one variant, too, `former` tells what was taken of another.
  LimitRule(const ::llmgateway::config::v1::RateLimit& config,
            const KeySecret& secret, const LimitRule* previous = nullptr,
            std::string_view variant = {},
            RateCounters::Former former = nullptr);

  const std::string& name() const { return name_; }
  LimitUnit unit() const { return unit_; }
  // Within the window, or at once; of cost nano-dollars.
  int64_t limit() const { return gcra_.limit(); }
  // Means nothing for calls at once.
  const Gcra& gcra() const { return gcra_; }
  // The limit in decimal.
  std::string_view limit_text() const { return limit_text_; }
  // The limit as a member of the field `ratelimit-policy`:
  // `"rpm";q=60;w=60;qu="requests"` (draft-ietf-httpapi-ratelimit-headers-10
  // §3). Begins with the name as that of `ratelimit` does.
  std::string_view policy_text() const { return policy_text_; }
  // The name with its quotes, within policy_text().
  std::string_view quoted_name() const {
    return std::string_view(policy_text_).substr(0, name_.size() + 2);
  }
  bool counts_calls() const {
    return unit_ == ::llmgateway::config::v1::LIMIT_UNIT_CONCURRENT_CALLS;
  }
  bool counts_tokens() const {
    return unit_ == ::llmgateway::config::v1::LIMIT_UNIT_INPUT_TOKENS ||
           unit_ == ::llmgateway::config::v1::LIMIT_UNIT_OUTPUT_TOKENS ||
           unit_ == ::llmgateway::config::v1::LIMIT_UNIT_TOTAL_TOKENS;
  }
  // Whether it refuses nothing.
  bool observes() const { return observes_; }
  ::llmgateway::config::v1::RateLimit::Sharing sharing() const {
    return sharing_;
  }
  // Whether it is asked of each target, since it names what only that has: a
  // model as the provider is asked for it, a provider or a credential.
  bool is_of_target() const { return is_of_target_; }

  // Whether it has a counter for each of these.
  bool tells_apart(LimitDimension dimension) const {
    return std::find(per_.begin(), per_.end(), dimension) != per_.end();
  }

  // Whether it counts the requests of each peer, whatever else they say: what
  // gateways do, and no vendor.
  bool is_of_peer() const {
    return unit_ == ::llmgateway::config::v1::LIMIT_UNIT_REQUESTS &&
           per_.size() == 1 &&
           per_[0] == ::llmgateway::config::v1::LIMIT_DIMENSION_PEER;
  }

  const LimitMatch& match() const { return match_; }
  bool Matches(const LimitSubject& subject) const {
    return match_.Matches(subject);
  }

  // The key of the subject's counter.
  CounterKey KeyOf(LimitSubject& subject) const;
  // What a counter is kept with, for operators: the subject's texts, cut where
  // they are long.
  std::string SubjectText(const LimitSubject& subject) const;
  // The same by the names of dimensions; empty if all calls share one counter.
  std::vector<std::pair<std::string_view, std::string>> SplitSubject(
      std::string_view text) const;
  // Names of what it tells calls apart by, such as `caller, model`; empty if it
  // does not. For messages, which name nobody.
  std::string DimensionNames() const;

  // What the subject's counter is called where replicas share it: the same in
  // all of them, and not to be found again for other texts.
  SharedCounterName SharedNameOf(const LimitSubject& subject) const;

  LimitCounters& counters() const { return *counters_; }
  const std::shared_ptr<LimitCounters>& shared_counters() const {
    return counters_;
  }

 private:
  // What it counts, for all subjects.
  std::string seed_text_;
  CounterKey seed_;
  std::string name_;
  LimitUnit unit_;
  Gcra gcra_;
  std::string limit_text_;
  std::string policy_text_;
  bool observes_;
  bool is_of_target_;
  ::llmgateway::config::v1::RateLimit::Sharing sharing_;
  std::vector<LimitDimension> per_;  // In the order of their numbers.
  LimitMatch match_;
  std::shared_ptr<LimitCounters> counters_;
};

// The name of a dimension or unit as the configuration writes it, such as
// `caller` or `input_tokens`.
std::string_view LimitDimensionName(LimitDimension dimension);
std::string_view LimitUnitName(LimitUnit unit);

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_RULE_H_
