#include "service/limits/limit_match.h"

#include <string.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// Whether the whole text matches a pattern with a star in it. The first place
// where a piece stands leaves the most to those behind it, so that no other has
// to be tried.
bool MatchesStars(std::string_view pattern, std::string_view text) {
  size_t star = pattern.find('*');
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  while ((star = pattern.find('*')) != std::string_view::npos) {
    // Linear, unlike find().
    const void* const found =
        memmem(text.data(), text.size(), pattern.data(), star);
    if (found == nullptr) return false;
    text.remove_prefix(static_cast<const char*>(found) - text.data() + star);
    pattern.remove_prefix(star + 1);
  }
  return text.ends_with(pattern);
}

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
    return MatchesStars(glob, text);
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
