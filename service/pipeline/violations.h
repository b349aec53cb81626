// Violations collects what is wrong with a request, so that its sender hears
// of everything at once.
//
// Thread contract: one thread.

#ifndef SERVICE_PIPELINE_VIOLATIONS_H_
#define SERVICE_PIPELINE_VIOLATIONS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace gateway {

class Violations {
 public:
  // Reported; more are only counted.
  static constexpr size_t kReportedMax = 20;
  static constexpr size_t kPathBytesMax = 200;

  // A path is cut where it gets too long to be of use.
  void Add(std::string_view path, std::string_view description);

  bool empty() const { return count_ == 0; }

  // OK if there are none, else an INVALID_REQUEST that names them.
  absl::Status ToStatus() &&;

 private:
  size_t count_ = 0;
  std::vector<std::pair<std::string, std::string>> reported_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_VIOLATIONS_H_
