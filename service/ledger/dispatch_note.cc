#include "service/ledger/dispatch_note.h"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

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
constexpr char kTakenOver = 'T';

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

// What a kind of note is, and how many texts are behind its id; nothing if
// there are no notes of the kind.
struct Form {
  DispatchNote::Kind kind;
  size_t texts;
};

std::optional<Form> FormOf(char kind) {
  switch (kind) {
    case kOpens:
      return Form{DispatchNote::Kind::kOpens, 3};
    case kOpensUnnamed:
      return Form{DispatchNote::Kind::kOpens, 2};
    case kReserves:
      return Form{DispatchNote::Kind::kReserves, 1};
    case kCloses:
      return Form{DispatchNote::Kind::kCloses, 0};
    case kWithdraws:
      return Form{DispatchNote::Kind::kWithdraws, 0};
    case kTakenOver:
      return Form{DispatchNote::Kind::kTakenOver, 0};
    default:
      return std::nullopt;
  }
}

// What the notes of one dispatch say, the first of which opens it.
OpenDispatches::Left LeftOf(std::string_view notes) {
  OpenDispatches::Left left;
  while (!notes.empty()) {
    const std::optional<DispatchNote> note = TakeNote(&notes);
    if (!note.has_value()) break;
    const auto& texts = note->texts;
    if (note->kind == DispatchNote::Kind::kReserves) {
      left.reservation = texts[0];
    } else if (note->kind == DispatchNote::Kind::kWithdraws) {
      left.withdrawn = true;
    } else {
      if (texts.size() == 3) left.exchange_id = texts[0];
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

std::string TakenOverNote() { return BeginNote(kTakenOver, {}); }

std::optional<DispatchNote> TakeNote(std::string_view* notes) {
  const std::string_view from = *notes;
  const std::optional<Form> form = FormOf(from.front());
  notes->remove_prefix(1);
  const std::optional<std::string_view> id = TakeText(notes);
  if (!form.has_value() || !id.has_value()) return std::nullopt;
  DispatchNote note = {.kind = form->kind, .dispatch_id = *id};
  while (note.texts.size() < form->texts) {
    const std::optional<std::string_view> text = TakeText(notes);
    if (!text.has_value()) return std::nullopt;
    note.texts.push_back(*text);
  }
  note.whole = from.substr(0, from.size() - notes->size());
  return note;
}

bool OpenDispatches::Follow(std::string_view notes) {
  while (!notes.empty()) {
    const std::optional<DispatchNote> note = TakeNote(&notes);
    if (!note.has_value()) return false;
    if (note->kind == DispatchNote::Kind::kOpens) {
      notes_[ToAbsl(note->dispatch_id)] = note->whole;
      continue;
    }
    const auto found = notes_.find(ToAbsl(note->dispatch_id));
    if (found == notes_.end()) continue;
    if (note->kind == DispatchNote::Kind::kCloses) {
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

std::set<std::string> OpenDispatches::ids() const {
  std::set<std::string> ids;
  for (const auto& [id, notes] : notes_) ids.insert(id);
  return ids;
}

std::string OpenDispatches::OpeningOf(const std::string& id) const {
  std::string opening;
  const auto found = notes_.find(id);
  if (found == notes_.end()) return opening;
  for (std::string_view notes = found->second; !notes.empty();) {
    const std::optional<DispatchNote> note = TakeNote(&notes);
    if (!note.has_value()) break;
    if (note->kind != DispatchNote::Kind::kWithdraws) {
      opening.append(note->whole);
    }
  }
  return opening;
}

std::string OpenDispatches::ToNotes() const {
  std::map<std::string_view, std::string_view> in_order;
  for (const auto& [id, notes] : notes_) in_order.emplace(id, notes);
  std::string all;
  for (const auto& [id, notes] : in_order) all.append(notes);
  return all;
}

}  // namespace gateway
