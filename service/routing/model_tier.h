// ModelTiers finds the tier of a model: the one that is asked for by name, or
// the first, in configured order, whose text the model's name contains.
//
//   const ModelTiers tiers({{.tier = "fast"},
//                           {.tier = "opus", .contains = "opus"}});
//   tiers.TierOf("tier:Fast");        // "fast"
//   tiers.TierOf("claude-opus-4-1");  // "opus"
//   tiers.TierOf("some-model");       // None.
//
// Letters of ASCII are compared without case, and tiers are told in lower case.
//
// Thread contract: immutable.

#ifndef SERVICE_ROUTING_MODEL_TIER_H_
#define SERVICE_ROUTING_MODEL_TIER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "service/routing/phrase_set.h"

namespace gateway {

struct ModelTierRule {
  std::string tier;
  // What names of the tier's models contain; empty for a tier that is only
  // asked for by its name.
  std::string contains;
};

class ModelTiers {
 public:
  explicit ModelTiers(absl::Span<const ModelTierRule> rules);

  // Returns the tier of a model; of a name `tier:x` it is x, and nothing else,
  // if a rule is of that tier. Lives as long as this object. Allocates nothing.
  std::optional<std::string_view> TierOf(std::string_view model) const;

  // Returns the tier that a name of the form `tier:x` asks for, as written, be
  // there such a tier or not; none of other names.
  static std::optional<std::string_view> NamedTier(std::string_view model);

 private:
  std::vector<std::string> tiers_;  // By rule, in lower case.
  PhraseSet contained_;             // By rule, too.
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_MODEL_TIER_H_
