#include "providers/dialects/media_fields.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/text/json_token.h"

namespace gateway {
namespace {

// Of strings, escapes in them and bytes outside of them: what a text of more
// says would have no room in a model, and to go through it would hold up the
// loop. So many take some milliseconds at most.
constexpr int kStepsMax = 512 * 1024;
// In a row.
constexpr ptrdiff_t kSpacesMax = 1024;

// As a vendor's own reader, which looks for it near the beginning.
constexpr size_t kHeadOfDataUrlMax = 256;

bool IsDataUrl(std::string_view inside) {
  return inside.starts_with("data:") &&
         inside.substr(0, kHeadOfDataUrlMax).find(";base64,") !=
             std::string_view::npos;
}

// A field that may still be found, and the names from here on.
struct Way {
  const MediaField* field;
  std::string_view rest;
};

// Those that lead on from one place.
class Ways {
 public:
  void Add(Way way) { ways_[size_++] = way; }

  // Adds those of `ways` that go through the field `name`.
  void AddThrough(std::string_view name, const Ways& ways) {
    if (name.find('.') != std::string_view::npos) return;  // It is two names.
    for (const Way& way : ways) {
      // One that has arrived leads nowhere, not even through `""`.
      if (way.rest.empty() || !way.rest.starts_with(name)) continue;
      const std::string_view rest = way.rest.substr(name.size());
      if (rest.empty()) {
        Add({way.field, rest});
      } else if (rest.front() == '.') {
        Add({way.field, rest.substr(1)});
      }
    }
  }

  const Way* begin() const { return ways_.data(); }
  const Way* end() const { return ways_.data() + size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::array<Way, kMediaFieldsMax> ways_;  // Of which `size_` are set.
  size_t size_ = 0;
};

class MediaSearch {
 public:
  explicit MediaSearch(const char* end) : end_(end) {}

  // Searches a value; returns the place behind it, null if it is malformed.
  // Goes no deeper than the ways have names.
  const char* SearchValue(const char* at, const Ways& ways) {
    at = SkipSpace(at);
    if (at == end_ || ways.empty()) return SkipValue(at);
    if (*at == '{') return SearchObject(at + 1, ways);
    if (*at == '[') return SearchList(at + 1, ways);
    return SkipValue(at);
  }

  std::vector<std::string_view> TakeMedia() && { return std::move(media_); }

 private:
  // Of the fields of one object, what is found before its `type` is known.
  struct Candidate {
    std::string_view inside;
    const MediaField* field;
  };
  // What an object's `type` says, as far as every reader would agree.
  struct TypeField {
    std::string_view inside;
    int names = 0;  // That may be `type`.
  };

  const char* SearchList(const char* at, const Ways& ways) {
    at = SkipSpace(at);
    if (at != end_ && *at == ']') return at + 1;
    while (at != end_ && ++steps_ <= kStepsMax) {
      at = SkipSpace(at);
      at = at != end_ && *at == '[' ? SkipValue(at)
                                    : SearchValue(at, ways);
      if (at == nullptr) return nullptr;
      at = SkipSpace(at);
      if (at == end_) return nullptr;
      if (*at == ']') return at + 1;
      if (*at != ',') return nullptr;
      ++at;
    }
    return nullptr;
  }

  const char* SearchObject(const char* at, const Ways& ways) {
    std::vector<Candidate> candidates;
    TypeField told;
    at = SkipSpace(at);
    if (at != end_ && *at == '}') return at + 1;
    while (at != end_ && ++steps_ <= kStepsMax) {
      at = SearchField(at, ways, &candidates, &told);
      if (at == nullptr) break;
      at = SkipSpace(at);
      if (at == end_ || *at != ',') break;
      ++at;
    }
    for (const Candidate& candidate : candidates) {
      const std::string_view type = candidate.field->type;
      if (type.empty() || (told.names == 1 && told.inside == type)) {
        media_.push_back(candidate.inside);
      }
    }
    return at != nullptr && at != end_ && *at == '}' ? at + 1 : nullptr;
  }

  // From a field's name to behind its value.
  const char* SearchField(const char* at, const Ways& ways,
                          std::vector<Candidate>* candidates, TypeField* told) {
    std::string_view name;
    bool has_escapes = false;
    at = ReadString(at, &name, &has_escapes);
    if (at == nullptr) return nullptr;
    const bool is_type = name == "type";
    if (is_type || has_escapes) ++told->names;
    at = SkipSpace(at);
    if (at == end_ || *at != ':') return nullptr;
    at = SkipSpace(at + 1);
    Ways through;
    through.AddThrough(name, ways);
    if (at == end_ || *at != '"' || (through.empty() && !is_type)) {
      return SearchValue(at, through);
    }
    std::string_view inside;
    at = ReadString(at, &inside, &has_escapes);
    if (at == nullptr) return nullptr;
    if (is_type) told->inside = inside;
    for (const Way& way : through) {
      if (!way.rest.empty()) continue;
      if (way.field->is_data_url && !IsDataUrl(inside)) continue;
      candidates->push_back({inside, way.field});
      break;
    }
    return at;
  }

  // From an opening quote to behind the closing one.
  const char* ReadString(const char* at, std::string_view* inside,
                         bool* has_escapes) {
    at = SkipSpace(at);
    if (at == end_ || *at != '"') return nullptr;
    const char* const begin = at + 1;
    at = SkipString(begin, has_escapes);
    if (at == nullptr) return nullptr;
    *inside = std::string_view(begin, static_cast<size_t>(at - 1 - begin));
    return at;
  }

  const char* SkipSpace(const char* at) const {
    return SkipJsonSpace(at, at + std::min(end_ - at, kSpacesMax));
  }

  // As SkipJsonString, in so many steps.
  const char* SkipString(const char* at, bool* has_escapes) {
    *has_escapes = false;
    while (++steps_ <= kStepsMax) {
      at = FindJsonSpecial(at, end_);
      if (at == end_) return nullptr;
      if (*at == '"') return at + 1;
      if (*at != '\\' || end_ - at < 2) return nullptr;
      *has_escapes = true;
      at += 2;
    }
    return nullptr;
  }

  // As SkipJsonValue, in so many steps.
  const char* SkipValue(const char* at) {
    int depth = 0;
    while (at != end_ && ++steps_ <= kStepsMax) {
      const char byte = *at;
      if (byte == '"') {
        bool has_escapes;
        at = SkipString(at + 1, &has_escapes);
        if (at == nullptr || depth == 0) return at;
        continue;
      }
      const bool closes = byte == '}' || byte == ']';
      if (depth == 0 && (closes || byte == ',' || IsJsonSpace(byte))) return at;
      ++at;
      if (byte == '{' || byte == '[') ++depth;
      if (closes && --depth == 0) return at;
    }
    return nullptr;
  }

  const char* const end_;
  int steps_ = 0;
  std::vector<std::string_view> media_;
};

}  // namespace

std::vector<std::string_view> FindMedia(std::string_view json,
                                        absl::Span<const MediaField> fields) {
  assert(fields.size() <= kMediaFieldsMax);
  if (fields.empty()) return {};
  Ways ways;
  for (const MediaField& field : fields) ways.Add({&field, field.path});
  const char* const end = json.data() + json.size();
  MediaSearch search(end);
  search.SearchValue(json.data(), ways);
  std::vector<std::string_view> media = std::move(search).TakeMedia();
  std::sort(media.begin(), media.end(),
            [](std::string_view a, std::string_view b) {
              return a.data() < b.data();
            });
  return media;
}

}  // namespace gateway
