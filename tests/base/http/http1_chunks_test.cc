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
