// HTTP/2 frames by hand, to send what no library would, and to read what comes
// back.
//
//   RawClient client = RawClient::Connect(port);
//   client.Send(Http2Greeting() + Http2Post(1) + Http2Ping("12345678"));
//   const std::vector<RawFrame> frames = ReceiveFrames(client);
//
// It shares no code with what it tests.
//
// Thread contract: plain functions.

#ifndef TESTS_TESTING_HTTP2_FRAMES_H_
#define TESTS_TESTING_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/testing/raw_client.h"

namespace gateway {

enum class RawFrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kUnknown = 0x77,
};

constexpr uint8_t kRawAck = 0x1;
constexpr uint8_t kRawEndStream = 0x1;
constexpr uint8_t kRawEndHeaders = 0x4;
constexpr uint8_t kRawPadded = 0x8;

struct RawFrame {
  RawFrameType type;
  uint8_t flags;
  uint32_t stream;
  std::string payload;

  // The number in the payload's four bytes from `at`.
  uint32_t Number(size_t at) const {
    uint32_t number = 0;
    for (size_t i = at; i < at + 4 && i < payload.size(); ++i) {
      number = number << 8 | static_cast<uint8_t>(payload[i]);
    }
    return number;
  }
};

inline std::string BigEndian(uint32_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return text;
}

inline std::string Http2Frame(RawFrameType type, uint8_t flags,
                              uint32_t stream, std::string_view payload) {
  std::string frame = BigEndian(static_cast<uint32_t>(payload.size()), 3);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  frame += BigEndian(stream, 4);
  frame += payload;
  return frame;
}

inline std::string Http2Settings() {
  return Http2Frame(RawFrameType::kSettings, 0, 0, "");
}

inline std::string Http2SettingsAck() {
  return Http2Frame(RawFrameType::kSettings, kRawAck, 0, "");
}

inline constexpr std::string_view kHttp2Preface =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// All that a client owes a server besides requests.
inline std::string Http2Greeting() {
  return std::string(kHttp2Preface) + Http2Settings() + Http2SettingsAck();
}

// A header block: a POST to `/` without anything else.
inline std::string Http2PostBlock() {
  // Indexed: :method POST, :scheme http, :path /; then :authority "x".
  return std::string("\x83\x86\x84\x01\x01x", 6);
}

// Likewise: a GET.
inline std::string Http2GetBlock() {
  return std::string("\x82\x86\x84\x01\x01x", 6);
}

inline std::string Http2Headers(uint32_t stream, std::string_view block,
                                bool end = true) {
  return Http2Frame(
      RawFrameType::kHeaders,
      static_cast<uint8_t>(kRawEndHeaders | (end ? kRawEndStream : 0)), stream,
      block);
}

inline std::string Http2Post(uint32_t stream, bool end = true) {
  return Http2Headers(stream, Http2PostBlock(), end);
}

inline std::string Http2Data(uint32_t stream, std::string_view bytes,
                             bool end = false) {
  return Http2Frame(RawFrameType::kData, end ? kRawEndStream : 0, stream,
                    bytes);
}

inline std::string Http2Reset(uint32_t stream, uint32_t error) {
  return Http2Frame(RawFrameType::kRstStream, 0, stream, BigEndian(error, 4));
}

inline std::string Http2Ping(std::string_view payload, bool ack = false) {
  return Http2Frame(RawFrameType::kPing, ack ? kRawAck : 0, 0, payload);
}

inline std::string Http2WindowUpdate(uint32_t stream, uint32_t bytes) {
  return Http2Frame(RawFrameType::kWindowUpdate, 0, stream,
                    BigEndian(bytes, 4));
}

inline std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

// The next frame; false at the end.
inline bool ReceiveFrame(RawClient& client, RawFrame* frame) {
  const std::string head = client.ReceiveExactly(9);
  if (head.size() < 9) return false;
  const auto byte = [&head](int i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(head[i]));
  };
  frame->type = static_cast<RawFrameType>(byte(3));
  frame->flags = static_cast<uint8_t>(byte(4));
  frame->stream =
      (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
  const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
  frame->payload = client.ReceiveExactly(size);
  return frame->payload.size() == size;
}

// The next frame of this type; one with an empty payload of the type kUnknown
// if none comes.
inline RawFrame ReceiveFrameOf(RawClient& client, RawFrameType type) {
  RawFrame frame;
  while (ReceiveFrame(client, &frame)) {
    if (frame.type == type) return frame;
  }
  return {RawFrameType::kUnknown, 0, 0, ""};
}

// All that come until the end.
inline std::vector<RawFrame> ReceiveFrames(RawClient& client) {
  std::vector<RawFrame> frames;
  RawFrame frame;
  while (ReceiveFrame(client, &frame)) frames.push_back(frame);
  return frames;
}

}  // namespace gateway

#endif  // TESTS_TESTING_HTTP2_FRAMES_H_
