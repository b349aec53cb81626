#include "service/audit/redaction/body_redactor.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_escape.h"
#include "base/text/utf8.h"

namespace gateway {
namespace {

constexpr char kPathName[] = "json_path";

std::string MarkOf(std::string_view name) {
  return absl::StrCat("[redacted:", ToAbsl(name), "]");
}

std::string_view WithoutSpace(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? "" : text.substr(begin);
}

// Whether a body is server-sent events, told by its first line.
bool IsEventStream(std::string_view body) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (body.starts_with(kByteOrderMark)) {
    body.remove_prefix(kByteOrderMark.size());
  }
  body = WithoutSpace(body);
  for (const std::string_view field :
       {"data:", "event:", "id:", "retry:", ":"}) {
    if (body.starts_with(field)) return true;
  }
  return false;
}

// Whether a text may be JSON that has members or elements.
bool MayBeJson(std::string_view text) {
  text = WithoutSpace(text);
  return text.starts_with('{') || text.starts_with('[');
}

// What stands between the quotes of a string.
std::string_view InsideOf(std::string_view body, const JsonLeaf& leaf) {
  const size_t quotes = leaf.closed ? 2 : 1;
  return body.substr(leaf.begin + 1, leaf.end - leaf.begin - quotes);
}

bool IsQuoted(const JsonLeaf& leaf) {
  return leaf.kind == JsonLeaf::Kind::kString ||
         leaf.kind == JsonLeaf::Kind::kName;
}

// What a leaf says.
void AppendMeaning(std::string_view body, const JsonLeaf& leaf,
                   std::string* out) {
  if (IsQuoted(leaf)) {
    AppendUnescapedJson(InsideOf(body, leaf), out);
  } else {
    out->append(body.substr(leaf.begin, leaf.end - leaf.begin));
  }
}

// Writes what is in place of a leaf.
std::string FormOf(const JsonLeaf& leaf, std::string_view text) {
  if (leaf.kind == JsonLeaf::Kind::kPlain) return std::string(text);
  std::string form = "\"";
  AppendJsonEscaped(text, std::numeric_limits<size_t>::max(), &form);
  if (leaf.closed) form.push_back('"');
  return form;
}

}  // namespace

struct BodyRedactor::Edit {
  size_t begin = 0;
  size_t end = 0;
  std::string text;
};

absl::StatusOr<BodyRedactor> BodyRedactor::Make(
    const RedactionSettings& settings) {
  GATEWAY_ASSIGN_OR_RETURN(
      RedactionPatterns patterns,
      RedactionPatterns::Make(settings.built_in, settings.own));
  std::vector<JsonPath> paths;
  for (const std::string& text : settings.json_paths) {
    absl::StatusOr<JsonPath> path = JsonPath::Parse(text);
    if (!path.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("path ", text, " ", path.status().message()));
    }
    paths.push_back(*std::move(path));
  }
  return BodyRedactor(std::move(patterns), std::move(paths));
}

void BodyRedactor::ScanEvents(std::string_view body, JsonLeaves* leaves) const {
  constexpr std::string_view kData = "data:";
  size_t begin = 0;
  while (begin < body.size()) {
    const size_t end = std::min(body.find_first_of("\r\n", begin), body.size());
    const std::string_view line = body.substr(begin, end - begin);
    if (line.starts_with(kData) && MayBeJson(line.substr(kData.size()))) {
      leaves->Scan(body, begin + kData.size(), end);
    } else {
      leaves->AddPlain(begin, end);
    }
    begin = end + 1;
  }
}

