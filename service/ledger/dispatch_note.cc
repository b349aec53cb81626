#include "service/ledger/dispatch_note.h"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "base/string_view.h"
#include "base/text/decimal.h"

namespace gateway {
namespace {

// A note is its kind and texts, each as `BYTES:TEXT`; of an opening one four,
// of one that knows no exchange three, of a reservation two, of others one.
constexpr char kOpens = 'D';
constexpr char kOpensUnnamed = 'O';
constexpr char kReserves = 'R';
constexpr char kCloses = 'C';
constexpr char kWithdraws = 'W';

void AppendText(std::string_view text, std::string* note) {
  std::array<char, kDecimalBytesMax + 1> size;
  char* const colon = WriteDecimal(text.size(), size.data());
  *colon = ':';
  note->append(size.data(), static_cast<size_t>(colon + 1 - size.data()));
  note->append(text);
}

// `bytes` are those of the texts behind the id.
std::string BeginNote(char kind, std::string_view dispatch_id,
                      size_t bytes = 0) {
  constexpr size_t kSizesBytes = 32;
  std::string note;
  note.reserve(dispatch_id.size() + bytes + kSizesBytes);
  note.push_back(kind);
  AppendText(dispatch_id, &note);
  return note;
}

// Takes a text off the beginning; nothing if there is none.
std::optional<std::string_view> TakeText(std::string_view* notes) {
  size_t bytes = 0;
  size_t at = 0;
  for (; at < notes->size(); ++at) {
    const char digit = (*notes)[at];
    if (digit < '0' || digit > '9') break;
    bytes = bytes * 10 + static_cast<size_t>(digit - '0');
    if (bytes > notes->size()) return std::nullopt;
  }
  if (at == 0 || at == notes->size() || (*notes)[at] != ':' ||
      bytes > notes->size() - at - 1) {
    return std::nullopt;
  }
  const std::string_view text = notes->substr(at + 1, bytes);
  notes->remove_prefix(at + 1 + bytes);
  return text;
}

// How many texts are behind the id; nothing if there are no notes of the kind.
std::optional<size_t> TextsOf(char kind) {
  switch (kind) {
    case kOpens:
      return 3;
    case kOpensUnnamed:
      return 2;
    case kReserves:
      return 1;
    case kCloses:
    case kWithdraws:
      return 0;
    default:
      return std::nullopt;
  }
}

struct Note {
  char kind = 0;
  std::string_view dispatch_id;
  absl::InlinedVector<std::string_view, 3> texts;  // Behind that.
  std::string_view whole;
};

// Takes a note off the beginning; nothing if there is none.
std::optional<Note> TakeNote(std::string_view* notes) {
  const std::string_view from = *notes;
  Note note = {.kind = from.front()};
  const std::optional<size_t> texts = TextsOf(note.kind);
  notes->remove_prefix(1);
  const std::optional<std::string_view> id = TakeText(notes);
  if (!texts.has_value() || !id.has_value()) return std::nullopt;
  note.dispatch_id = *id;
  while (note.texts.size() < *texts) {
    const std::optional<std::string_view> text = TakeText(notes);
    if (!text.has_value()) return std::nullopt;
    note.texts.push_back(*text);
  }
  note.whole = from.substr(0, from.size() - notes->size());
  return note;
}

// What the notes of one dispatch say, the first of which opens it.
OpenDispatches::Left LeftOf(std::string_view notes) {
  OpenDispatches::Left left;
  while (!notes.empty()) {
    const std::optional<Note> note = TakeNote(&notes);
    if (!note.has_value()) break;
    const auto& texts = note->texts;
    if (note->kind == kReserves) {
      left.reservation = texts[0];
    } else if (note->kind == kWithdraws) {
      left.withdrawn = true;
    } else {
      if (note->kind == kOpens) left.exchange_id = texts[0];
      left.submission_id = texts[texts.size() - 2];
      left.exchange_metadata = texts.back();
    }
  }
  return left;
}

}  // namespace

std::string OpeningNote(std::string_view dispatch_id,
                        std::string_view exchange_id,
                        std::string_view submission_id,
                        std::string_view exchange_metadata) {
  std::string note = BeginNote(
      kOpens, dispatch_id,
      exchange_id.size() + submission_id.size() + exchange_metadata.size());
  AppendText(exchange_id, &note);
  AppendText(submission_id, &note);
  AppendText(exchange_metadata, &note);
  return note;
}

std::string ReservationNote(std::string_view dispatch_id,
                            std::string_view reservation) {
  std::string note = BeginNote(kReserves, dispatch_id, reservation.size());
  AppendText(reservation, &note);
  return note;
}

std::string ClosingNote(std::string_view dispatch_id) {
  return BeginNote(kCloses, dispatch_id);
}

std::string WithdrawingNote(std::string_view dispatch_id) {
  return BeginNote(kWithdraws, dispatch_id);
}

bool OpenDispatches::Follow(std::string_view notes) {
  while (!notes.empty()) {
    const std::optional<Note> note = TakeNote(&notes);
    if (!note.has_value()) return false;
    if (note->kind == kOpens || note->kind == kOpensUnnamed) {
      notes_[ToAbsl(note->dispatch_id)] = note->whole;
      continue;
    }
    const auto found = notes_.find(ToAbsl(note->dispatch_id));
    if (found == notes_.end()) continue;
    if (note->kind == kCloses) {
      notes_.erase(found);
    } else {
      found->second.append(note->whole);
    }
  }
  return true;
}

std::map<std::string, OpenDispatches::Left, std::less<>> OpenDispatches::all()
    const {
  std::map<std::string, Left, std::less<>> all;
  for (const auto& [id, notes] : notes_) all.emplace(id, LeftOf(notes));
  return all;
}

std::string OpenDispatches::ToNotes() const {
  std::map<std::string_view, std::string_view> in_order;
  for (const auto& [id, notes] : notes_) in_order.emplace(id, notes);
  std::string all;
  for (const auto& [id, notes] : in_order) all.append(notes);
  return all;
}

}  // namespace gateway
