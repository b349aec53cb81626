#include "service/audit/redaction/json_leaves.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "base/string_view.h"
#include "base/text/json_token.h"
#include "base/text/unescaped_text.h"

namespace gateway {
namespace {

// Of all that stands at the root, and of the elements of an array there, which
// are a stream's pieces in some formats.
constexpr uint64_t kRootPlace = 1;

// Of what stands in elements of the same array, in place of their numbers.
constexpr uint64_t kAnyElement = 0x9e3779b97f4a7c15;

uint64_t PlaceOf(uint64_t outer, uint64_t inner) {
  return absl::HashOf(outer, inner) | 1;
}

// Whether the member tells apart what pieces belong to: `index`,
// `output_index`, `choiceIndex`.
bool TellsIndex(std::string_view name) {
  return name == "index" || name.ends_with("_index") || name.ends_with("Index");
}

// Whether it can stand without quotes. Also what others write, as NaN.
bool IsScalarText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
           c == '+' || c == '.' || c == '_';
  });
}

}  // namespace

void JsonLeaves::AddPlain(size_t begin, size_t end) {
  if (begin < end) leaves_.push_back({.begin = begin, .end = end});
}

void JsonLeaves::Add(const JsonLeaf& leaf) {
  if (named_level_ == 0) leaves_.push_back(leaf);
}

void JsonLeaves::Scan(std::string_view text, size_t begin, size_t end) {
  const size_t first = leaves_.size();
  text_ = text.substr(0, end);
  at_ = begin;
  expects_ = Expects::kValue;
  levels_.clear();
  path_places_.clear();
  named_level_ = 0;
  while (true) {
    const char* const next =
        SkipJsonSpace(text_.data() + at_, text_.data() + end);
    at_ = static_cast<size_t>(next - text_.data());
    if (at_ == end) break;
    if (Step()) continue;
    // What a scalar before it belongs to is not known either.
    size_t plain = at_;
    if (leaves_.size() > first &&
        leaves_.back().kind == JsonLeaf::Kind::kScalar) {
      plain = leaves_.back().begin;
      leaves_.pop_back();
    }
    if (named_level_ == 0) AddPlain(plain, end);
    break;
  }
  // A value that a path names, and that does not end.
  if (named_level_ != 0) {
    const size_t named = levels_[named_level_ - 1].begin;
    leaves_.push_back({.begin = named,
                       .end = end,
                       .kind = JsonLeaf::Kind::kNamed,
                       .closed = false});
  }
}

bool JsonLeaves::Step() {
  const char c = text_[at_];
  switch (expects_) {
    case Expects::kColon:
      if (c != ':') return false;
      ++at_;
      expects_ = Expects::kValue;
      return true;
    case Expects::kComma:
      if (c == '}' || c == ']') return StepOut(c == '}');
      if (c != ',') return false;
      ++at_;
      expects_ = levels_.back().is_object ? Expects::kName : Expects::kValue;
      return true;
    case Expects::kName:
      if (c == '}') return StepOut(/*is_object=*/true);
      return c == '"' && TakeString();
    case Expects::kValue:
      if (c == '{' || c == '[') return StepInto(c == '{');
      if (c == ']' && !levels_.empty()) return StepOut(/*is_object=*/false);
      if (c == '"') return TakeString();
      return TakeScalar();
  }
  return false;
}

uint64_t JsonLeaves::NextPlace() {
  next_paths_.clear();
  if (levels_.empty()) {
    for (const JsonPath& path : paths_) next_paths_.push_back(path.Root());
    return kRootPlace;
  }
  Level& level = levels_.back();
  for (size_t i = 0; i < paths_.size(); ++i) {
    const JsonPath::Place outer = path_places_[level.paths + i];
    next_paths_.push_back(level.is_object ? paths_[i].Into(outer, name_)
                                          : paths_[i].Into(outer));
  }
  if (level.is_object) {
    return PlaceOf(PlaceOf(level.place, level.index), level.member);
  }
  const uint64_t element = level.element++;
  return levels_.size() == 1 ? kRootPlace : PlaceOf(level.place, element);
}

