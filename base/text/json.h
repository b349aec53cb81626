// JSON, read in one pass.
//
// Reading walks the text once, in order, and keeps nothing: a visitor is called
// for each field or element, takes what it knows and keeps the raw text of what
// it does not know. Keys arrive unescaped; repeated keys arrive as often as
// they are written, and what that means is the visitor's to decide. Errors name
// the place, as in `messages[0].content[1].type: expected a string`.
//
//   absl::Status status = ReadJson(body, [&](JsonValue& root) {
//     return root.EachField([&](std::string_view key, JsonValue& value)
//                               -> absl::Status {
//       if (key == "model") {
//         GATEWAY_ASSIGN_OR_RETURN(const auto text, value.String());
//         model = text;
//       } else if (key == "tools") {
//         return value.EachElement([&](JsonValue& tool) { ... });
//       } else {
//         GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
//         extensions.emplace_back(key, raw);
//       }
//       return absl::OkStatus();
//     });
//   });
//
// What is checked: the whole text is valid UTF-8, its strings and brackets
// close, nothing follows the root, and everything that was visited or taken raw
// is well formed. What is not: what else is inside of values that the visitor
// skips or takes by `RawUnchecked`, which suits bytes that are only forwarded
// and whose last word is the receiver's.
//
// Writing is in json_writer.h, which this header brings along.
//
// Thread-safe between calls: each thread has memory of its own for unescaped
// texts. Visitors must not suspend a coroutine; they may read another text.

#ifndef BASE_TEXT_JSON_H_
#define BASE_TEXT_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json_grammar.h"
#include "base/text/json_writer.h"

namespace gateway {

enum class JsonType { kNull, kBool, kNumber, kString, kArray, kObject };

// A string unescaped, and as it stands in the text, quotes included.
struct JsonString {
  std::string_view text;
  std::string_view raw;
};

class JsonText;  // A text while it is read; in json.cc.

// One value of a text that is being read. Each value is read at most once; a
// value left unread is skipped. Views are valid until ReadJson returns; those
// of raw text point into the text.
class JsonValue {
 public:
  using FieldVisitor =
      absl::FunctionRef<absl::Status(std::string_view key, JsonValue& value)>;
  using ElementVisitor = absl::FunctionRef<absl::Status(JsonValue& value)>;

  JsonValue(const JsonValue&) = delete;
  JsonValue& operator=(const JsonValue&) = delete;

  // The value's type, told by its first character. Does not read the value.
  JsonType Type() const;
  // By all of it, since a null is often passed over unread.
  bool IsNull() const { return *begin_ == 'n' && Scalar() == "null"; }
  bool IsString() const { return *begin_ == '"'; }
  bool IsArray() const { return *begin_ == '['; }
  bool IsObject() const { return *begin_ == '{'; }

  // Reads the value if it has the type; otherwise returns an error that names
  // the path. Lone surrogates are refused. A number such as 3.0 is an integer.
  absl::StatusOr<std::string_view> String();
  absl::StatusOr<JsonString> StringAndRaw();
  absl::StatusOr<bool> Bool();
  absl::StatusOr<int64_t> Int64();
  // As Int64, within [min, max].
  absl::StatusOr<int32_t> Int32(int32_t min, int32_t max);
  absl::StatusOr<double> Double();

  // Reads `null` and nothing else.
  absl::Status Null();

  // The text of the value byte for byte, without space around it.
  absl::StatusOr<std::string_view> Raw();
  // As Raw, but of what is inside only brackets and strings are known to close.
  absl::StatusOr<std::string_view> RawUnchecked();

  // Where the value begins, in the text that is read. Does not read the value.
  const char* begin() const { return begin_; }

  // As Raw, for an object or array that has been visited to its end.
  absl::StatusOr<std::string_view> VisitedRaw();

  // Visit the fields of an object or the elements of an array until a visitor
  // fails.
  absl::Status EachField(FieldVisitor visit);
  absl::Status EachElement(ElementVisitor visit);

  // An InvalidArgument that names this value, for what is wrong with it beyond
  // its type: `path: description`.
  absl::Status Error(std::string_view description) const;

  // Returns where the value is, as in `messages[0].content`; empty for the
  // root.
  std::string Path() const;

 private:
  friend class JsonText;

  // A step from the root. Steps live on the stack of the visitors.
  struct Step {
    const Step* parent = nullptr;
    // The key of an object's field; data() is null for elements.
    std::string_view key;
    size_t index = 0;  // For an array's element.
    int depth = 0;
  };

  JsonValue(JsonText& text, const Step& step, const char* begin)
      : text_(text), step_(step), begin_(begin) {}

  // The token at begin_; empty if it is none, or no number.
  std::string_view Scalar() const;
  std::string_view Number() const;
  bool ShortInteger(int64_t* number);
  // Moves the reading behind `token`, which was read.
  void Finish(std::string_view token);
  absl::Status CheckRaw(std::string_view raw) const;

  // A visit goes from behind the opening bracket, over keys, values and what
  // separates them, to behind the closing one.
  absl::Status Enter(char bracket, std::string_view expected);
  // Moves behind the value if it was left unread; false if it does not end.
  bool SkipUnread();

  // The text that is being read. Unless it has been read to there already, its
  // cursor stands at begin_.
  JsonText& text_;
  const Step& step_;
  // Where the value begins, within the text.
  const char* begin_;
  bool read_ = false;
};

// Reads `text`, whose root must be an object or an array. An error of the
// reading itself is an InvalidArgument; an error of `visit` is returned as it
// is.
absl::Status ReadJson(std::string_view text,
                      absl::FunctionRef<absl::Status(JsonValue& root)> visit);

// Reads what CPython's json reads: a lone surrogate, which String returns as
// UnescapeJsonAsPython has it, and `NaN`, `Infinity` and `-Infinity`, which are
// of the type of numbers and can be taken raw. Raw and VisitedRaw check nothing
// of what is inside.
absl::Status ReadJsonAsPython(
    std::string_view text,
    absl::FunctionRef<absl::Status(JsonValue& root)> visit);

// Bounds what visitors build of a text. While one lives, every reading on its
// thread asks `check` at least once for each kJsonVisitsPerCheck fields and
// elements that it visits, and ends with what it returns unless that is OK. One
// within another takes its place. `check` must outlive it.
class JsonVisitCheck {
 public:
  using Check = absl::FunctionRef<absl::Status()>;

  explicit JsonVisitCheck(const Check& check);
  ~JsonVisitCheck();
  JsonVisitCheck(const JsonVisitCheck&) = delete;
  JsonVisitCheck& operator=(const JsonVisitCheck&) = delete;

 private:
  const Check* const outer_;
};

inline constexpr unsigned kJsonVisitsPerCheck = 1024;

// The path that an error made here carries, as in `messages[0].content`; empty
// for errors that have none. JsonErrorDescription is the message without it.
std::string JsonErrorPath(const absl::Status& status);
std::string JsonErrorDescription(const absl::Status& status);

// Returns whether `text` is valid UTF-8.
bool IsUtf8(std::string_view text);

}  // namespace gateway

#endif  // BASE_TEXT_JSON_H_
