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
#include "base/text/unescaped_text.h"
#include "base/text/utf8.h"
#include "service/audit/redaction/event_lines.h"

namespace gateway {
namespace {

constexpr char kPathName[] = "json_path";

// Of texts in a row so much is looked at on either side of where one ends and
// the next begins; longer ones are looked at by themselves.
constexpr size_t kSeamBytes = 4096;

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

// A part of what a leaf says, which is taken out.
struct BodyRedactor::LeafPart {
  size_t begin = 0;
  size_t end = 0;
  std::string_view name;
  bool told = false;
};

// What is found in leaves, by their number. What spans several is told in the
// first only.
class BodyRedactor::Findings {
 public:
  // A text that parts of several leaves make together.
  struct Text {
    struct Piece {
      size_t leaf = 0;
      size_t begin = 0;  // In what the leaf says.
      size_t at = 0;     // In the text.
    };

    void Append(size_t leaf, size_t begin, std::string_view piece) {
      pieces.push_back({.leaf = leaf, .begin = begin, .at = said.size()});
      said += piece;
    }

    std::string said;
    std::vector<Piece> pieces;
  };

  void FindIn(const Text& text, const RedactionPatterns& patterns);

  // Makes of parts that overlap one. Returns how many are told.
  int Settle();

  // In order; empty for most leaves.
  absl::Span<const LeafPart> Of(size_t leaf) const {
    const auto found = parts_.find(leaf);
    if (found == parts_.end()) return {};
    return found->second;
  }

