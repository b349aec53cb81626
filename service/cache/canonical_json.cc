#include "service/cache/canonical_json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "base/text/json_grammar.h"
#include "base/text/json_token.h"

namespace gateway {
namespace {

// Begin a value, a member's key, or end an array or object.
constexpr char kNull = 'n';
constexpr char kTrue = 't';
constexpr char kFalse = 'f';
constexpr char kNumber = 'd';
constexpr char kString = 's';
constexpr char kArray = 'a';
constexpr char kObject = 'o';
constexpr char kKey = 'k';
constexpr char kEnd = 'e';

using Length = uint64_t;
// A text's letter and length.
constexpr size_t kTextHeadBytes = 1 + sizeof(Length);

// A member's form, from its key on.
struct Member {
  size_t begin = 0;
  size_t key_bytes = 0;
  size_t end = 0;
};

// The members of the objects around what is being read, and room to put them
// in order. Kept by the thread, for the next text.
struct Scratch {
  std::vector<Member> members;
  std::string ordered;
};

// What a thread keeps of it.
constexpr size_t kScratchBytesKept = 256 * 1024;

Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}

void PutLength(Length length, size_t at, std::string* out) {
  std::memcpy(out->data() + at, &length, sizeof(length));
}

// Begins a text whose length is put in by EndText.
size_t BeginText(char letter, std::string* out) {
  const size_t begin = out->size();
  out->append(kTextHeadBytes, letter);
  return begin;
}

void EndText(size_t begin, std::string* out) {
  PutLength(out->size() - begin - kTextHeadBytes, begin + 1, out);
}

bool ReadExponent(std::string_view text, int64_t* exponent) {
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  if (text.size() > kExponentDigitsMax) return false;
  int64_t number = 0;
  for (const char digit : text) number = number * 10 + (digit - '0');
  *exponent = negative ? -number : number;
  return true;
}

// Appends a well-formed number as its digits, without zeros at either end, its
// sign and the power of ten that they are to be multiplied by.
bool AppendNumber(std::string_view token, std::string* out) {
  bool negative = token.front() == '-';
  if (negative) token.remove_prefix(1);
  int64_t exponent = 0;
  const size_t e = token.find_first_of("eE");
  if (e != std::string_view::npos) {
    if (!ReadExponent(token.substr(e + 1), &exponent)) return false;
    token = token.substr(0, e);
  }
  const size_t dot = std::min(token.find('.'), token.size());
  const std::string_view fraction =
      token.substr(std::min(dot + 1, token.size()));
  const size_t begin = BeginText(kNumber, out);
  const size_t digits = out->size();
  out->append(token.substr(0, dot));
  out->append(fraction);
  exponent -= static_cast<int64_t>(fraction.size());
  const size_t last = out->find_last_not_of('0');
  // Not before `digits`: what stands there is a length.
  const size_t end =
      last == std::string::npos ? digits : std::max(last + 1, digits);
  exponent += static_cast<int64_t>(out->size() - end);
  out->resize(end);
  const size_t first = out->find_first_not_of('0', digits);
  if (first == std::string::npos) {
    out->resize(digits);
    negative = false;
    exponent = 0;
  } else {
    out->erase(digits, first - digits);
  }
  out->push_back(negative ? '-' : '+');
  out->append(reinterpret_cast<const char*>(&exponent), sizeof(exponent));
  EndText(begin, out);
  return true;
}

// Reads one text.
class Reader {
 public:
  Reader(std::string_view json, absl::Span<const std::string_view> left_out,
         std::string* out)
      : at_(json.data()),
        end_(json.data() + json.size()),
        left_out_(left_out),
        out_(*out),
        scratch_(ThreadScratch()) {}

  bool ReadRoot() {
    scratch_.members.clear();
    at_ = SkipJsonSpace(at_, end_);
    if (at_ == end_ || *at_ != '{' || !ReadObject(1)) return false;
    return SkipJsonSpace(at_, end_) == end_;
  }

