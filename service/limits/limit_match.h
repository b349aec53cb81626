// LimitMatch is which calls a limit is for, made ready to be asked of each
// call. Names without a `*` are looked up, the others tried one after the
// other.
//
// Thread contract: immutable.

#ifndef SERVICE_LIMITS_LIMIT_MATCH_H_
#define SERVICE_LIMITS_LIMIT_MATCH_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/limits/limit_subject.h"

namespace gateway {

// Texts in which `*` stands for any text. Empty, it matches everything.
class TextPatterns {
 public:
  explicit TextPatterns(
      const google::protobuf::RepeatedPtrField<std::string>& patterns);

  bool empty() const { return empty_; }
  bool Matches(std::string_view text) const {
    return empty_ || MatchesOne(text);
  }

  // Those without a `*`.
  const absl::flat_hash_set<std::string>& exact() const { return exact_; }
  bool has_globs() const { return !globs_.empty(); }

 private:
  bool MatchesOne(std::string_view text) const;

  const bool empty_;
  absl::flat_hash_set<std::string> exact_;
  std::vector<std::string> globs_;
};

class LimitMatch {
 public:
  explicit LimitMatch(const ::llmgateway::config::v1::LimitMatch& match);

  bool Matches(const LimitSubject& subject) const {
    return matches_all_ || MatchesEach(subject);
  }

  // Whether it asks for what is known of a target only.
  bool names_target() const { return !models_.empty() || !providers_.empty(); }
  const TextPatterns& callers() const { return callers_; }

 private:
  bool MatchesEach(const LimitSubject& subject) const;

  const bool matches_all_;
  TextPatterns callers_;
  TextPatterns owners_;
  TextPatterns models_;
  TextPatterns providers_;
  TextPatterns apis_;
  std::vector<std::pair<std::string, std::string>> labels_;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_MATCH_H_