uint64_t JsonLeaves::RowOfNext() const {
  if (levels_.empty()) return 0;
  const Level& level = levels_.back();
  if (!level.is_object) return PlaceOf(level.place, kAnyElement);
  if (levels_.size() < 2 || levels_[levels_.size() - 2].is_object) return 0;
  const Level& array = levels_[levels_.size() - 2];
  return PlaceOf(PlaceOf(array.place, kAnyElement), level.member);
}

bool JsonLeaves::IsNamed() const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i].Names(next_paths_[i])) return true;
  }
  return false;
}

bool JsonLeaves::StepInto(bool is_object) {
  if (levels_.size() == kDepthMax) return false;
  const uint64_t place = NextPlace();
  const size_t paths = path_places_.size();
  path_places_.insert(path_places_.end(), next_paths_.begin(),
                      next_paths_.end());
  levels_.push_back(
      {.is_object = is_object, .begin = at_, .place = place, .paths = paths});
  if (named_level_ == 0 && IsNamed()) named_level_ = levels_.size();
  ++at_;
  expects_ = is_object ? Expects::kName : Expects::kValue;
  return true;
}

bool JsonLeaves::StepOut(bool is_object) {
  if (levels_.empty() || levels_.back().is_object != is_object) return false;
  ++at_;
  const Level level = levels_.back();
  if (named_level_ == levels_.size()) {
    named_level_ = 0;
    Add({.begin = level.begin, .end = at_, .kind = JsonLeaf::Kind::kNamed});
  }
  path_places_.resize(level.paths);
  levels_.pop_back();
  EndValue();
  return true;
}

void JsonLeaves::EndValue() {
  // Behind a value at the root may come another.
  expects_ = levels_.empty() ? Expects::kValue : Expects::kComma;
}

bool JsonLeaves::TakeString() {
  JsonLeaf leaf{.begin = at_, .kind = JsonLeaf::Kind::kString};
  size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"') {
    end += text_[end] == '\\' ? 2 : 1;
  }
  leaf.closed = end < text_.size();
  leaf.end = leaf.closed ? end + 1 : text_.size();
  at_ = leaf.end;
  if (expects_ == Expects::kName) {
    leaf.kind = JsonLeaf::Kind::kName;
    TakeName(leaf);
    return true;
  }
  const uint64_t place = NextPlace();
  TakeValue(leaf, place, IsNamed());
  return true;
}

void JsonLeaves::TakeName(const JsonLeaf& name) {
  const size_t quotes = name.closed ? 2 : 1;
  name_.clear();
  AppendUnescapedJson(
      text_.substr(name.begin + 1, name.end - name.begin - quotes), &name_);
  Level& level = levels_.back();
  level.member = absl::HashOf(name_);
  level.member_is_index = TellsIndex(name_);
  Add(name);
  expects_ = Expects::kColon;
}

bool JsonLeaves::TakeScalar() {
  size_t end = at_;
  while (end < text_.size() && !IsJsonDelimiter(text_[end])) ++end;
  const std::string_view scalar = text_.substr(at_, end - at_);
  // At the root stands what is read as a whole.
  if (!IsScalarText(scalar) || levels_.empty()) return false;
  const bool is_index =
      levels_.back().is_object && levels_.back().member_is_index;
  const uint64_t place = NextPlace();
  const JsonLeaf leaf{
      .begin = at_, .end = end, .kind = JsonLeaf::Kind::kScalar};
  at_ = end;
  if (is_index) {
    Level& level = levels_.back();
    level.index = PlaceOf(PlaceOf(level.index, level.member),
                          absl::HashOf(ToAbsl(scalar)));
  }
  TakeValue(leaf, place, IsNamed());
  return true;
}

void JsonLeaves::TakeValue(JsonLeaf leaf, uint64_t place, bool named) {
  if (named) {
    leaf.kind = JsonLeaf::Kind::kNamed;
  } else if (leaf.kind == JsonLeaf::Kind::kString) {
    leaf.place = place;
    leaf.row = RowOfNext();
  }
  Add(leaf);
  EndValue();
}

}  // namespace gateway
