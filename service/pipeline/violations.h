// Violations collects what is wrong with a request, so that its sender hears
// of everything at once. A FieldPath says where: it is a chain of names on the
// stack, and is written out only for a field that is at fault.
//
//   const FieldPath message("messages", 3);
//   const FieldPath part(message, "parts", 0);
//   violations.Add({part, "image"}, "sets no source");
//   // `messages[3].parts[0].image`
//
// Thread contract: one thread.

#ifndef SERVICE_PIPELINE_VIOLATIONS_H_
#define SERVICE_PIPELINE_VIOLATIONS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace gateway {

// Borrows its names and the path that it goes on from, which must outlive it.
class FieldPath {
 public:
  // A field of the request itself. Implicit, so that a name is a path.
  FieldPath(const char* name) : name_(name) {}
  FieldPath(const std::string& name) : name_(name) {}
  FieldPath(const char* name, int index) : name_(name), index_(index) {}

  // A field of what stands at `parent`, and an entry of `parent` itself.
  FieldPath(const FieldPath& parent, std::string_view name, int index = -1)
      : parent_(&parent), name_(name), index_(index) {}
  FieldPath(const FieldPath& parent, int index)
      : parent_(&parent), index_(index) {}

  // An entry of a map.
  static FieldPath OfKey(const char* name, std::string_view key) {
    FieldPath path(name);
    path.key_ = key;
    return path;
  }

  std::string ToString() const;

 private:
  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  std::optional<std::string_view> key_;
  int index_ = -1;  // Negative for what is no entry of a list.
};

class Violations {
 public:
  // Reported; more are only counted.
  static constexpr size_t kReportedMax = 20;
  static constexpr size_t kPathBytesMax = 200;

  // A path is cut where it gets too long to be of use.
  void Add(const FieldPath& path, std::string_view description);

  bool empty() const { return count_ == 0; }

  // OK if there are none, else an INVALID_REQUEST that names them.
  absl::Status ToStatus() &&;

 private:
  size_t count_ = 0;
  std::vector<std::pair<std::string, std::string>> reported_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_VIOLATIONS_H_
