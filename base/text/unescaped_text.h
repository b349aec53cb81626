// UnescapedText is what a text says that has escapes of JSON, of URLs or, as
// numbers, of HTML, or characters that nobody sees, and knows where in the text
// each part of it stands: JSON that is written in a string of JSON hides behind
// escapes of its own what the outer string says plainly, and so does a path.
//
//   const UnescapedText inner(R"({"key":"sk\u002dabc"})");
//   inner.text();            // {"key":"sk-abc"}
//   inner.Outer(8, 14);      // {8, 19}: with the whole escape.
//   UnescapedText("sk%2Dabc").text();  // sk-abc
//
// Thread-compatible.

#ifndef BASE_TEXT_UNESCAPED_TEXT_H_
#define BASE_TEXT_UNESCAPED_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

// One escape: where it stands, and where what it says, which may be nothing.
struct JsonEscape {
  size_t outer_begin = 0;
  size_t outer_end = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Appends what stands between the quotes of a string, without its escapes. One
// that says no character stays as it is. Adds the escapes, if there is where.
void AppendUnescapedJson(std::string_view inside, std::string* out,
                         std::vector<JsonEscape>* escapes = nullptr);

class UnescapedText {
 public:
  enum class Of {
    kAll,
    kEscapes,  // Characters that nobody sees stay as they are.
  };

  explicit UnescapedText(std::string_view outer, Of of = Of::kAll);

  // Whether there may be escapes; false for most texts, at the cost of a look
  // at each byte.
  static bool MayHaveEscapes(std::string_view outer);
  // Whether there is one of Of::kEscapes: many times as fast.
  static bool HasEscapes(std::string_view outer);

  const std::string& text() const { return text_; }
  // Whether it says something else than it is.
  bool has_escapes() const { return !escapes_.empty(); }

  // Where text()[begin, end) stands. REQUIRES: begin < end.
  std::pair<size_t, size_t> Outer(size_t begin, size_t end) const;

 private:
  // The last escape that begins there or before; null if there is none.
  const JsonEscape* EscapeAt(size_t place) const;

  std::string text_;
  std::vector<JsonEscape> escapes_;  // In their order.
};

}  // namespace gateway

#endif  // BASE_TEXT_UNESCAPED_TEXT_H_
