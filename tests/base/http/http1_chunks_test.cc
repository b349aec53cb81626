#include "base/http/http1_chunks.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr uint64_t kChunkedLimit = 1000;

struct Collected final : Http1BodySink {
  void OnBody(std::string_view piece) override { text.append(piece); }
  std::string text;
};

absl::Status ReadChunks(std::string_view bytes) {
  Http1Chunks chunks(kChunkedLimit);
  Collected body;
  return chunks.Put(bytes, body).status();
}

TEST(Http1ChunksTest, HandsOnDataAsItComes) {
  Http1Chunks chunks(kChunkedLimit);
  Collected body;
  EXPECT_EQ(*chunks.Put("5\r\nhe", body), 5u);
  EXPECT_EQ(body.text, "he");
  EXPECT_EQ(*chunks.Put("llo\r", body), 3u);
  EXPECT_EQ(body.text, "hello");
  EXPECT_EQ(*chunks.Put("\r\n0\r\n\r\nGET", body), 7u);
  EXPECT_TRUE(chunks.done());
  EXPECT_EQ(*chunks.Put("GET", body), 0u);
}

TEST(Http1ChunksTest, BeginsAgain) {
  Http1Chunks chunks(kChunkedLimit);
  Collected body;
  const std::string whole = "3e8\r\n" + std::string(kChunkedLimit, 'x') +
                            "\r\n0\r\nx-a: b\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(*chunks.Put(whole, body), whole.size());
    ASSERT_TRUE(chunks.done());
    chunks.Reset();
  }
  EXPECT_EQ(body.text.size(), 3 * kChunkedLimit);
}

// Chunks that are all there are taken in one step, and others in several.
TEST(Http1ChunksTest, WholeOrInPiecesChunksHaveOneMeaning) {
  const std::string full = "3e8\r\n" + std::string(kChunkedLimit, 'x') + "\r\n";
  const struct {
    std::string bytes;
    absl::StatusCode code;
    std::string_view body;
  } cases[] = {
      {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", absl::StatusCode::kOk,
       "01234567890123456789"},
      {"00000001\r\nx\r\n000000001\r\ny\r\n", absl::StatusCode::kOk, "xy"},
      {"1\r\nx\r\n1;a\r\ny\r\n", absl::StatusCode::kOk, "xy"},
      {full + "0\r\n\r\n", absl::StatusCode::kOk, ""},
      {full + "1\r\nx\r\n", absl::StatusCode::kOutOfRange, ""},
      {"1\r\nxy\r\n", absl::StatusCode::kInvalidArgument, "x"},
      {"1\nx\r\n", absl::StatusCode::kInvalidArgument, ""},
      {"1\r\nx\n\n", absl::StatusCode::kInvalidArgument, "x"},
      {"\r\nx\r\n", absl::StatusCode::kInvalidArgument, ""},
      {"g\r\nx\r\n", absl::StatusCode::kInvalidArgument, ""},
      {"ffffffff\r\nx\r\n", absl::StatusCode::kOutOfRange, ""},
  };
  for (const auto& each : cases) {
    Http1Chunks whole(kChunkedLimit);
    Collected at_once;
    EXPECT_EQ(whole.Put(each.bytes, at_once).status().code(), each.code)
        << each.bytes;
    Http1Chunks cut(kChunkedLimit);
    Collected bit_by_bit;
    absl::Status status;
    size_t begin = 0;
    for (size_t end = 1; end <= each.bytes.size() && status.ok(); ++end) {
      const auto used = cut.Put(
          std::string_view(each.bytes).substr(begin, end - begin), bit_by_bit);
      status = used.status();
      if (used.ok()) begin += *used;
    }
    EXPECT_EQ(status.code(), each.code) << each.bytes;
    EXPECT_EQ(at_once.text, bit_by_bit.text);
    if (!each.body.empty()) {
      EXPECT_EQ(at_once.text, each.body);
    }
  }
}

TEST(Http1ChunksTest, ExtensionsAreReadByTheLetter) {
  for (const std::string_view good :
       {"1;a", "1;a=b", "1 ; a = b ;c", "1;a=\"b;\\\"c\"", "1;a=\"\"", "1 ",
        "1;a;b=c;d", "00001"}) {
    EXPECT_TRUE(ReadChunks(std::string(good) + "\r\nx\r\n").ok()) << good;
  }
  for (const std::string_view bad :
       {"1;", "1 a", "1;=b", "1;a=", "1;a=\"b", "1;a=\"b\\\"", "1;a=\"b\"c",
        "1;a\x01", "1,2", "1;a=b c"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(ReadChunks(std::string(bad) + "\r\nx\r\n")))
        << bad;
  }
}

TEST(Http1ChunksTest, ALineThatDoesNotEndIsNotKept) {
  for (const std::string_view begin : {"1;", "0\r\nx-trailer: "}) {
    const std::string bytes = std::string(begin) + std::string(4100, 'e');
    EXPECT_TRUE(absl::IsInvalidArgument(ReadChunks(bytes)));
    EXPECT_TRUE(absl::IsInvalidArgument(ReadChunks(bytes + "\r\n")));
    EXPECT_TRUE(ReadChunks(bytes.substr(0, 4000)).ok());
  }
}

}  // namespace
}  // namespace gateway
