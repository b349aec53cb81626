#include "base/http/http2_guard.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace gateway {
namespace {

// How many separate runs of skipped stream ids are remembered. Clients count up
// without gaps; only a hostile one fills these.
constexpr size_t kGapsMax = 64;

// For how many of the last streams it is remembered whether the client has
// ended them.
constexpr int32_t kRemembered = 64;

constexpr uint32_t kPriorityBytes = 5;

// A CONTINUATION with fewer bytes counts as one without content.
constexpr uint32_t kContentBytes = 1024;

// Returns which of a client's streams this is: counted from 0, and -1 for the
// one before the first.
int32_t Ordinal(int32_t id) { return id < 0 ? -1 : id / 2; }

bool IsEndOfStream(const Http2FrameHead& head) {
  return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

Http2Guard::Http2Guard(Peer peer, uint32_t streams, absl::Duration now,
                       IsOpen is_open)
    : peer_(peer),
      is_open_(std::move(is_open)),
      scanner_(peer == Peer::kClient ? Http2FrameScanner::kPrefaceBytes : 0),
      budget_(streams, now) {}

std::optional<Http2Guard::Violation> Http2Guard::Inspect(std::string_view bytes,
                                                         absl::Duration now,
                                                         size_t* good) {
  began_header_block_ = false;
  seen_id_ = peer_ == Peer::kClient ? last_id_ : INT32_MAX;
  std::string_view rest = bytes;
  std::optional<Violation> violation;
  while (!violation.has_value()) {
    const std::optional<Http2FrameHead> head = scanner_.Next(rest);
    if (!head.has_value()) break;
    violation = CheckHead(*head, now);
  }
  *good = bytes.size() - rest.size();
  return violation;
}

std::optional<Http2Guard::Violation> Http2Guard::CheckHead(
    const Http2FrameHead& head, absl::Duration now) {
  using Cost = Http2Budget::Cost;
  if (peer_ == Peer::kClient) {
    const std::optional<Violation> violation = CountStream(head);
    if (violation.has_value()) return violation;
  }
  switch (head.type) {
    case NGHTTP2_DATA:
      if (IsOver(head)) return CountLate(now);
      if (head.length != head.padding_bytes || IsEndOfStream(head)) {
        return std::nullopt;
      }
      return Spend(Cost::kEmptyData, now);
    case NGHTTP2_HEADERS:
      began_header_block_ = true;
      if (IsOver(head)) return CountLate(now);
      return std::nullopt;
    case NGHTTP2_CONTINUATION:
      // Large frames are bounded by the header list's limit
      // (Http2Callbacks::OnHeader).
      if (head.length >= kContentBytes) return std::nullopt;
      return Spend(Cost::kUnknownFrame, now);
    case NGHTTP2_PRIORITY:
      // Looked at here, since nghttp2 looks at dependencies only if it keeps
      // the tree.
      if (head.dependency == head.stream_id && head.length == kPriorityBytes) {
        return Violation{Http2Error::kProtocolError,
                         "a stream that depends on itself"};
      }
      return Spend(Cost::kPriority, now);
    case NGHTTP2_RST_STREAM:
      // A server can reset only streams that we have opened, so its resets cost
      // nothing special.
      return Spend(
          peer_ == Peer::kClient ? Cost::kReset : Cost::kUnknownFrame, now);
    case NGHTTP2_SETTINGS:
      return Spend(Cost::kSettings, now);
    case NGHTTP2_PING:
      return Spend(Cost::kPing, now);
    case NGHTTP2_WINDOW_UPDATE:
      return Spend(Cost::kWindowUpdate, now);
    default:
      return Spend(Cost::kUnknownFrame, now);
  }
}

std::optional<Http2Guard::Violation> Http2Guard::Spend(Http2Budget::Cost cost,
                                                       absl::Duration now) {
  if (budget_.Spend(cost, now)) return std::nullopt;
  return Violation{Http2Error::kEnhanceYourCalm,
                   "too many frames that carry nothing"};
}

// nghttp2 does not remember streams that are over: it takes a stream whose id
// was skipped for one of them, and ignores whatever comes on any of them.
std::optional<Http2Guard::Violation> Http2Guard::CountStream(
    const Http2FrameHead& head) {
  const int32_t id = head.stream_id;
  const bool opens = head.type == NGHTTP2_HEADERS;
  const bool resets = head.type == NGHTTP2_RST_STREAM;
  if (!opens && !resets && head.type != NGHTTP2_DATA) return std::nullopt;
  if (id % 2 == 0) return std::nullopt;  // nghttp2 refuses an even id.
  if (id > last_id_) {
    // nghttp2 refuses frames of streams that were never opened.
    if (!opens) return std::nullopt;
    const int32_t newer = Ordinal(id) - Ordinal(last_id_);
    ended_ = newer < kRemembered ? ended_ << newer : 0;
    if (newer > 1) {
      if (gaps_.size() == kGapsMax) gaps_.erase(gaps_.begin());
      gaps_.push_back({last_id_ + 2, id - 2});
    }
    last_id_ = id;
  } else if (opens && IsSkipped(id)) {
    return Violation{Http2Error::kProtocolError, "a stream id it had skipped"};
  }
  const int32_t older = Ordinal(last_id_) - Ordinal(id);
  if (older >= kRemembered) return std::nullopt;
  const uint64_t bit = uint64_t{1} << older;
  if (!resets && (ended_ & bit) != 0) {
    return Violation{Http2Error::kStreamClosed, "a stream it had ended"};
  }
  if (resets || IsEndOfStream(head)) ended_ |= bit;
  return std::nullopt;
}

bool Http2Guard::IsOver(const Http2FrameHead& head) const {
  return head.stream_id <= seen_id_ && !is_open_(head.stream_id);
}

std::optional<Http2Guard::Violation> Http2Guard::CountLate(absl::Duration now) {
  if (late_frames_ > 0) {
    --late_frames_;
    return std::nullopt;
  }
  return Spend(Http2Budget::Cost::kUnknownFrame, now);
}

bool Http2Guard::IsSkipped(int32_t id) const {
  return std::any_of(gaps_.begin(), gaps_.end(), [id](const Gap& gap) {
    return gap.first <= id && id <= gap.second;
  });
}

}  // namespace gateway
