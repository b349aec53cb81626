// JsonPath names values within JSON: the members on the way to them, with a `.`
// between, where `*` is any member or element, and `**` any number of either.
//
//   GATEWAY_ASSIGN_OR_RETURN(const JsonPath path,
//                            JsonPath::Parse("messages.*.content"));
//   JsonPath::Place place = path.Root();
//   place = path.Into(place, "messages");
//   place = path.Into(path.Into(place), "content");
//   path.Names(place)  // true
//
// A place says how far into the path one may have come, in one number: so a
// text is walked once, whatever the path.
//
// Thread contract: immutable.

#ifndef SERVICE_AUDIT_REDACTION_JSON_PATH_H_
#define SERVICE_AUDIT_REDACTION_JSON_PATH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace gateway {

class JsonPath {
 public:
  // A bit for each number of steps that may lie behind; 0 if nothing below here
  // is meant.
  using Place = uint64_t;

  static constexpr size_t kStepsMax = 32;

  // INVALID_ARGUMENT for a path with an empty step, or of none or too many.
  static absl::StatusOr<JsonPath> Parse(std::string_view path);

  Place Root() const { return Settled(1); }
  // Into a member, and into an element.
  Place Into(Place place, std::string_view member) const;
  Place Into(Place place) const;
  // Whether the value at this place is meant.
  bool Names(Place place) const { return (place >> steps_.size()) & 1; }

 private:
  struct Step {
    enum class Kind { kMember, kAny, kAnyNumber };
    Kind kind;
    std::string member;
  };

  explicit JsonPath(std::vector<Step> steps) : steps_(std::move(steps)) {}
  // With all steps of any number taken no times.
  Place Settled(Place place) const;
  template <typename Matches>
  Place Advance(Place place, Matches matches) const;

  std::vector<Step> steps_;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_JSON_PATH_H_
