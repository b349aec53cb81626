// LineMembers leaves of a line of JSON only the members that are wanted:
//
//   const LineMembers members({"request_id", "status"});
//   char line[] = R"({"ts":"...","request_id":"r","peer":"p","status":"OK"})"
//                 "\n";
//   size = members.Keep(line, size);
//   // {"ts":"...","request_id":"r","status":"OK"}
//
// The first member, the line's time, always stays, and so does the order.
//
// Thread-safe.

#ifndef SERVICE_OBSERVABILITY_LINE_MEMBERS_H_
#define SERVICE_OBSERVABILITY_LINE_MEMBERS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace gateway {

class LineMembers {
 public:
  explicit LineMembers(const std::vector<std::string>& names)
      : names_(names.begin(), names.end()) {}

  // Leaves out of the line, in place, what is not wanted, and returns how long
  // it is then. REQUIRES: it is one JSON object as the access log writes it,
  // without blanks between its parts and with its line end.
  size_t Keep(char* line, size_t size) const;

 private:
  const absl::flat_hash_set<std::string> names_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LINE_MEMBERS_H_
