#include "service/ledger/entry.h"

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/timestamp.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/python_json.h"

namespace gateway {
namespace {

// The names of an entry's members, in their order.
constexpr std::string_view kDecision = "{\"decision\": ";
constexpr std::string_view kEntryHash = "\"entry_hash\": \"";
constexpr std::string_view kBehindHash = "\", ";
constexpr std::string_view kEventType = "\"event_type\": ";
constexpr std::string_view kId = ", \"id\": ";
constexpr std::string_view kMetadata = ", \"metadata\": ";
constexpr std::string_view kPreviousHash = ", \"previous_hash\": \"";
constexpr std::string_view kPromptsUsed = "\", \"prompts_used\": [";
constexpr std::string_view kReason = "], \"reason\": ";
constexpr std::string_view kSubmissionId = ", \"submission_id\": ";
constexpr std::string_view kTimestamp = ", \"timestamp\": ";

// Callers and providers may say what is no UTF-8, which an entry is.
void AppendUtf8(std::string_view text, std::string* out) {
  if (AppendPlainString(text, out)) return;
  if (IsUtf8(text)) return AppendPythonString(text, out);
  std::string ascii(text);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  AppendPythonString(ascii, out);
}

void AppendMember(std::string_view name, std::string_view text,
                  std::string* out) {
  out->append(name);
  AppendUtf8(text, out);
}

}  // namespace

std::string NewEntryId(Random& random) {
  std::string id = "LED-";
  id.resize(20);
  random.FillHexId(id.data() + 4, 16);
  return id;
}

MetadataWriter::MetadataWriter(std::string* out) : out_(*out) {
  out_.assign(1, '{');
}

void MetadataWriter::Key(std::string_view key) {
  assert(last_key_ < key || out_.size() == 1);
#ifndef NDEBUG
  last_key_ = key;
#endif
  out_.append(out_.size() > 1 ? ", \"" : "\"");
  out_.append(key);
  out_.append("\": ");
}

void MetadataWriter::AddText(std::string_view key, std::string_view text) {
  Key(key);
  AppendUtf8(text, &out_);
}

void MetadataWriter::AddInt(std::string_view key, int64_t number) {
  Key(key);
  absl::StrAppend(&out_, number);
}

void MetadataWriter::AddFloat(std::string_view key, double number) {
  Key(key);
  AppendPythonFloat(number, &out_);
}

void MetadataWriter::AddBool(std::string_view key, bool truth) {
  Key(key);
  out_.append(truth ? "true" : "false");
}

void MetadataWriter::AddNull(std::string_view key) {
  Key(key);
  out_.append("null");
}

void MetadataWriter::AddForm(std::string_view key, std::string_view form) {
  Key(key);
  out_.append(form);
}

UnchainedEntry::UnchainedEntry(const LedgerEntry& entry, std::string note)
    : note_(std::move(note)) {
  constexpr size_t kFrameBytes = 320;
  text_.reserve(entry.metadata.size() + entry.reason.size() +
                entry.submission_id.size() + kFrameBytes);
  AppendMember(kDecision, entry.decision, &text_);
  text_.append(", ");
  hash_at_ = text_.size();
  AppendMember(kEventType, entry.event_type, &text_);
  AppendMember(kId, entry.id, &text_);
  text_.append(kMetadata);
  text_.append(entry.metadata);
  text_.append(kPreviousHash);
  previous_at_ = text_.size();
  text_.append(kPromptsUsed);
  for (const std::string& prompt : entry.prompts_used) {
    if (&prompt != &entry.prompts_used.front()) text_.append(", ");
    AppendPythonString(prompt, &text_);
  }
  AppendMember(kReason, entry.reason, &text_);
  AppendMember(kSubmissionId, entry.submission_id, &text_);
  AppendMember(kTimestamp, LedgerTimeText(entry.time), &text_);
  text_.push_back('}');
}

void UnchainedEntry::AppendChained(std::string* hash, std::string* text) const {
  const std::string_view own = text_;
  const size_t begin = text->size();
  text->append(own.substr(0, previous_at_));
  text->append(*hash);
  text->append(own.substr(previous_at_));
  *hash = HashText(std::string_view(*text).substr(begin));
  text->insert(begin + hash_at_,
               absl::StrCat(ToAbsl(kEntryHash), *hash, ToAbsl(kBehindHash)));
}

size_t UnchainedEntry::chained_bytes() const {
  return text_.size() + kEntryHash.size() + 2 * kHashTextBytes +
         kBehindHash.size();
}

std::string LedgerTimeText(absl::Time time) {
  // As far as the second, which it remembers.
  char text[kTimestampBytes];
  WriteTimestamp(time, text);
  std::string out(text, sizeof("2026-01-02T03:04:05") - 1);
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t second = 1'000'000;
  const int64_t fraction = (micros % second + second) % second;
  if (fraction != 0) {
    char digits[] = ".000000";
    int64_t rest = fraction;
    for (int i = 6; i > 0; --i, rest /= 10) {
      digits[i] = static_cast<char>('0' + rest % 10);
    }
    out.append(digits);
  }
  out.append("+00:00");
  return out;
}

}  // namespace gateway
