#include "service/ledger/note_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json_token.h"
#include "service/ledger/entry_reader.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

using Kind = DispatchFacts::Kind;
using NoteKind = DispatchNote::Kind;

constexpr char kAltered[] =
    "has another note beside it than it was written with: the note was altered "
    "or removed";
constexpr char kNotClosed[] =
    "closes a dispatch, and has no note beside it that does: the note was "
    "altered or removed";

Kind KindOf(std::string_view event_type) {
  if (event_type == "DISPATCH") return Kind::kDispatch;
  if (event_type == "EXCHANGE") return Kind::kExchange;
  if (event_type == "PROMPT_REJECTED") return Kind::kRejection;
  return Kind::kOther;
}

// Takes a string without escapes off the front, and what it says.
bool TakePlain(std::string_view* text, std::string_view* said) {
  if (text->empty() || text->front() != '"') return false;
  bool has_escapes = false;
  const char* const begin = text->data() + 1;
  const char* const end =
      SkipJsonString(begin, text->data() + text->size(), &has_escapes);
  if (end == nullptr || has_escapes) return false;
  *said = std::string_view(begin, static_cast<size_t>(end - begin) - 1);
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool TakeHead(std::string_view head, std::string_view* text) {
  if (!text->starts_with(head)) return false;
  text->remove_prefix(head.size());
  return true;
}

// Visits the members of an object in the form of entry.h, from behind its
// bracket on, until the name `until`, which is among them or not. False if it
// does not look so.
template <typename Visit>
bool EachMember(std::string_view object, std::string_view until, Visit visit) {
  while (!object.empty() && object.front() != '}') {
    std::string_view key;
    if (!TakePlain(&object, &key) || !TakeHead(": ", &object)) return false;
    const char* const end =
        SkipJsonValue(object.data(), object.data() + object.size());
    if (end == nullptr) return false;
    const std::string_view value(object.data(),
                                 static_cast<size_t>(end - object.data()));
    if (key > until) return true;
    if (!visit(key, value)) return false;
    object.remove_prefix(value.size());
    TakeHead(", ", &object);
  }
  return true;
}

// Reads an entry in the form of entry.h, of which nothing is read behind its
// `gateway`: prompts and answers may be long. False if it does not look so.
bool ReadOwnForm(std::string_view entry, DispatchFacts* facts) {
  std::string_view rest = entry;
  std::string_view said;
  if (!TakeHead("{\"decision\": ", &rest) || !TakePlain(&rest, &said) ||
      !TakeHead(", \"entry_hash\": ", &rest) || !TakePlain(&rest, &said) ||
      !TakeHead(", \"event_type\": ", &rest) || !TakePlain(&rest, &said)) {
    return false;
  }
  facts->kind = KindOf(said);
  if (!TakeHead(", \"id\": ", &rest) || !TakePlain(&rest, &said)) return false;
  facts->id.assign(said);
  if (facts->kind == Kind::kOther) return true;
  if (!TakeHead(", \"metadata\": {", &rest)) return false;
  const auto take = [](std::string_view value, std::string* out) {
    std::string_view text;
    if (!TakePlain(&value, &text)) return false;
    out->assign(text);
    return true;
  };
  return EachMember(
      rest, "gateway", [&](std::string_view key, std::string_view value) {
        if (key == "dispatch_entry_id") return take(value, &facts->dispatch_id);
        if (key != "gateway" || !TakeHead("{", &value)) return true;
        return EachMember(value, "note_hash",
                          [&](std::string_view own, std::string_view hash) {
                            return own != "note_hash" ||
                                   take(hash, &facts->note_hash);
                          });
      });
}

// The kind of the next note; nothing if there is none, or it is none.
std::optional<DispatchNote> Peek(std::string_view notes) {
  if (notes.empty()) return std::nullopt;
  return TakeNote(&notes);
}

bool IsNext(std::string_view notes, NoteKind kind, DispatchNote* note) {
  std::optional<DispatchNote> next = Peek(notes);
  if (!next.has_value() || next->kind != kind) return false;
  *note = *std::move(next);
  return true;
}

std::string_view Between(std::string_view begin, std::string_view end) {
  return begin.substr(0, begin.size() - end.size());
}

}  // namespace

void ReadDispatchFacts(std::string_view entry, DispatchFacts* facts) {
  facts->dispatch_id.clear();
  facts->note_hash.clear();
  if (ReadOwnForm(entry, facts)) return;
  EntryFacts read;
  ReadEntryFacts(entry, &read).IgnoreError();
  facts->kind = KindOf(read.event_type);
  facts->id = read.id;
  facts->dispatch_id = read.dispatch_entry_id;
  facts->note_hash = read.note_hash;
}

void OpenDispatchCount::Add(const DispatchFacts& entry) {
  if (entry.kind == Kind::kDispatch) open_.insert(entry.id);
  if (entry.kind == Kind::kExchange) open_.erase(entry.dispatch_id);
}

DispatchNoteCheck::DispatchNoteCheck(const OpenDispatches& open) {
  for (const std::string& id : open.ids()) open_[id] = Open::kUnbound;
}

void DispatchNoteCheck::Count(std::string_view entry) {
  if (entries_.empty()) entries_.emplace_back();
  ReadDispatchFacts(entry, &entries_.front());
  count_.Add(entries_.front());
}