 private:
  absl::flat_hash_map<size_t, std::vector<LeafPart>> parts_;
};

void BodyRedactor::Findings::FindIn(const Text& text,
                                    const RedactionPatterns& patterns) {
  std::vector<RedactedSpan> spans;
  patterns.Find(text.said, &spans);
  size_t next = 0;  // The first span that may reach into the piece.
  for (size_t i = 0; i < text.pieces.size() && next < spans.size(); ++i) {
    const Text::Piece& piece = text.pieces[i];
    const size_t end =
        i + 1 < text.pieces.size() ? text.pieces[i + 1].at : text.said.size();
    for (; next < spans.size() && spans[next].begin < end; ++next) {
      const RedactedSpan& span = spans[next];
      if (span.end <= piece.at) continue;
      const size_t from = std::max(span.begin, piece.at);
      const size_t to = std::min(span.end, end);
      parts_[piece.leaf].push_back({.begin = from - piece.at + piece.begin,
                                    .end = to - piece.at + piece.begin,
                                    .name = span.name,
                                    .told = span.begin >= piece.at});
      if (span.end > end) break;
    }
  }
}

int BodyRedactor::Findings::Settle() {
  int told = 0;
  for (auto& [leaf, parts] : parts_) {
    std::stable_sort(
        parts.begin(), parts.end(),
        [](const LeafPart& a, const LeafPart& b) { return a.begin < b.begin; });
    std::vector<LeafPart> settled;
    for (const LeafPart& part : parts) {
      if (settled.empty() || part.begin >= settled.back().end) {
        settled.push_back(part);
        continue;
      }
      settled.back().end = std::max(settled.back().end, part.end);
      settled.back().told |= part.told;
    }
    parts = std::move(settled);
    for (const LeafPart& part : parts) told += part.told ? 1 : 0;
  }
  return told;
}

namespace {

// What says an answer's tokens once more, between others or as numbers, so that
// no pattern finds what some of them are together.
constexpr std::string_view kTokensInPieces[] = {
    "**.logprobs.**.top_logprobs", "**.logprobs.**.top",
    "**.logprobs.**.bytes",        "**.logprobs.**.utf8_bytes",
    "**.logprobs.**.utf8Bytes",    "**.logprobsResult.topCandidates"};

bool TakesOutTexts(const RedactionSettings& settings) {
  return !settings.built_in.empty() || !settings.own.empty() ||
         !settings.secrets.empty() || settings.digests.has_value();
}

}  // namespace

absl::StatusOr<BodyRedactor> BodyRedactor::Make(
    const RedactionSettings& settings) {
  GATEWAY_ASSIGN_OR_RETURN(
      RedactionPatterns patterns,
      RedactionPatterns::Make(settings.built_in, settings.own,
                              settings.secrets));
  if (settings.digests.has_value()) patterns.Use(*settings.digests);
  std::vector<JsonPath> paths;
  for (const std::string& text : settings.json_paths) {
    absl::StatusOr<JsonPath> path = JsonPath::Parse(text);
    if (!path.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("path ", text, " ", path.status().message()));
    }
    paths.push_back(*std::move(path));
  }
  if (TakesOutTexts(settings)) {
    for (const std::string_view text : kTokensInPieces) {
      GATEWAY_ASSIGN_OR_RETURN(JsonPath path, JsonPath::Parse(text));
      paths.push_back(std::move(path));
    }
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

void BodyRedactor::FindTogether(std::string_view body,
                                const std::vector<JsonLeaf>& leaves,
                                const std::vector<size_t>& place,
                                Findings* findings) const {
  Findings::Text text;
  std::string meaning;
  for (const size_t leaf : place) {
    meaning.clear();
    AppendMeaning(body, leaves[leaf], &meaning);
    text.Append(leaf, 0, meaning);
  }
  findings->FindIn(text, patterns_);
}

void BodyRedactor::FindAtSeams(std::string_view body,
                               const std::vector<JsonLeaf>& leaves,
                               const std::vector<size_t>& row,
                               Findings* findings) const {
  Findings::Text text;
  std::string meaning;
  for (const size_t leaf : row) {
    meaning.clear();
    AppendMeaning(body, leaves[leaf], &meaning);
    if (meaning.size() <= 2 * kSeamBytes) {
      text.Append(leaf, 0, meaning);
      continue;
    }
    const std::string_view all = meaning;
    text.Append(leaf, 0, all.substr(0, kSeamBytes));
    if (text.pieces.size() > 1) findings->FindIn(text, patterns_);
    const size_t tail = all.size() - kSeamBytes;
    text = {};
    text.Append(leaf, tail, all.substr(tail));
  }
  if (text.pieces.size() > 1) findings->FindIn(text, patterns_);
}

void BodyRedactor::EditLeaf(std::string_view body, size_t shown,
                            const JsonLeaf& leaf,
                            absl::Span<const LeafPart> parts,
                            std::vector<Edit>* edits) {
  const bool cut = leaf.end > shown;
  if (leaf.begin >= shown || (parts.empty() && !cut)) return;
  std::string meaning;
  AppendMeaning(body, leaf, &meaning);
  JsonLeaf form = leaf;
  size_t end = meaning.size();
  if (cut) {
    // Only its beginning is shown.
    form.closed = false;
    form.end = shown;
    std::string beginning;
    AppendMeaning(body, form, &beginning);
    end = std::min(beginning.size(), end);
  }
  std::string text;
  size_t at = 0;
  for (const LeafPart& part : parts) {
    if (part.begin >= end) break;
    text.append(meaning, at, part.begin - at);
    if (part.told) text += MarkOf(part.name);
    at = std::min(part.end, end);
  }
  text.append(meaning, at, end - at);
  edits->push_back({leaf.begin, leaf.end, FormOf(form, text)});
}

BodyRedactor::Findings BodyRedactor::FindAll(
    std::string_view body, const std::vector<JsonLeaf>& leaves) const {
  Findings findings;
  // The leaves of each place and of each row.
  absl::flat_hash_map<uint64_t, std::vector<size_t>> places;
  absl::flat_hash_map<uint64_t, std::vector<size_t>> rows;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const JsonLeaf& leaf = leaves[i];
    if (leaf.kind == JsonLeaf::Kind::kNamed) continue;
    if (leaf.place == 0) {
      FindTogether(body, leaves, {i}, &findings);
    } else {
      places[leaf.place].push_back(i);
    }
    if (leaf.row != 0) rows[leaf.row].push_back(i);
  }
  for (const auto& [place, in_it] : places) {
    FindTogether(body, leaves, in_it, &findings);
  }
  for (const auto& [row, in_it] : rows) {
    FindAtSeams(body, leaves, in_it, &findings);
  }
  return findings;
}

RedactedText BodyRedactor::Redact(std::string_view body,
                                  size_t bytes_limit) const {
  JsonLeaves leaves(paths_);
  std::string joined;
  if (IsEventStream(body)) {
    body = WithDataInOneLine(body, &joined);
    ScanEvents(body, &leaves);
  } else if (MayBeJson(body)) {
    leaves.Scan(body, 0, body.size());
  } else {
    leaves.AddPlain(0, body.size());
  }
  // What is only given to find what ends in it is left away, so that nothing of
  // it moves up into the place of what was taken out.
  const std::string_view shown = CutText(body, bytes_limit);
  Findings findings = FindAll(body, leaves.found());
  RedactedText redacted;
  redacted.redactions = findings.Settle();
  std::vector<Edit> edits;  // In the order of the leaves.
  for (size_t i = 0; i < leaves.found().size(); ++i) {
    const JsonLeaf& leaf = leaves.found()[i];
    if (leaf.kind != JsonLeaf::Kind::kNamed) {
      EditLeaf(body, shown.size(), leaf, findings.Of(i), &edits);
      continue;
    }
    edits.push_back(
        {leaf.begin, leaf.end, absl::StrCat("\"", MarkOf(kPathName), "\"")});
    ++redacted.redactions;
  }
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
