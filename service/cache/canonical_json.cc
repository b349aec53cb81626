#include "service/cache/canonical_json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

using Length = uint32_t;
// A text's letter and length.
constexpr size_t kTextHeadBytes = 1 + sizeof(Length);

// A member's form, from its key on.
struct Member {
  size_t begin = 0;
  size_t key_bytes = 0;
  size_t end = 0;
};

// Bytes that are written at its end, without a look at each whether there is
// room: it is made beforehand.
class FormBuffer {
 public:
  void Clear() { size_ = 0; }

  // Makes room for so many more.
  void Reserve(size_t bytes) {
    if (bytes > capacity_ - size_) Grow(bytes);
  }
  // REQUIRES, of what writes: there is room.
  void Put(char c) { bytes_[size_++] = c; }
  void Put(std::string_view text) {
    std::memcpy(bytes_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  template <typename Number>
  void PutNumber(Number number) {
    PutNumberAt(size_, number);
    size_ += sizeof(number);
  }
  template <typename Number>
  void PutNumberAt(size_t at, Number number) {
    std::memcpy(bytes_.get() + at, &number, sizeof(number));
  }

  char* At(size_t at) { return bytes_.get() + at; }
  std::string_view Range(size_t begin, size_t size) const {
    return {bytes_.get() + begin, size};
  }
  size_t size() const { return size_; }
  void Truncate(size_t size) { size_ = size; }

  size_t capacity() const { return capacity_; }

 private:
  [[gnu::noinline]] void Grow(size_t bytes) {
    capacity_ = std::max(2 * capacity_, size_ + bytes);
    std::unique_ptr<char[]> larger(new char[capacity_]);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// The form, the members of the objects around what is being read, and room to
// put them in order. Kept by the thread, for the next text.
struct Scratch {
  FormBuffer form;
  std::vector<Member> members;
  FormBuffer ordered;
};

// What a thread keeps of each.
constexpr size_t kScratchBytesKept = 256 * 1024;

Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
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
bool AppendNumber(std::string_view token, FormBuffer* form) {
  bool negative = token.front() == '-';
  if (negative) token.remove_prefix(1);
  int64_t exponent = 0;
  const size_t e = std::min(token.find_first_of("eE"), token.size());
  if (e < token.size() && !ReadExponent(token.substr(e + 1), &exponent)) {
    return false;
  }
  token = token.substr(0, e);
  const size_t dot = std::min(token.find('.'), token.size());
  const std::string_view fraction =
      token.substr(std::min(dot + 1, token.size()));
  exponent -= static_cast<int64_t>(fraction.size());
  form->Reserve(kTextHeadBytes + token.size() + 1 + sizeof(exponent));
  form->Put(kNumber);
  const size_t head = form->size();
  form->PutNumber(Length{0});
  const size_t begin = form->size();
  // Zeros in front are not written, as those of 0.001.
  for (const std::string_view part : {token.substr(0, dot), fraction}) {
    const bool is_first = form->size() == begin;
    const size_t zeros =
        is_first ? std::min(part.find_first_not_of('0'), part.size()) : 0;
    form->Put(part.substr(zeros));
  }
  size_t end = form->size();
  while (end > begin && *form->At(end - 1) == '0') --end;
  exponent += static_cast<int64_t>(form->size() - end);
  form->Truncate(end);
  if (end == begin) {
    negative = false;
    exponent = 0;
  }
  form->Put(negative ? '-' : '+');
  form->PutNumber(exponent);
  form->PutNumberAt(head, static_cast<Length>(form->size() - begin));
  return true;
}

// Reads one text.
class Reader {
 public:
  Reader(std::string_view json, absl::Span<const std::string_view> left_out,
         Scratch& scratch, WatchedMember* watched)
      : at_(json.data()),
        end_(json.data() + json.size()),
        left_out_(left_out),
        watched_(watched),
        scratch_(scratch),
        out_(scratch.form) {}

  bool ReadRoot() {
    scratch_.members.clear();
    out_.Clear();
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
    PutLetter(letter);
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
    out_.Reserve(kTextHeadBytes + inside.size());
    out_.Put(letter);
    const size_t head = out_.size();
    out_.PutNumber(static_cast<Length>(inside.size()));
    if (!has_escapes) {
      out_.Put(inside);
      return true;
    }
    const size_t begin = out_.size();
    const char* const written = UnescapeJson(inside, out_.At(begin));
    if (written == nullptr) return false;
    const size_t size = written - out_.At(begin);
    out_.PutNumberAt(head, static_cast<Length>(size));
    out_.Truncate(begin + size);
    return true;
  }

  void PutLetter(char letter) {
    out_.Reserve(1);
    out_.Put(letter);
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
    PutLetter(kArray);
    bool failed = false;
    for (bool first = true; Advance(']', first, &failed); first = false) {
      if (!ReadValue(depth)) return false;
    }
    PutLetter(kEnd);
    return !failed;
  }

  bool ReadObject(int depth) {
    ++at_;
    PutLetter(kObject);
    const size_t first_member = scratch_.members.size();
    bool failed = false;
    for (bool first = true; Advance('}', first, &failed); first = false) {
      if (!ReadMember(depth)) return false;
    }
    if (failed || !PutInOrder(first_member)) return false;
    scratch_.members.resize(first_member);
    PutLetter(kEnd);
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
    if (depth == 1) {
      if (watched_ != nullptr && KeyOf(member) == watched_->name) {
        Watch(*out_.At(member.begin + kTextHeadBytes + member.key_bytes));
      }
      if (IsLeftOut(KeyOf(member))) {
        out_.Truncate(member.begin);
        return true;
      }
    }
    member.end = out_.size();
    scratch_.members.push_back(member);
    return true;
  }

  // Keeps the watched value, by its letter.
  void Watch(char letter) {
    using Value = WatchedMember::Value;
    watched_->value = letter == kTrue    ? Value::kTrue
                      : letter == kFalse ? Value::kFalse
                                         : Value::kOther;
  }

  std::string_view KeyOf(const Member& member) const {
    return out_.Range(member.begin + kTextHeadBytes, member.key_bytes);
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
    FormBuffer& ordered = scratch_.ordered;
    ordered.Clear();
    ordered.Reserve(out_.size() - begin);
    for (auto member = first; member != last; ++member) {
      ordered.Put(out_.Range(member->begin, member->end - member->begin));
    }
    std::memcpy(out_.At(begin), ordered.At(0), ordered.size());
    return true;
  }

  const char* at_;
  const char* const end_;
  const absl::Span<const std::string_view> left_out_;
  WatchedMember* const watched_;
  Scratch& scratch_;
  FormBuffer& out_;
};

}  // namespace

bool AppendCanonicalJson(std::string_view json,
                         absl::Span<const std::string_view> left_out,
                         std::string* out, WatchedMember* watched) {
  if (json.size() > std::numeric_limits<Length>::max()) return false;
  Scratch& scratch = ThreadScratch();
  const bool read = Reader(json, left_out, scratch, watched).ReadRoot();
  if (read) out->append(scratch.form.Range(0, scratch.form.size()));
  for (FormBuffer* const buffer : {&scratch.form, &scratch.ordered}) {
    if (buffer->capacity() > kScratchBytesKept) *buffer = {};
  }
  if (scratch.members.capacity() * sizeof(Member) > kScratchBytesKept) {
    scratch.members = {};
  }
  return read;
}

}  // namespace gateway
