#include "base/text/json_grammar.h"

#include <cctype>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/json_token.h"

namespace gateway {
namespace {

// Walks a text and says whether it is one JSON value.
class GrammarCheck {
 public:
  GrammarCheck(std::string_view text, int depth_limit)
      : at_(text.data()),
        end_(text.data() + text.size()),
        depth_limit_(depth_limit) {}

  // Returns nullptr if the text is one JSON value, otherwise what is wrong.
  const char* Run() {
    const char* wrong = Value();
    if (wrong != nullptr) return wrong;
    SkipSpace();
    return at_ == end_ ? nullptr : "something follows the end";
  }

 private:
  // Reads one value. Its recursion is bounded by depth_limit_.
  const char* Value() {
    SkipSpace();
    if (at_ == end_) return "it ends early";
    switch (*at_) {
      case '{':
        return Members('}', true);
      case '[':
        return Members(']', false);
      case '"':
        return Text();
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  const char* Members(char close, bool keyed) {
    if (++depth_ > depth_limit_) return "nested too deep";
    ++at_;
    SkipSpace();
    if (at_ != end_ && *at_ == close) {
      ++at_;
      --depth_;
      return nullptr;
    }
    while (true) {
      if (keyed) {
        SkipSpace();
        if (at_ == end_ || *at_ != '"') return "a key is missing";
        if (const char* wrong = Text()) return wrong;
        SkipSpace();
        if (at_ == end_ || *at_ != ':') return "a colon is missing";
        ++at_;
      }
      if (const char* wrong = Value()) return wrong;
      SkipSpace();
      if (at_ == end_) return "it ends early";
      const char c = *at_++;
      if (c == close) break;
      if (c != ',') return "a comma is missing";
    }
    --depth_;
    return nullptr;
  }

  const char* Text() {
    for (++at_;; ++at_) {
      at_ = FindJsonSpecial(at_, end_);
      if (at_ == end_) return "a string does not end";
      if (*at_ == '"') {
        ++at_;
        return nullptr;
      }
      if (*at_ != '\\') return "a control character inside a string";
      if (!Escape()) return "a bad escape in a string";
    }
  }

  bool Escape() {
    if (++at_ == end_) return false;
    if (*at_ != 'u') return std::strchr("\"\\/bfnrt", *at_) && *at_ != '\0';
    for (int i = 0; i < 4; ++i) {
      if (++at_ == end_) return false;
      if (std::isxdigit(static_cast<unsigned char>(*at_)) == 0) return false;
    }
    return true;
  }

  const char* Word(std::string_view word) {
    if (std::string_view(at_, end_ - at_).substr(0, word.size()) != word) {
      return "an unknown word";
    }
    at_ += word.size();
    return nullptr;
  }

  const char* Number() {
    const char first = *at_;
    at_ = SkipJsonNumber(at_, end_);
    if (at_ != nullptr) return nullptr;
    return first == '-' || (first >= '0' && first <= '9') ? "a bad number"
                                                          : "a bad value";
  }

  void SkipSpace() { at_ = SkipJsonSpace(at_, end_); }

  const char* at_;
  const char* end_;
  int depth_limit_;
  int depth_ = 0;
};

}  // namespace

absl::Status CheckJson(std::string_view text, int depth_limit) {
  const char* wrong = GrammarCheck(text, depth_limit).Run();
  if (wrong == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("malformed JSON: ", wrong));
}

}  // namespace gateway
