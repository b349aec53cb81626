#include "base/http/http2_frame_scanner.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace gateway {
namespace {

uint32_t Number(const uint8_t* bytes, int size) {
  uint32_t number = 0;
  for (int i = 0; i < size; ++i) number = number << 8 | bytes[i];
  return number;
}

int32_t StreamId(const uint8_t* bytes) {
  return static_cast<int32_t>(Number(bytes, 4) & INT32_MAX);
}

}  // namespace

std::optional<Http2FrameHead> Http2FrameScanner::Next(
    std::string_view& bytes) {
  const size_t skipped = std::min<size_t>(left_, bytes.size());
  bytes.remove_prefix(skipped);
  left_ -= static_cast<uint32_t>(skipped);
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(wanted_ - size_, bytes.size());
    std::memcpy(bytes_ + size_, bytes.data(), size);
    bytes.remove_prefix(size);
    size_ += static_cast<uint8_t>(size);
    if (size_ < wanted_) break;
    if (size_ == kHeadBytes && PeekedBytes() > 0) {
      wanted_ += static_cast<uint8_t>(PeekedBytes());
      continue;
    }
    return Parse();
  }
  return std::nullopt;
}

size_t Http2FrameScanner::PeekedBytes() const {
  const uint32_t length = Number(bytes_, 3);
  switch (bytes_[3]) {
    case NGHTTP2_DATA:
      return length > 0 && (bytes_[4] & NGHTTP2_FLAG_PADDED) != 0 ? 1 : 0;
    case NGHTTP2_PRIORITY:
      return length >= 4 ? 4 : 0;
    default:
      return 0;
  }
}

Http2FrameHead Http2FrameScanner::Parse() {
  Http2FrameHead head;
  head.length = Number(bytes_, 3);
  head.type = bytes_[3];
  head.flags = bytes_[4];
  head.stream_id = StreamId(bytes_ + 5);
  if (size_ > kHeadBytes) {
    if (head.type == NGHTTP2_DATA) {
      head.padding_bytes = 1 + bytes_[kHeadBytes];
    } else {
      head.dependency = StreamId(bytes_ + kHeadBytes);
    }
  }
  in_block_ =
      head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_CONTINUATION;
  block_open_ = in_block_ && (head.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
  left_ = head.length - static_cast<uint32_t>(size_ - kHeadBytes);
  size_ = 0;
  wanted_ = kHeadBytes;
  return head;
}

}  // namespace gateway