void BodyRedactor::EditTogether(std::string_view body, size_t shown,
                                const std::vector<const JsonLeaf*>& leaves,
                                std::vector<Edit>* edits,
                                int* redactions) const {
  std::string meaning;
  std::vector<size_t> ends;
  for (const JsonLeaf* const leaf : leaves) {
    AppendMeaning(body, *leaf, &meaning);
    ends.push_back(meaning.size());
  }
  std::vector<RedactedSpan> spans;
  patterns_.Find(meaning, &spans);
  *redactions += static_cast<int>(spans.size());
  size_t next = 0;  // The first span that may reach into the leaf.
  for (size_t i = 0; i < leaves.size(); ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    JsonLeaf leaf = *leaves[i];
    if (leaf.begin >= shown) return;
    bool changed = false;
    size_t end = ends[i];
    if (leaf.end > shown) {
      // Only its beginning is shown.
      changed = true;
      leaf.closed = false;
      leaf.end = shown;
      std::string beginning;
      AppendMeaning(body, leaf, &beginning);
      end = std::min(begin + beginning.size(), ends[i]);
      leaf.end = leaves[i]->end;
    }
    std::string text;
    size_t at = begin;
    for (; next < spans.size() && spans[next].begin < end; ++next) {
      const RedactedSpan& span = spans[next];
      if (span.end <= at) continue;
      changed = true;
      if (span.begin >= at) {
        text.append(meaning, at, span.begin - at);
        text += MarkOf(span.name);
      }
      at = std::min(span.end, end);
      if (span.end > end) break;
    }
    if (!changed) continue;
    text.append(meaning, at, end - at);
    edits->push_back({leaf.begin, leaf.end, FormOf(leaf, text)});
  }
}

RedactedText BodyRedactor::Redact(std::string_view body,
                                  size_t bytes_limit) const {
  JsonLeaves leaves(paths_);
  if (IsEventStream(body)) {
    ScanEvents(body, &leaves);
  } else if (MayBeJson(body)) {
    leaves.Scan(body, 0, body.size());
  } else {
    leaves.AddPlain(0, body.size());
  }
  // What is only given to find what ends in it is left away, so that nothing of
  // it moves up into the place of what was taken out.
  const std::string_view shown = CutText(body, bytes_limit);
  RedactedText redacted;
  std::vector<Edit> edits;
  // Where the leaves of a place are in `places`.
  absl::flat_hash_map<uint64_t, size_t> known;
  std::vector<std::vector<const JsonLeaf*>> places;
  for (const JsonLeaf& leaf : leaves.found()) {
    if (leaf.kind == JsonLeaf::Kind::kNamed) {
      edits.push_back(
          {leaf.begin, leaf.end, absl::StrCat("\"", MarkOf(kPathName), "\"")});
      ++redacted.redactions;
    } else if (leaf.place == 0) {
      EditTogether(body, shown.size(), {&leaf}, &edits, &redacted.redactions);
    } else {
      const auto [place, is_new] = known.emplace(leaf.place, places.size());
      if (is_new) places.emplace_back();
      places[place->second].push_back(&leaf);
    }
  }
  for (const std::vector<const JsonLeaf*>& place : places) {
    EditTogether(body, shown.size(), place, &edits, &redacted.redactions);
  }
  std::sort(edits.begin(), edits.end(),
            [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
  size_t at = 0;
  for (const Edit& edit : edits) {
    if (edit.begin >= shown.size()) break;
    redacted.text.append(body.substr(at, edit.begin - at));
    redacted.text.append(edit.text);
    at = edit.end;
  }
  if (at < shown.size()) redacted.text.append(shown.substr(at));
  const std::string_view kept = CutText(redacted.text, bytes_limit);
  redacted.truncated =
      shown.size() < body.size() || kept.size() < redacted.text.size();
  redacted.text.resize(kept.size());
  return redacted;
}

RedactedText BodyRedactor::RedactText(std::string_view text) const {
  std::vector<RedactedSpan> spans;
  patterns_.Find(text, &spans);
  RedactedText redacted;
  size_t at = 0;
  for (const RedactedSpan& span : spans) {
    redacted.text.append(text.substr(at, span.begin - at));
    redacted.text += MarkOf(span.name);
    at = span.end;
  }
  redacted.text.append(text.substr(at));
  redacted.redactions = static_cast<int>(spans.size());
  return redacted;
}

}  // namespace gateway