 private:
  // `depth` counts the arrays and objects around the value.
  bool ReadValue(int depth) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"':
        return ReadString(kString);
      case '{':
        return depth < kJsonDepthLimit && ReadObject(depth + 1);
      case '[':
        return depth < kJsonDepthLimit && ReadArray(depth + 1);
      case 'n':
        return ReadWord("null", kNull);
      case 't':
        return ReadWord("true", kTrue);
      case 'f':
        return ReadWord("false", kFalse);
      default:
        return ReadNumber();
    }
  }

  bool ReadWord(std::string_view word, char letter) {
    if (!std::string_view(at_, end_ - at_).starts_with(word)) return false;
    at_ += word.size();
    out_.push_back(letter);
    return true;
  }

  bool ReadNumber() {
    const char* const end = SkipJsonNumber(at_, end_);
    if (end == nullptr) return false;
    const std::string_view token(at_, end - at_);
    at_ = end;
    return AppendNumber(token, &out_);
  }

  bool ReadString(char letter) {
    bool has_escapes = false;
    const char* const end = SkipJsonString(at_ + 1, end_, &has_escapes);
    if (end == nullptr) return false;
    const std::string_view inside(at_ + 1, end - at_ - 2);
    at_ = end;
    const size_t begin = BeginText(letter, &out_);
    const size_t text = out_.size();
    out_.append(inside);
    if (has_escapes) {
      // Over the copy, which is at least as long.
      const char* const written = UnescapeJson(inside, out_.data() + text);
      if (written == nullptr) return false;
      out_.resize(written - out_.data());
    }
    EndText(begin, &out_);
    return true;
  }

  // Moves to the next element or member: true if there is one, and `close`
  // has not been read. Sets `failed` for what is neither.
  bool Advance(char close, bool first, bool* failed) {
    at_ = SkipJsonSpace(at_, end_);
    if (at_ == end_) return !(*failed = true);
    if (*at_ == close) {
      ++at_;
      return false;
    }
    if (first) return true;
    if (*at_ != ',') return !(*failed = true);
    at_ = SkipJsonSpace(at_ + 1, end_);
    return true;
  }

  bool ReadArray(int depth) {
    ++at_;
    out_.push_back(kArray);
    bool failed = false;
    for (bool first = true; Advance(']', first, &failed); first = false) {
      if (!ReadValue(depth)) return false;
    }
    out_.push_back(kEnd);
    return !failed;
  }

  bool ReadObject(int depth) {
    ++at_;
    out_.push_back(kObject);
    const size_t first_member = scratch_.members.size();
    bool failed = false;
    for (bool first = true; Advance('}', first, &failed); first = false) {
      if (!ReadMember(depth)) return false;
    }
    if (failed || !PutInOrder(first_member)) return false;
    scratch_.members.resize(first_member);
    out_.push_back(kEnd);
    return true;
  }

  bool ReadMember(int depth) {
    if (at_ == end_ || *at_ != '"') return false;
    Member member;
    member.begin = out_.size();
    if (!ReadString(kKey)) return false;
    member.key_bytes = out_.size() - member.begin - kTextHeadBytes;
    at_ = SkipJsonSpace(at_, end_);
    if (at_ == end_ || *at_ != ':') return false;
    at_ = SkipJsonSpace(at_ + 1, end_);
    if (!ReadValue(depth)) return false;
    if (depth == 1 && IsLeftOut(KeyOf(member))) {
      out_.resize(member.begin);
      return true;
    }
    member.end = out_.size();
    scratch_.members.push_back(member);
    return true;
  }

  std::string_view KeyOf(const Member& member) const {
    return {out_.data() + member.begin + kTextHeadBytes, member.key_bytes};
  }

  bool IsLeftOut(std::string_view key) const {
    return std::find(left_out_.begin(), left_out_.end(), key) !=
           left_out_.end();
  }

  // Orders the members of the object that ends here by their keys. False if a
  // key is there twice.
  bool PutInOrder(size_t first_member) {
    const auto first =
        scratch_.members.begin() + static_cast<std::ptrdiff_t>(first_member);
    const auto last = scratch_.members.end();
    const auto not_before = [this](const Member& a, const Member& b) {
      return KeyOf(a) >= KeyOf(b);
    };
    // Strictly rising already, as of an object with one member.
    if (std::adjacent_find(first, last, not_before) == last) return true;
    const size_t begin = first->begin;
    std::sort(first, last, [this](const Member& a, const Member& b) {
      return KeyOf(a) < KeyOf(b);
    });
    if (std::adjacent_find(first, last, not_before) != last) return false;
    std::string& ordered = scratch_.ordered;
    ordered.clear();
    for (auto member = first; member != last; ++member) {
      ordered.append(out_, member->begin, member->end - member->begin);
    }
    std::memcpy(out_.data() + begin, ordered.data(), ordered.size());
    return true;
  }

  const char* at_;
  const char* const end_;
  const absl::Span<const std::string_view> left_out_;
  std::string& out_;
  Scratch& scratch_;
};

}  // namespace

bool AppendCanonicalJson(std::string_view json,
                         absl::Span<const std::string_view> left_out,
                         std::string* out) {
  const size_t before = out->size();
  out->reserve(before + json.size() + json.size() / 2);
  const bool read = Reader(json, left_out, out).ReadRoot();
  if (!read) out->resize(before);
  Scratch& scratch = ThreadScratch();
  if (scratch.ordered.capacity() > kScratchBytesKept) scratch.ordered = {};
  if (scratch.members.capacity() * sizeof(Member) > kScratchBytesKept) {
    scratch.members = {};
  }
  return read;
}

}  // namespace gateway
