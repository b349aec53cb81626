// BodyRules says of each call what of its bodies is kept. The first rule that
// matches counts; without one, nothing is.
//
//   BodyRules rules({{.apis = {"openai"}, .request = true}});
//   const BodyRule* rule = rules.Match({.api = "openai"});
//
// Thread contract: immutable.

#ifndef SERVICE_AUDIT_BODY_RULES_H_
#define SERVICE_AUDIT_BODY_RULES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

// Matches a call to which each list that is not empty has an entry, in which
// `*` stands for any text.
struct BodyRule {
  std::vector<std::string> routes;
  std::vector<std::string> apis;
  std::vector<std::string> callers;
  std::vector<std::string> owners;

  bool request = false;
  bool response = false;
  size_t bytes_limit = 0;  // Of each body.
};

// What rules tell calls apart by. Borrows its texts.
struct BodySubject {
  std::string_view route;
  std::string_view api;
  std::string_view caller;
  std::string_view owner;
};

class BodyRules {
 public:
  BodyRules() = default;
  explicit BodyRules(std::vector<BodyRule> rules) : rules_(std::move(rules)) {}

  // Whether nothing is kept of any call.
  bool empty() const { return rules_.empty(); }

  // Null if nothing is kept of the call. Valid as long as this object.
  const BodyRule* Match(const BodySubject& subject) const;

 private:
  std::vector<BodyRule> rules_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_BODY_RULES_H_
