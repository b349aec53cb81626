#include "providers/schema/pattern.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "re2/re2.h"

namespace gateway {
namespace {

// ECMA's white space, as the inside of a class.
constexpr char kSpaces[] =
    R"(\t\n\x{b}\f\r \x{a0}\x{feff}\p{Zs}\x{2028}\x{2029})";
constexpr char kNotLineEnd[] = R"([^\n\r\x{2028}\x{2029}])";
constexpr char kAnything[] = R"([\x{0}-\x{10ffff}])";
constexpr char kNothing[] = R"([^\x{0}-\x{10ffff}])";

absl::Status Unsupported(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the pattern has ", ToAbsl(what), ", which is not supported"));
}

// Translates ECMA's syntax into RE2's.
class Translation {
 public:
  explicit Translation(std::string_view ecma) : rest_(ecma) {}

  absl::StatusOr<std::string> Run() {
    while (!rest_.empty()) GATEWAY_RETURN_IF_ERROR(Step());
    return std::move(out_);
  }

 private:
  bool Take(std::string_view prefix) {
    if (rest_.substr(0, prefix.size()) != prefix) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }

  absl::Status Step() {
    if (Take("\\")) return Escape();
    if (in_class_) {
      if (Take("]")) {
        in_class_ = false;
        out_ += ']';
      } else if (Take("[")) {
        out_ += "\\[";
      } else {
        Copy();
      }
      return absl::OkStatus();
    }
    if (Take("(?")) return Group();
    if (Take("[^]")) {
      out_ += kAnything;
    } else if (Take("[]")) {
      out_ += kNothing;
    } else if (Take("[")) {
      in_class_ = true;
      out_ += Take("^") ? "[^" : "[";
    } else if (Take(".")) {
      out_ += kNotLineEnd;
    } else {
      Copy();
    }
    return absl::OkStatus();
  }

  void Copy() {
    out_ += rest_.front();
    rest_.remove_prefix(1);
  }

  absl::Status Group() {
    for (const char* look : {"=", "!", "<=", "<!"}) {
      if (Take(look)) return Unsupported("a look ahead or behind");
    }
    out_ += Take("<") ? "(?P<" : "(?";
    return absl::OkStatus();
  }

  absl::Status Escape() {
    if (rest_.empty()) return Unsupported("a backslash at its end");
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    switch (letter) {
      case 'u':
        return CodePoint();
      case 'c':
        return Control();
      case 's':
        out_ += in_class_ ? kSpaces : absl::StrCat("[", kSpaces, "]");
        return absl::OkStatus();
      case 'S':
        out_ += in_class_ ? "\\S" : absl::StrCat("[^", kSpaces, "]");
        return absl::OkStatus();
      case '0':
        out_ += "\\x{0}";
        return absl::OkStatus();
      case 'b':
        out_ += in_class_ ? "\\x{8}" : "\\b";
        return absl::OkStatus();
      default:
        break;
    }
    constexpr std::string_view kAlike = "dDwWBtnrfvxpP";
    if (absl::ascii_isalnum(static_cast<unsigned char>(letter)) &&
        kAlike.find(letter) == std::string_view::npos) {
      return Unsupported(absl::ascii_isdigit(letter) || letter == 'k'
                             ? "a reference back"
                             : "an unknown escape");
    }
    // RE2 refuses an escape before what is not ASCII, which needs none.
    if (static_cast<unsigned char>(letter) < 0x80) out_ += '\\';
    out_ += letter;
    return absl::OkStatus();
  }

  bool TakeHex(size_t digits, uint32_t* number) {
    if (rest_.size() < digits) return false;
    for (const char c : rest_.substr(0, digits)) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
    }
    if (!absl::SimpleHexAtoi(ToAbsl(rest_.substr(0, digits)), number)) {
      return false;
    }
    rest_.remove_prefix(digits);
    return true;
  }

  absl::Status CodePoint() {
    uint32_t code = 0;
    if (Take("{")) {
      const size_t end = rest_.find('}');
      if (end > 6 || !TakeHex(end, &code)) {  // Or is not there.
        return Unsupported("an unknown escape");
      }
      rest_.remove_prefix(1);
    } else if (!TakeHex(4, &code)) {
      return Unsupported("an unknown escape");
    }
    if (code >= 0xd800 && code < 0xdc00 && Take("\\u")) {
      uint32_t low = 0;
      if (!TakeHex(4, &low) || low < 0xdc00 || low > 0xdfff) {
        return Unsupported("half a surrogate pair");
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
      return Unsupported("half a surrogate pair");
    }
    absl::StrAppend(&out_, "\\x{", absl::Hex(code), "}");
    return absl::OkStatus();
  }

  absl::Status Control() {
    if (rest_.empty() ||
        !absl::ascii_isalpha(static_cast<unsigned char>(rest_.front()))) {
      return Unsupported("an unknown escape");
    }
    absl::StrAppend(&out_, "\\x{", absl::Hex(rest_.front() & 0x1f), "}");
    rest_.remove_prefix(1);
    return absl::OkStatus();
  }

  std::string_view rest_;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

Pattern::Pattern(std::unique_ptr<const re2::RE2> program)
    : program_(std::move(program)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

absl::StatusOr<Pattern> Pattern::Compile(std::string_view ecma) {
  if (ecma.size() > kBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pattern is longer than ", kBytesMax, " bytes"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string translated,
                           Translation(ecma).Run());
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryBytesMax);
  auto program = std::make_unique<const re2::RE2>(translated, options);
  if (!program->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pattern is not supported: ", program->error()));
  }
  return Pattern(std::move(program));
}

bool Pattern::Matches(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()),
                                *program_);
}

size_t Pattern::Cost(size_t text_bytes) { return 1 + text_bytes / 16; }

size_t Pattern::CostMax(size_t text_bytes) const {
  // A visit of a state takes some 5 ns.
  return Cost(text_bytes) + text_bytes * program_->ProgramSize() / 20;
}

}  // namespace gateway
