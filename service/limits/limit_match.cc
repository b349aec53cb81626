#include "service/limits/limit_match.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "service/identity/star_glob.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

}  // namespace

TextPatterns::TextPatterns(
    const google::protobuf::RepeatedPtrField<std::string>& patterns)
    : empty_(patterns.empty()) {
  for (const std::string& pattern : patterns) {
    if (pattern.find('*') == std::string::npos) {
      exact_.insert(pattern);
    } else {
      globs_.push_back(pattern);
    }
  }
}

bool TextPatterns::MatchesOne(std::string_view text) const {
  if (!exact_.empty() && exact_.contains(ToAbsl(text))) return true;
  return std::any_of(globs_.begin(), globs_.end(), [&](const auto& glob) {
    return MatchesStarGlob(glob, text);
  });
}

LimitMatch::LimitMatch(const config::LimitMatch& match)
    : matches_all_(match.ByteSizeLong() == 0),
      callers_(match.callers()),
      owners_(match.owners()),
      models_(match.models()),
      providers_(match.providers()),
      apis_(match.apis()),
      labels_(match.labels().begin(), match.labels().end()) {}

bool LimitMatch::MatchesEach(const LimitSubject& subject) const {
  return callers_.Matches(subject.Text(config::LIMIT_DIMENSION_CALLER)) &&
         owners_.Matches(subject.Text(config::LIMIT_DIMENSION_OWNER)) &&
         models_.Matches(subject.Text(config::LIMIT_DIMENSION_MODEL)) &&
         providers_.Matches(subject.Text(config::LIMIT_DIMENSION_PROVIDER)) &&
         apis_.Matches(subject.Text(config::LIMIT_DIMENSION_API)) &&
         std::all_of(labels_.begin(), labels_.end(), [&](const auto& label) {
           return subject.Label(label.first) == label.second;
         });
}

}  // namespace gateway
