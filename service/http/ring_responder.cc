#include "service/http/ring_responder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

absl::Status BrokenOff() {
  return absl::AbortedError("the stream was broken off");
}

Task<absl::Status> RingResponder::Write(
    absl::Span<const std::string_view> pieces) {
  for (const std::string_view piece : pieces) {
    if (cuts_) {
      cutter_.Add(piece);
      Cut();
    } else {
      out_.append(piece);
    }
  }
  return Pass();
}

void RingResponder::Cut() {
  std::string_view event;
  while (cutter_.Next(&event)) {
    if (IsSseComment(event)) {
      out_.append(event);
      continue;
    }
    std::string kept =
        WithSseId(event, absl::StrCat(ToAbsl(request_id_), ":", ++seq_));
    out_.append(kept);
    call_.Append(std::move(kept));
  }
  if (cutter_.rest().size() <= kEventBytesMax) return;
  out_.append(cutter_.rest());
  cutter_ = {};
  cuts_ = false;
  call_.GiveUp(BrokenOff());
}

Task<absl::Status> RingResponder::Pass() {
  if (is_here_ && !out_.empty()) {
    const std::string_view pieces[] = {out_};
    const absl::Status written = co_await to_.Write(pieces);
    is_here_ = written.ok();
  }
  out_.clear();
  co_return absl::OkStatus();
}

Task<absl::Status> RingResponder::Finish() {
  out_.append(cutter_.rest());
  (co_await Pass()).IgnoreError();
  if (!is_here_) co_return absl::OkStatus();
  co_return co_await to_.Finish();
}

void RingResponder::Abort() {
  call_.End(BrokenOff());
  to_.Abort();
}

}  // namespace gateway
