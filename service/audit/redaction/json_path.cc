#include "service/audit/redaction/json_path.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"

namespace gateway {

absl::StatusOr<JsonPath> JsonPath::Parse(std::string_view path) {
  std::vector<Step> steps;
  for (const absl::string_view text : absl::StrSplit(ToAbsl(path), '.')) {
    if (text.empty()) {
      return absl::InvalidArgumentError(
          "has an empty step; write names of members with one `.` between");
    }
    if (steps.size() == kStepsMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("has more than ", kStepsMax, " steps"));
    }
    const Step::Kind kind = text == "*"    ? Step::Kind::kAny
                            : text == "**" ? Step::Kind::kAnyNumber
                                           : Step::Kind::kMember;
    steps.push_back({kind, std::string(text)});
  }
  return JsonPath(std::move(steps));
}

template <typename Matches>
JsonPath::Place JsonPath::Advance(Place place, Matches matches) const {
  Place next = 0;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (((place >> i) & 1) == 0) continue;
    switch (steps_[i].kind) {
      case Step::Kind::kAnyNumber:
        next |= Place{1} << i;
        break;
      case Step::Kind::kAny:
        next |= Place{2} << i;
        break;
      case Step::Kind::kMember:
        if (matches(steps_[i].member)) next |= Place{2} << i;
        break;
    }
  }
  return Settled(next);
}

JsonPath::Place JsonPath::Into(Place place, std::string_view member) const {
  if (place == 0) return 0;
  return Advance(place,
                 [&](const std::string& step) { return step == member; });
}

JsonPath::Place JsonPath::Into(Place place) const {
  if (place == 0) return 0;
  return Advance(place, [](const std::string&) { return false; });
}

JsonPath::Place JsonPath::Settled(Place place) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].kind == Step::Kind::kAnyNumber && ((place >> i) & 1) != 0) {
      place |= Place{2} << i;
    }
  }
  return place;
}

}  // namespace gateway
