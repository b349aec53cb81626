#include "service/routing/model_matcher.h"

#include "base/text/utf8.h"

namespace gateway {

using Rule = ::llmgateway::config::v1::ModelRule;

ModelMatcher::ModelMatcher(const Rule& rule) {
  switch (rule.match_case()) {
    case Rule::kPrefix:
      kind_ = Kind::kPrefix;
      text_ = rule.prefix();
      return;
    case Rule::kGlob:
      kind_ = Kind::kGlob;
      text_ = rule.glob();
      return;
    case Rule::kAlias:
      kind_ = Kind::kExact;
      text_ = rule.alias();
      return;
    case Rule::kExact:
    case Rule::MATCH_NOT_SET:
      kind_ = Kind::kExact;
      text_ = rule.exact();
      return;
  }
}

bool ModelMatcher::Matches(std::string_view model) const {
  switch (kind_) {
    case Kind::kExact:
      return model == text_;
    case Kind::kPrefix:
      return model.substr(0, text_.size()) == text_;
    case Kind::kGlob:
      return MatchesGlob(text_, model);
  }
  return false;
}

bool MatchesGlob(std::string_view glob, std::string_view text) {
  size_t g = 0;
  size_t t = 0;
  // Where the last star stood, and up to where in the text it reaches.
  size_t star = std::string_view::npos;
  size_t taken = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      taken = t;
    } else if (g < glob.size() && glob[g] == '?') {
      ++g;
      t = NextCharacter(text, t + 1);
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace gateway