void DispatchNoteCheck::Add(std::string_view entry) {
  if (size_ == entries_.size()) entries_.emplace_back();
  DispatchFacts& facts = entries_[size_++];
  ReadDispatchFacts(entry, &facts);
  names_hashes_ = names_hashes_ || !facts.note_hash.empty();
  count_.Add(facts);
}

bool DispatchNoteCheck::IsBound(std::string_view dispatch_id) const {
  const auto found = open_.find(ToAbsl(dispatch_id));
  return found != open_.end() && found->second == Open::kBound;
}

std::string DispatchNoteCheck::TakeOpening(const DispatchFacts& entry,
                                           std::string_view* notes) {
  const std::string_view begin = *notes;
  const bool is_bound = !entry.note_hash.empty();
  DispatchNote opening;
  if (IsNext(*notes, NoteKind::kOpens, &opening)) {
    notes->remove_prefix(opening.whole.size());
    DispatchNote reservation;
    while (IsNext(*notes, NoteKind::kReserves, &reservation) &&
           reservation.dispatch_id == opening.dispatch_id) {
      notes->remove_prefix(reservation.whole.size());
    }
  }
  const std::string_view own = Between(begin, *notes);
  if (is_bound && (opening.dispatch_id != entry.id ||
                   HashText(own) != entry.note_hash)) {
    return kAltered;
  }
  if (own.empty()) return {};
  if (!is_bound && IsBound(opening.dispatch_id)) return kAltered;
  open_[ToAbsl(opening.dispatch_id)] = is_bound ? Open::kBound : Open::kUnbound;
  return {};
}

std::string DispatchNoteCheck::TakeClosing(const DispatchFacts& entry,
                                           std::string_view* notes) {
  const std::string_view begin = *notes;
  lacking_.erase(entry.dispatch_id);
  DispatchNote closing;
  if (!IsNext(*notes, NoteKind::kCloses, &closing)) {
    const bool needs_none =
        entry.note_hash.empty() && !open_.contains(entry.dispatch_id);
    return needs_none ? "" : kNotClosed;
  }
  // Gateways before it may have written one that names no dispatch.
  const bool is_its_own =
      closing.dispatch_id == entry.dispatch_id ||
      (entry.dispatch_id.empty() && !IsBound(closing.dispatch_id));
  if (!is_its_own) return kNotClosed;
  notes->remove_prefix(closing.whole.size());
  open_.erase(ToAbsl(closing.dispatch_id));
  if (!entry.note_hash.empty()) return TakeWithdrawals(entry, begin, notes);
  TakeUnboundWithdrawals(notes);
  return {};
}

std::string DispatchNoteCheck::TakeWithdrawals(const DispatchFacts& entry,
                                               std::string_view begin,
                                               std::string_view* notes) {
  DispatchNote withdrawal;
  while (IsNext(*notes, NoteKind::kWithdraws, &withdrawal)) {
    notes->remove_prefix(withdrawal.whole.size());
    if (HashText(Between(begin, *notes)) == entry.note_hash) return {};
  }
  return kAltered;
}

void DispatchNoteCheck::TakeUnboundWithdrawals(std::string_view* notes) {
  DispatchNote withdrawal;
  while (!names_hashes_ &&
         IsNext(*notes, NoteKind::kWithdraws, &withdrawal) &&
         !IsBound(withdrawal.dispatch_id)) {
    notes->remove_prefix(withdrawal.whole.size());
  }
}

std::string DispatchNoteCheck::TakeOver(const DispatchFacts& entry) {
  if (entry.kind == Kind::kDispatch && !entry.note_hash.empty()) {
    lacking_.insert(entry.id);
  }
  if (entry.kind != Kind::kExchange) return {};
  lacking_.erase(entry.dispatch_id);
  return open_.contains(entry.dispatch_id) ? kNotClosed : "";
}

std::string DispatchNoteCheck::Take(const DispatchFacts& entry,
                                    std::string_view* notes) {
  switch (entry.kind) {
    case Kind::kDispatch:
      return TakeOpening(entry, notes);
    case Kind::kExchange:
      return TakeClosing(entry, notes);
    case Kind::kRejection:
      if (!entry.note_hash.empty()) {
        return TakeWithdrawals(entry, *notes, notes);
      }
      TakeUnboundWithdrawals(notes);
      return {};
    case Kind::kOther:
      return {};
  }
  return {};
}

std::optional<DispatchNoteCheck::Fault> DispatchNoteCheck::EndCommit(
    std::string_view notes) {
  const size_t size = std::exchange(size_, 0);
  DispatchNote only;
  const bool is_taken_over =
      IsNext(notes, NoteKind::kTakenOver, &only) && only.whole == notes;
  if (is_taken_over) notes = {};
  std::string what;
  size_t place = 0;
  for (; place < size; ++place) {
    what = is_taken_over ? TakeOver(entries_[place])
                         : Take(entries_[place], &notes);
    if (!what.empty()) break;
  }
  names_hashes_ = false;
  if (what.empty() && !notes.empty()) {
    place = size == 0 ? 0 : size - 1;
    what = "ends a commit with notes of no entry: they were altered or put in";
  }
  if (what.empty()) return std::nullopt;
  return Fault{.place = place,
               .id = size == 0 ? "" : entries_[place].id,
               .what = std::move(what)};
}

}  // namespace gateway
