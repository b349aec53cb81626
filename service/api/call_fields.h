// CallFields are fields that are told of a call beside its answer, with the
// memory of their values. A dozen short ones lie in the object itself, so that
// telling them allocates nothing.
//
//   CallFields fields;
//   fields.Add("x-active-requests", 12);
//   char* out = fields.Room(kDurationBytesMax);
//   fields.AddWritten("x-took", WriteDuration(took, out));
//   for (const CallField& field : fields) Tell(field.name, field.value);
//
// Thread-compatible. What was added stays where it is as long as the object,
// which cannot be moved.

#ifndef SERVICE_API_CALL_FIELDS_H_
#define SERVICE_API_CALL_FIELDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace gateway {

struct CallField {
  std::string_view name;
  std::string_view value;
};

// Writes the text into the memory of a value, and returns the end.
inline char* WriteText(std::string_view text, char* out) {
  return out + text.copy(out, text.size());
}

class CallFields {
 public:
  CallFields() = default;
  CallFields(const CallFields&) = delete;
  CallFields& operator=(const CallFields&) = delete;

  // Adds a field with a value of its own. The name is borrowed, here and below.
  void Add(std::string_view name, std::string_view value);
  // REQUIRES: `number` is not negative.
  void Add(std::string_view name, int64_t number);

  // Adds a field whose value is borrowed, too.
  void AddBorrowed(std::string_view name, std::string_view value) {
    fields_.push_back({name, value});
  }

  // Returns memory for a value of at most so many bytes, which AddWritten then
  // makes one, from there to `end`. There is room for one at a time.
  char* Room(size_t bytes_max);
  void AddWritten(std::string_view name, const char* end);

  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }
  const CallField& operator[](size_t i) const { return fields_[i]; }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  static constexpr size_t kFields = 12;
  static constexpr size_t kTextBytes = 400;

  absl::InlinedVector<CallField, kFields> fields_;
  std::array<char, kTextBytes> text_;  // Not cleared: that would be as long.
  char* room_ = text_.data();
  size_t used_ = 0;  // Of text_.
  // Whatever there was no room for.
  std::forward_list<std::string> more_;
};

}  // namespace gateway

#endif  // SERVICE_API_CALL_FIELDS_H_
