#include "base/http2_guard.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace gateway {
namespace {

// How many separate runs of skipped stream ids are remembered. Clients count
// up without gaps; it takes malice to fill these.
constexpr size_t kGapsMax = 64;

constexpr uint32_t kPriorityBytes = 5;

}  // namespace

Http2Guard::Http2Guard(Peer peer, absl::Duration now)
    : peer_(peer),
      scanner_(peer == Peer::kClient ? Http2FrameScanner::kPrefaceBytes : 0),
      budget_(now) {}

std::optional<Http2Guard::Refusal> Http2Guard::Inspect(std::string_view bytes,
                                                       absl::Duration now,
                                                       size_t* good) {
  began_header_block_ = false;
  std::string_view rest = bytes;
  std::optional<Refusal> refusal;
  while (!refusal.has_value()) {
    const std::optional<Http2FrameHead> head = scanner_.Next(rest);
    if (!head.has_value()) break;
    refusal = Judge(*head, now);
  }
  *good = bytes.size() - rest.size();
  return refusal;
}

std::optional<Http2Guard::Refusal> Http2Guard::Judge(
    const Http2FrameHead& head, absl::Duration now) {
  using Cost = Http2Budget::Cost;
  switch (head.type) {
    case NGHTTP2_DATA:
      if (head.length != head.padding_bytes ||
          (head.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        return std::nullopt;
      }
      return Spend(Cost::kEmptyData, now);
    case NGHTTP2_HEADERS:
      began_header_block_ = true;
      if (peer_ == Peer::kServer || NoteStreamId(head.stream_id)) {
        return std::nullopt;
      }
      return Refusal{Http2Error::kProtocolError, "a stream id it had skipped"};
    case NGHTTP2_CONTINUATION:
      return std::nullopt;  // nghttp2 takes eight in a row.
    case NGHTTP2_PRIORITY:
      // nghttp2 looks at these only if it keeps the tree.
      if (head.dependency == head.stream_id && head.length == kPriorityBytes) {
        return Refusal{Http2Error::kProtocolError,
                       "a stream that depends on itself"};
      }
      return Spend(Cost::kPriority, now);
    case NGHTTP2_RST_STREAM:
      return Spend(Cost::kReset, now);
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

std::optional<Http2Guard::Refusal> Http2Guard::Spend(Http2Budget::Cost cost,
                                                     absl::Duration now) {
  if (budget_.Spend(cost, now)) return std::nullopt;
  return Refusal{Http2Error::kEnhanceYourCalm,
                 "too many frames that carry nothing"};
}

// nghttp2 takes a stream whose id was skipped for one that has been closed.
bool Http2Guard::NoteStreamId(int32_t id) {
  if (id <= last_id_) return !IsSkipped(id);
  if (id > last_id_ + 2) {
    if (gaps_.size() == kGapsMax) gaps_.erase(gaps_.begin());
    gaps_.push_back({last_id_ + 2, id - 2});
  }
  last_id_ = id;
  return true;
}

bool Http2Guard::IsSkipped(int32_t id) const {
  return std::any_of(gaps_.begin(), gaps_.end(), [id](const Gap& gap) {
    return gap.first <= id && id <= gap.second;
  });
}

}  // namespace gateway
