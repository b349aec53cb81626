#include "service/pipeline/resumable_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {

ResumableCall::ResumableCall(EventLoop& loop, CancelSignal& gone)
    : loop_(loop), gone_(gone), on_gone_(gone, [this] { OnGone(); }) {}

ResumableCall::~ResumableCall() {
  End(MakeFault(v1::ERROR_REASON_INTERNAL,
                "the stream ended without an outcome"));
}

void ResumableCall::OnGone() {
  const absl::Status& why = gone_.status();
  // Who hangs up, or has no more time, may come back; when the process ends
  // nobody can.
  const bool may_return = ring_ != nullptr && !ended_ &&
                          FaultReason(why) != v1::ERROR_REASON_DRAINING;
  if (!may_return) return cancel_.Cancel(why);
  seat_.reset();
}

void ResumableCall::Open(ResumableStreams& streams, std::string_view owner,
                         std::string_view request_id,
                         const std::string_view& route) {
  if (gone_.cancelled()) return;
  std::shared_ptr<StreamRing> ring = streams.Open(owner, request_id);
  if (ring == nullptr) return;
  seat_ = ring->audience().Join();
  CancelSignal& given_up = ring->audience().Begin(loop_, streams.grace());
  ring_ = std::move(ring);
  route_ = &route;
  on_given_up_.emplace(
      given_up, [this, &given_up] { cancel_.Cancel(given_up.status()); });
}

void ResumableCall::Append(std::string bytes) {
  if (ended_) return;
  if (route_ != nullptr) ring_->SetRoute(*std::exchange(route_, nullptr));
  ring_->Append(std::move(bytes));
}

void ResumableCall::End(absl::Status status) {
  if (ring_ == nullptr || std::exchange(ended_, true)) return;
  ring_->audience().End();
  ring_->End(std::move(status));
}

void ResumableCall::GiveUp(absl::Status status) {
  End(std::move(status));
  if (gone_.cancelled()) cancel_.Cancel(gone_.status());
}

std::string OwnerOf(const Caller& caller, std::string_view form) {
  return absl::StrCat(ToAbsl(form), " ", caller.id);
}

}  // namespace gateway
