// LedgerWriter's doubts: what those hear who ask to know what became of a
// commit that failed.

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "service/ledger/ledger_writer.h"

namespace gateway {

void LedgerWriter::HoldDoubtful(const absl::Status& failure, Group* group) {
  const absl::Duration until = clock_.SteadyTime() + options_.doubt_limit;
  std::erase_if(*group, [&](Waiting* const waiting) {
    if (waiting->otherwise != IfNotCommitted::kForgetOnceKnown) return false;
    doubts_.push_back({.waiting = waiting,
                       .found_later = std::move(waiting->found_later),
                       .failure = failure,
                       .until = until});
    return true;
  });
}

void LedgerWriter::EndDoubts(bool is_there) {
  Group told;
  for (Doubt& doubt : std::exchange(doubts_, {})) {
    if (doubt.waiting == nullptr) {
      if (is_there && doubt.found_later != nullptr) doubt.found_later();
      continue;
    }
    doubt.waiting->outcome = is_there ? absl::OkStatus() : doubt.failure;
    told.push_back(doubt.waiting);
  }
  Tell(told);
}

void LedgerWriter::LetGoOfDoubtful(bool at_once) {
  const absl::Duration now = clock_.SteadyTime();
  Group told;
  for (Doubt& doubt : doubts_) {
    if (doubt.waiting == nullptr || (!at_once && doubt.until > now)) continue;
    Waiting& waiting = *std::exchange(doubt.waiting, nullptr);
    waiting.outcome = absl::UnknownError(
        absl::StrCat("nobody knows yet whether it was committed: ",
                     doubt.failure.message()));
    told.push_back(&waiting);
  }
  Tell(told);
}

}  // namespace gateway
