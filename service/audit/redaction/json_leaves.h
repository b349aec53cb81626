// JsonLeaves finds what a text of JSON says: its strings, numbers and names of
// members, each with its place; and the values that paths name, whole.
//
//   JsonLeaves leaves(paths);
//   leaves.Scan(body, 0, body.size());
//   for (const JsonLeaf& leaf : leaves.found()) ...
//
// It takes any text, and what it takes says all that the text does: several
// values behind each other, a value that is cut off, and what is no JSON, which
// is one leaf from there to the end. One walk, without recursion.
//
// Thread-compatible.

#ifndef SERVICE_AUDIT_REDACTION_JSON_LEAVES_H_
#define SERVICE_AUDIT_REDACTION_JSON_LEAVES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "service/audit/redaction/json_path.h"

namespace gateway {

struct JsonLeaf {
  enum class Kind : uint8_t {
    kString,  // With its quotes; the closing one may be cut off.
    kScalar,  // A number, true, false or null.
    kName,    // Of a member, with its quotes.
    kNamed,   // A value of any kind that a path names.
    kPlain,   // What is no JSON.
  };
  size_t begin = 0;
  size_t end = 0;
  Kind kind = Kind::kPlain;
  bool closed = true;  // Of a string or name: its quote is there.
  // The same for values that several texts have in the same place, such as the
  // pieces of a stream: the names on the way there, the numbers of elements,
  // and of what has an `index`, that. 0 for what stands alone.
  uint64_t place = 0;
  // The same for texts of one name in elements of one array, such as the parts
  // of a message, and for elements that are texts. 0 if it is in none.
  uint64_t row = 0;
};

class JsonLeaves {
 public:
  // Deeper than that is no JSON.
  static constexpr size_t kDepthMax = 256;

  // Borrows the paths.
  explicit JsonLeaves(absl::Span<const JsonPath> paths) : paths_(paths) {}

  // Adds what stands in text[begin, end).
  void Scan(std::string_view text, size_t begin, size_t end);
  // Adds text[begin, end) as no JSON.
  void AddPlain(size_t begin, size_t end);

  // In the order of the texts, without overlap.
  const std::vector<JsonLeaf>& found() const { return leaves_; }

 private:
  enum class Expects : uint8_t { kValue, kName, kColon, kComma };
  // An object or array that is open.
  struct Level {
    bool is_object = false;
    bool is_named = false;
    size_t begin = 0;
    uint64_t place = 0;    // Its own.
    uint64_t index = 0;    // What its member `index` says.
    uint64_t element = 0;  // The number of its next element.
    // Of its member whose value comes next.
    uint64_t member = 0;
    bool member_is_index = false;
    size_t paths = 0;  // Where its places in the paths begin.
  };

  // Each reads what is at at_; false if it is no JSON.
  bool Step();
  bool StepInto(bool is_object);
  bool StepOut(bool is_object);
  bool TakeString();
  bool TakeScalar();

  void TakeName(const JsonLeaf& name);
  // Sets the places of the value that comes next, in next_paths_, and returns
  // it.
  uint64_t NextPlace();
  // The row of the value whose place NextPlace has returned.
  uint64_t RowOfNext() const;
  bool IsNamed() const;
  void TakeValue(JsonLeaf leaf, uint64_t place, bool named);
  // A value has ended.
  void EndValue();
  void Add(const JsonLeaf& leaf);

  const absl::Span<const JsonPath> paths_;
  std::vector<JsonLeaf> leaves_;

  // Of the text that is scanned.
  std::string_view text_;
  size_t at_ = 0;
  Expects expects_ = Expects::kValue;
  std::vector<Level> levels_;
  // For each level, a place for each path.
  std::vector<JsonPath::Place> path_places_;
  std::vector<JsonPath::Place> next_paths_;
  size_t named_level_ = 0;  // The level, from 1, that is named; 0 if none is.
  std::string name_;        // Unescaped, for the paths.
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_JSON_LEAVES_H_
