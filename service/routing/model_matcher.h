// ModelMatcher is the left side of a model rule: an alias or exact name, a
// prefix, or a glob in which `*` stands for any text and `?` for one character.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_MODEL_MATCHER_H_
#define SERVICE_ROUTING_MODEL_MATCHER_H_

#include <string>
#include <string_view>

#include "llmgateway/config/v1/routing.pb.h"

namespace gateway {

class ModelMatcher {
 public:
  // REQUIRES: the rule has a match.
  explicit ModelMatcher(const llmgateway::config::v1::ModelRule& rule);

  bool Matches(std::string_view model) const;

  // The text of the rule, as configured.
  const std::string& text() const { return text_; }

 private:
  enum class Kind { kExact, kPrefix, kGlob };

  Kind kind_;
  std::string text_;
};

// Returns whether `text` matches `glob`. Takes time proportional to the product
// of their lengths at worst.
bool MatchesGlob(std::string_view glob, std::string_view text);

}  // namespace gateway

#endif  // SERVICE_ROUTING_MODEL_MATCHER_H_
