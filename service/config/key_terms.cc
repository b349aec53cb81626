#include "service/config/key_terms.h"

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/config/config_names.h"
#include "service/config/limits_validator.h"
#include "service/identity/caller.h"
#include "service/identity/scopes.h"

namespace gateway {
namespace {

constexpr size_t kOwnerLengthMax = 256;
// As of a call's own labels.
constexpr size_t kLabelNameLengthMax = 64;
constexpr size_t kLabelValueLengthMax = 512;

class TermsCheck {
 public:
  TermsCheck(const std::string& path, const FieldPlaces& places,
             ConfigProblems& problems)
      : path_(path), places_(places), problems_(problems) {}

  void CheckOwner(const KeyTerms& terms);
  void CheckScopes(const KeyTerms& terms);
  void CheckLabels(const KeyTerms& terms);

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  bool CheckCount(const std::string& list, int count, size_t most) {
    return gateway::CheckCount(list, static_cast<size_t>(count), most, places_,
                               &problems_);
  }

  const std::string& path_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void TermsCheck::CheckOwner(const KeyTerms& terms) {
  if (terms.owner.size() <= kOwnerLengthMax && IsPrintableText(terms.owner))
    return;
  Add(JoinPath(path_, "owner"),
      "must be at most 256 printable ASCII characters");
}

void TermsCheck::CheckScopes(const KeyTerms& terms) {
  const std::string list = JoinPath(path_, "scopes");
  if (!CheckCount(list, terms.scopes.size(), kScopesMax)) return;
  for (int i = 0; i < terms.scopes.size(); ++i) {
    const absl::Status status = CheckScope(terms.scopes[i]);
    if (status.ok()) continue;
    Add(ElementPath(list, static_cast<size_t>(i)), ToStd(status.message()));
  }
}

void TermsCheck::CheckLabels(const KeyTerms& terms) {
  const std::string map = JoinPath(path_, "labels");
  if (!CheckCount(map, static_cast<int>(terms.labels.size()),
                  kCallerLabelsMax)) {
    return;
  }
  for (const auto& [name, value] : terms.labels) {
    if (name.empty() || name.size() > kLabelNameLengthMax ||
        value.size() > kLabelValueLengthMax || !IsPrintableText(name) ||
        !IsPrintableText(value)) {
      Add(map, absl::StrCat("'", name.substr(0, kLabelNameLengthMax),
                            "' must be 1 to ", kLabelNameLengthMax,
                            " printable ASCII characters, and its value at "
                            "most ",
                            kLabelValueLengthMax));
    }
  }
}

}  // namespace

void CheckKeyTerms(const std::string& path, const KeyTerms& terms,
                   const FieldPlaces& places, ConfigProblems* problems) {
  TermsCheck check(path, places, *problems);
  check.CheckOwner(terms);
  check.CheckScopes(terms);
  check.CheckLabels(terms);
  CheckKeyLimits(JoinPath(path, "limits"), terms.limits, places, problems);
}

}  // namespace gateway
