#include "service/ledger/dispatch_note.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

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
  absl::StrAppend(note, text.size(), ":", ToAbsl(text));
}

std::string BeginNote(char kind, std::string_view dispatch_id) {
  std::string note(1, kind);
  AppendText(dispatch_id, &note);
  return note;
}

// Takes a text off the beginning; nothing if there is none.
std::optional<std::string_view> TakeText(std::string_view* notes) {
  const size_t colon = notes->find(':');
  size_t bytes = 0;
  if (colon == std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(notes->substr(0, colon)), &bytes) ||
      bytes > notes->size() - colon - 1) {
    return std::nullopt;
  }
  const std::string_view text = notes->substr(colon + 1, bytes);
  notes->remove_prefix(colon + 1 + bytes);
  return text;
}

}  // namespace

std::string OpeningNote(std::string_view dispatch_id,
                        std::string_view exchange_id,
                        std::string_view submission_id,
                        std::string_view exchange_metadata) {
  std::string note = BeginNote(kOpens, dispatch_id);
  AppendText(exchange_id, &note);
  AppendText(submission_id, &note);
  AppendText(exchange_metadata, &note);
  return note;
}

std::string ReservationNote(std::string_view dispatch_id,
                            std::string_view reservation) {
  std::string note = BeginNote(kReserves, dispatch_id);
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
    const char kind = notes.front();
    notes.remove_prefix(1);
    const std::optional<std::string_view> id = TakeText(&notes);
    if (!id.has_value()) return false;
    if (kind == kOpens || kind == kOpensUnnamed) {
      std::optional<std::string_view> exchange = "";
      if (kind == kOpens) exchange = TakeText(&notes);
      if (!exchange.has_value()) return false;
      const std::optional<std::string_view> submission = TakeText(&notes);
      if (!submission.has_value()) return false;
      const std::optional<std::string_view> metadata = TakeText(&notes);
      if (!metadata.has_value()) return false;
      all_[std::string(*id)] = {.exchange_id = std::string(*exchange),
                                .submission_id = std::string(*submission),
                                .exchange_metadata = std::string(*metadata)};
      continue;
    }
    const auto found = all_.find(*id);
    if (kind == kReserves) {
      const std::optional<std::string_view> reservation = TakeText(&notes);
      if (!reservation.has_value()) return false;
      if (found != all_.end()) found->second.reservation = *reservation;
      continue;
    }
    if (kind == kCloses) {
      if (found != all_.end()) all_.erase(found);
    } else if (kind == kWithdraws) {
      if (found != all_.end()) found->second.withdrawn = true;
    } else {
      return false;
    }
  }
  return true;
}

std::string OpenDispatches::ToNotes() const {
  std::string notes;
  for (const auto& [id, left] : all_) {
    notes.append(OpeningNote(id, left.exchange_id, left.submission_id,
                             left.exchange_metadata));
    if (!left.reservation.empty()) {
      notes.append(ReservationNote(id, left.reservation));
    }
    if (left.withdrawn) notes.append(WithdrawingNote(id));
  }
  return notes;
}

}  // namespace gateway
