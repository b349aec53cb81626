// Http2FrameScanner finds the heads of the frames in what a peer sends, before
// anybody acts on them: nghttp2 tells nobody of the frames that it ignores, and
// a flood can be made of those too.
//
//   Http2FrameScanner scanner(Http2FrameScanner::kPrefaceBytes);
//   while (std::optional<Http2FrameHead> head = scanner.Next(bytes)) {
//     if (head->type == NGHTTP2_PING) ...
//   }
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_FRAME_SCANNER_H_
#define BASE_HTTP_HTTP2_FRAME_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway {

struct Http2FrameHead {
  uint32_t length = 0;  // Bytes of the payload.
  uint8_t type = 0;
  uint8_t flags = 0;
  int32_t stream_id = 0;
  // For DATA: how much of the payload is padding, its length field included.
  uint32_t padding_bytes = 0;
  // For PRIORITY: the stream that this one is to depend on.
  int32_t dependency = 0;
};

class Http2FrameScanner {
 public:
  // What a client sends before its first frame.
  static constexpr size_t kPrefaceBytes = 24;

  explicit Http2FrameScanner(size_t preface_bytes)
      : left_(static_cast<uint32_t>(preface_bytes)) {}

  // Removes bytes from the front of `bytes`, up to the end of a frame's head,
  // which it returns, or all of them. A head may come in pieces.
  std::optional<Http2FrameHead> Next(std::string_view& bytes);

  // True while a header block has begun and its last byte is not there yet.
  bool in_header_block() const {
    return block_open_ || (in_block_ && left_ > 0);
  }

 private:
  static constexpr size_t kHeadBytes = 9;

  // How many bytes of the current frame's payload are looked at.
  size_t PeekedBytes() const;
  Http2FrameHead Parse();

  uint32_t left_;            // Bytes to skip before the next head.
  bool in_block_ = false;    // The frame belongs to a header block,
  bool block_open_ = false;  // and another frame of the block follows.
  uint8_t size_ = 0;
  uint8_t wanted_ = kHeadBytes;
  uint8_t bytes_[kHeadBytes + 4];
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_FRAME_SCANNER_H_
