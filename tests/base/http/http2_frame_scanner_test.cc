#include "base/http/http2_frame_scanner.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/http2_frames.h"

namespace gateway {
namespace {

std::vector<Http2FrameHead> Scan(Http2FrameScanner& scanner,
                                 std::string_view bytes) {
  std::vector<Http2FrameHead> heads;
  while (const std::optional<Http2FrameHead> head = scanner.Next(bytes)) {
    heads.push_back(*head);
  }
  EXPECT_TRUE(bytes.empty());
  return heads;
}

TEST(Http2FrameScannerTest, FindsEveryHeadHoweverTheBytesAreCut) {
  const std::string padded = Http2Frame(
      RawFrameType::kData, kRawPadded | kRawEndStream, 5,
      std::string("\x03", 1) + "body" + std::string(3, '\0'));
  const std::string priority = Http2Frame(RawFrameType::kPriority, 0, 7,
                                          BigEndian(0x80000005, 4) + "w");
  const std::string stream = std::string(kHttp2Preface) + Http2Settings() +
                             Http2Post(5, false) + padded + priority +
                             Http2Data(9, "") + Http2Ping("12345678");
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    Http2FrameScanner scanner(Http2FrameScanner::kPrefaceBytes);
    std::vector<Http2FrameHead> heads;
    for (size_t at = 0; at < stream.size(); at += piece) {
      for (const Http2FrameHead& head :
           Scan(scanner, std::string_view(stream).substr(at, piece))) {
        heads.push_back(head);
      }
    }
    ASSERT_EQ(heads.size(), 6u) << piece;
    EXPECT_EQ(heads[0].type, 4);
    EXPECT_EQ(heads[1].type, 1);
    EXPECT_EQ(heads[1].stream_id, 5);
    EXPECT_EQ(heads[2].type, 0);
    EXPECT_EQ(heads[2].length, 8u);
    EXPECT_EQ(heads[2].flags, kRawPadded | kRawEndStream);
    EXPECT_EQ(heads[2].padding_bytes, 4u);
    EXPECT_EQ(heads[3].type, 2);
    EXPECT_EQ(heads[3].stream_id, 7);
    EXPECT_EQ(heads[3].dependency, 5);
    EXPECT_EQ(heads[4].length, 0u);
    EXPECT_EQ(heads[4].padding_bytes, 0u);
    EXPECT_EQ(heads[5].type, 6);
  }
}

TEST(Http2FrameScannerTest, KnowsWhenAHeaderBlockIsComplete) {
  Http2FrameScanner scanner(0);
  const std::string begin =
      Http2Frame(RawFrameType::kHeaders, kRawEndStream, 1, "abc");
  const std::string end =
      Http2Frame(RawFrameType::kContinuation, kRawEndHeaders, 1, "defg");
  EXPECT_FALSE(scanner.in_header_block());
  Scan(scanner, begin);
  EXPECT_TRUE(scanner.in_header_block());
  Scan(scanner, std::string_view(end).substr(0, 12));
  EXPECT_TRUE(scanner.in_header_block());
  Scan(scanner, std::string_view(end).substr(12));
  EXPECT_FALSE(scanner.in_header_block());
  Scan(scanner, std::string_view(Http2Ping("12345678")).substr(0, 10));
  EXPECT_FALSE(scanner.in_header_block());
}

TEST(Http2FrameScannerTest, TakesNonsenseForFrames) {
  Http2FrameScanner scanner(0);
  const std::string nonsense(100'000, '\xff');
  EXPECT_EQ(Scan(scanner, nonsense).size(), 1u);
}

}  // namespace
}  // namespace gateway
