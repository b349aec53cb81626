#include "service/ledger/chain_check.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_token.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

// What of an entry its links are made of.
struct Links {
  std::string id;
  std::string previous_hash;
  std::string entry_hash;
};

// An entry as entry.h writes it, taken apart without reading all of it.
struct OwnForm {
  std::string_view before_hash;  // The member `decision`.
  std::string_view entry_hash;
  std::string_view behind_hash;
  std::string_view previous_hash;
  std::string_view id;
};

// Takes what stands behind `head`, up to a quote, off the front of `text`.
bool TakeQuoted(std::string_view head, std::string_view* text,
                std::string_view* quoted) {
  if (!text->starts_with(head)) return false;
  text->remove_prefix(head.size());
  bool has_escapes = false;
  const char* const begin = text->data();
  const char* const end =
      SkipJsonString(begin, begin + text->size(), &has_escapes);
  if (end == nullptr || has_escapes) return false;
  *quoted = std::string_view(begin, static_cast<size_t>(end - begin) - 1);
  text->remove_prefix(static_cast<size_t>(end - begin));
  return true;
}

// Nothing if it does not look so. What looks so and is something else has
// another hash than it says.
std::optional<OwnForm> TakeApart(std::string_view entry) {
  // Behind it stand texts alone, in which a quote is escaped: the last one is
  // no part of the metadata.
  constexpr std::string_view kPrevious = ", \"previous_hash\": \"";
  OwnForm form;
  std::string_view rest = entry;
  std::string_view decision;
  std::string_view event_type;
  if (!TakeQuoted("{\"decision\": \"", &rest, &decision)) return std::nullopt;
  form.before_hash = entry.substr(0, entry.size() - rest.size());
  if (!TakeQuoted(", \"entry_hash\": \"", &rest, &form.entry_hash)) {
    return std::nullopt;
  }
  form.behind_hash = rest;
  if (!TakeQuoted(", \"event_type\": \"", &rest, &event_type) ||
      !TakeQuoted(", \"id\": \"", &rest, &form.id)) {
    return std::nullopt;
  }
  const size_t previous = rest.rfind(kPrevious);
  if (previous == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(previous);
  if (!TakeQuoted(kPrevious, &rest, &form.previous_hash)) return std::nullopt;
  return form;
}

// Whether the text has this form, and the hash that it says.
bool HasItsHash(const OwnForm& form) {
  std::string hashed;
  hashed.reserve(form.before_hash.size() + form.behind_hash.size());
  hashed.append(form.before_hash);
  hashed.append(form.behind_hash);
  return HashText(hashed) == form.entry_hash;
}

absl::Status ReadLinks(std::string_view entry, Links* links) {
  return ReadJson(entry, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      std::string* const out = key == "id"              ? &links->id
                               : key == "previous_hash" ? &links->previous_hash
                               : key == "entry_hash"    ? &links->entry_hash
                                                        : nullptr;
      if (out == nullptr || value.IsNull()) return absl::OkStatus();
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
      *out = text;
      return absl::OkStatus();
    });
  });
}

// Reads the links, and returns what is wrong with the entry and its own hash;
// empty if nothing is, or if it has none.
std::string ReadEntry(std::string_view entry, Links* links) {
  const std::optional<OwnForm> own = TakeApart(entry);
  if (own.has_value() && HasItsHash(*own)) {
    links->id = own->id;
    links->previous_hash = own->previous_hash;
    links->entry_hash = own->entry_hash;
    return {};
  }
  if (const absl::Status read = ReadLinks(entry, links); !read.ok()) {
    links->entry_hash.clear();
    return absl::StrCat("is no entry: ", read.message());
  }
  if (links->entry_hash.empty()) return {};
  const absl::StatusOr<std::string> form = PythonJsonOf(entry, {"entry_hash"});
  if (!form.ok()) {
    return absl::StrCat("is no entry: ", form.status().message());
  }
  const std::string hash = HashText(*form);
  if (hash == links->entry_hash) {
    if (IsAsPythonWrites(entry)) return {};
    return "has its hash, and is written as nobody writes entries: with a "
           "member twice, or other spaces, escapes or digits; it was altered";
  }
  return absl::StrCat("has the hash ", hash, " and says ", links->entry_hash,
                      ": it was altered");
}

std::string Unlinked(const Links& links, std::string_view expected) {
  if (expected.empty()) {
    return "is said to follow another entry, which is not there";
  }
  if (links.previous_hash.empty()) {
    return absl::StrCat(
        "is said to be the first, and follows one with the hash ",
        ToAbsl(expected));
  }
  return absl::StrCat(
      "is said to follow an entry with the hash ", links.previous_hash,
      ", and follows one with ", ToAbsl(expected),
      ": something between them was altered, left out or put in");
}

}  // namespace

ChainCheck::Finding ChainCheck::Add(std::string_view entry) {
  ++entries_;
  Finding finding = Check(entry);
  if (finding.severity == Severity::kWarn) ++warnings_;
  if (finding.severity == Severity::kFail) ++failures_;
  return finding;
}

ChainCheck::Finding ChainCheck::Check(std::string_view entry) {
  Links links;
  std::string wrong = ReadEntry(entry, &links);
  const std::string expected = std::exchange(previous_hash_, links.entry_hash);
  const bool is_without = links.entry_hash.empty();
  const bool begins_anew = std::exchange(begins_anew_, is_without);
  const bool begins = std::exchange(begins_, begins_ && is_without);
  Finding finding{.entry_id = links.id};
  if (!wrong.empty()) {
    finding.severity = Severity::kFail;
    finding.what = std::move(wrong);
  } else if (is_without && begins) {
    finding.severity = Severity::kWarn;
    finding.what = "has no hash: nothing is known of it";
  } else if (is_without) {
    finding.severity = Severity::kFail;
    finding.what =
        "has no hash, and others before it have one: it was altered, or put in";
  } else if (begins && begins_anew && !links.previous_hash.empty()) {
    finding.severity = Severity::kFail;
    finding.what = absl::StrCat(
        "is said to follow an entry with the hash ", links.previous_hash,
        ", and follows one without: it was taken away, or the entry was");
  } else if (!begins_anew && links.previous_hash != expected) {
    finding.severity = Severity::kFail;
    finding.what = Unlinked(links, expected);
  }
  return finding;
}

}  // namespace gateway
