#include "service/audit/body_rules.h"

#include <algorithm>

#include "service/identity/star_glob.h"

namespace gateway {
namespace {

bool IsAmong(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() ||
         std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
           return MatchesStarGlob(glob, text);
         });
}

}  // namespace

const BodyRule* BodyRules::Match(const BodySubject& subject) const {
  for (const BodyRule& rule : rules_) {
    if (!IsAmong(rule.routes, subject.route) ||
        !IsAmong(rule.apis, subject.api) ||
        !IsAmong(rule.callers, subject.caller) ||
        !IsAmong(rule.owners, subject.owner)) {
      continue;
    }
    return rule.request || rule.response ? &rule : nullptr;
  }
  return nullptr;
}

}  // namespace gateway
