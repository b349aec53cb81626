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
                       StateOf state_of, OnBegun on_begun)
    : peer_(peer),
      state_of_(std::move(state_of)),
      on_begun_(std::move(on_begun)),
      scanner_(peer == Peer::kClient ? Http2FrameScanner::kPrefaceBytes : 0),
      budget_(streams, now) {}

std::optional<Http2Guard::Violation> Http2Guard::Inspect(std::string_view bytes,
                                                         absl::Duration now,
                                                         size_t* good) {
  began_header_block_ = false;
  resets_ahead_.clear();
  late_streams_.clear();
  seen_id_ = peer_ == Peer::kServer       ? INT32_MAX
             : scanner_.in_header_block() ? last_but_one_id_
                                          : last_id_;
  std::string_view rest = bytes;
  std::optional<Violation> violation;
  while (!violation.has_value()) {
    const std::optional<Http2FrameHead> head = scanner_.Next(rest);
    if (!head.has_value()) break;
    const int32_t newest = last_id_;
    violation = CheckHead(*head, now);
    LookAhead(*head, rest);
    if (last_id_ > newest && on_begun_ != nullptr && !on_begun_()) break;
  }
  *good = bytes.size() - rest.size();
  return violation;
}

void Http2Guard::LookAhead(const Http2FrameHead& head, std::string_view rest) {
  const int32_t id = head.stream_id;
  if (head.type != NGHTTP2_RST_STREAM || id <= seen_id_ || id > last_id_ ||
      rest.size() < head.length) {
    return;
  }
  if (resets_ahead_.empty() || resets_ahead_.back() < id) {
    resets_ahead_.push_back(id);
  }
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
      if (peer_ == Peer::kServer) return Spend(Cost::kUnknownFrame, now);
      return CountClientsReset(head.stream_id, now);
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
  return Violation{
      Http2Error::kEnhanceYourCalm,
      cost == Http2Budget::Cost::kReset
          ? "too many streams that are reset before they are answered"
          : "too many frames that carry nothing"};
}

std::optional<Http2Guard::Violation> Http2Guard::CountClientsReset(
    int32_t id, absl::Duration now) {
  switch (id > seen_id_ ? StreamState::kEarly : state_of_(id)) {
    case StreamState::kGone:
      return CountLate(now);
    case StreamState::kEarly:
      return Spend(Http2Budget::Cost::kReset, now);
    case StreamState::kOpen:
      return std::nullopt;
  }
  return std::nullopt;
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
    for (uint64_t* const bits : {&ended_, &reset_, &late_}) {
      *bits = newer < kRemembered ? *bits << newer : 0;
    }
    if (newer > 1) {
      if (gaps_.size() == kGapsMax) gaps_.erase(gaps_.begin());
      gaps_.push_back({last_id_ + 2, id - 2});
    }
    last_but_one_id_ = last_id_;
    last_id_ = id;
  } else if (opens && IsSkipped(id)) {
    return Violation{Http2Error::kProtocolError, "a stream id it had skipped"};
  }
  const uint64_t bit = BitOf(id);
  if (resets) {
    reset_ |= bit & ~ended_;
    return std::nullopt;
  }
  if ((ended_ & bit) != 0) {
    return Violation{Http2Error::kStreamClosed, "a stream it had ended"};
  }
  if ((reset_ & bit) != 0) {
    if ((late_ & bit) == 0) late_streams_.push_back(id);
    late_ |= bit;
  } else if (IsEndOfStream(head)) {
    ended_ |= bit;
  }
  return std::nullopt;
}

uint64_t Http2Guard::BitOf(int32_t id) const {
  const int32_t older = Ordinal(last_id_) - Ordinal(id);
  return older < kRemembered ? uint64_t{1} << older : 0;
}

bool Http2Guard::IsOver(const Http2FrameHead& head) const {
  if (peer_ == Peer::kClient && head.stream_id <= last_id_ &&
      (reset_ & BitOf(head.stream_id)) != 0) {
    return true;
  }
  return head.stream_id <= seen_id_ &&
         state_of_(head.stream_id) == StreamState::kGone;
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
