#include "base/http/http1_head.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr size_t kHeadFields = 8;

absl::Status ReadHead(Http1Kind kind, std::string_view bytes, Http1Head* head) {
  head->Clear();
  return ReadHttp1Head(kind, bytes, kHeadFields, head).status();
}

absl::Status ReadAnswer(std::string_view bytes, Http1Head* head) {
  return ReadHead(Http1Kind::kResponses, bytes, head);
}

TEST(Http1HeadTest, ServersNeedNotSayAReason) {
  Http1Head head;
  for (const std::string_view bytes :
       {"HTTP/1.1 502\r\n\r\n", "HTTP/1.1 502 \r\n\r\n",
        "HTTP/1.1 502 B\xc3\xa4" "d\tGateway\r\n\r\n"}) {
    ASSERT_TRUE(ReadAnswer(bytes, &head).ok()) << bytes;
    EXPECT_EQ(head.status, 502);
  }
}

TEST(Http1HeadTest, RefusesStatusLinesThatAreNone) {
  Http1Head head;
  for (const std::string_view bytes :
       {"HTTP/1.1 5020 Bad\r\n\r\n", "HTTP/1.1 50\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n", "HTTP/1.1 +20 Plus\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAnswer(bytes, &head))) << bytes;
  }
}

TEST(Http1HeadTest, AnswersMayHaveOtherCodingsInFrontOfChunked) {
  Http1Head head;
  ASSERT_TRUE(ReadAnswer("HTTP/1.1 200 OK\r\n"
                         "transfer-encoding: gzip, Chunked\r\n\r\n",
                         &head)
                  .ok());
  EXPECT_TRUE(head.chunked);
  ASSERT_TRUE(ReadAnswer("HTTP/1.1 200 OK\r\n"
                         "transfer-encoding: identity\r\n"
                         "content-length: 3\r\n\r\n",
                         &head)
                  .ok());
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.content_length, 3u);
}

TEST(Http1HeadTest, AnswersWithTwoEndsAreRefused) {
  Http1Head head;
  for (const std::string_view fields :
       {"transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: gzip\r\ncontent-length: 3\r\n",
        "transfer-encoding: chunked, gzip\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n",
        "content-length: 3\r\ncontent-length: 4\r\n"}) {
    const std::string bytes =
        "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAnswer(bytes, &head))) << fields;
  }
}

TEST(Http1HeadTest, ReadsTheConnectionsOptions) {
  Http1Head head;
  ASSERT_TRUE(ReadAnswer("HTTP/1.1 200 OK\r\n"
                         "connection: , Keep-Alive ,\tx,CLOSE\r\n\r\n",
                         &head)
                  .ok());
  EXPECT_TRUE(head.says_close);
  EXPECT_TRUE(head.says_keep_alive);
}

// Sixteen bytes are looked at together.
TEST(Http1HeadTest, FindsControlCharactersWhereverTheyStand) {
  for (size_t size = 1; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        for (const char other : {'a', '\x80', '\xff', ' ', '~'}) {
          std::string value(size, other);
          value[at] = static_cast<char>(c);
          const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
          ASSERT_EQ(IsFieldValue(value), !control)
              << size << " " << at << " " << c;
        }
      }
    }
  }
}

TEST(Http1HeadTest, SaysWhereItEndsAndReadsNothingOfWhatFollows) {
  const std::string_view head = "HTTP/1.1 200 OK\r\nname: value\r\n\r\n";
  const std::string bytes = std::string(head) + "bo\x01dy: \r\n\r\n";
  for (size_t size = 0; size <= bytes.size(); ++size) {
    Http1Head read;
    const auto end = ReadHttp1Head(Http1Kind::kResponses,
                                   std::string_view(bytes).substr(0, size),
                                   kHeadFields, &read);
    ASSERT_EQ(end.ok(), size >= head.size()) << size;
    if (end.ok()) {
      EXPECT_EQ(*end, head.size());
    }
  }
}

TEST(Http1HeadTest, KnowsWhatMayStandInAField) {
  EXPECT_TRUE(IsFieldValue("a b\tc \xc3\xa9"));
  EXPECT_TRUE(IsFieldValue(""));
  for (const std::string_view bad :
       {std::string_view("a\rb"), std::string_view("a\nb"),
        std::string_view("a\0b", 3), std::string_view("a\x7f")}) {
    EXPECT_FALSE(IsFieldValue(bad));
  }
  EXPECT_TRUE(IsFieldName("x-A_1!"));
  for (const std::string_view bad : {"", "a b", "a:", "a\r", "(a)", "\xc3"}) {
    EXPECT_FALSE(IsFieldName(bad)) << bad;
  }
}

TEST(Http1HeadTest, ComparesNamesWithoutCase) {
  EXPECT_TRUE(EqualsIgnoreCase("Content-Type", "content-type"));
  EXPECT_FALSE(EqualsIgnoreCase("content-type", "content_type"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_TRUE(EqualsIgnoreCase("Host", "hOST"));
  // Whichever of its bytes differs, those behind the last whole word too.
  const std::string name = "X-RateLimit-Left";
  for (size_t size = 1; size <= name.size(); ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string other = name.substr(0, size);
      other[at] = '_';
      EXPECT_FALSE(EqualsIgnoreCase(other, name.substr(0, size))) << other;
    }
  }
}

TEST(TakeFieldLineTest, ANameMayHaveAnyTokenByteAnywhereAndNoOther) {
  for (int c = 1; c < 0x100; ++c) {
    const char byte = static_cast<char>(c);
    if (byte == ':' || byte == '\r' || byte == '\n') continue;
    for (size_t at = 0; at < 36; ++at) {
      std::string name = "Some-Name-Of-A-Field-Whose-Name-Goes";
      name[at] = byte;
      const std::string text = name + ": v\r\n\r\n";
      std::string_view line = text;
      HttpField field;
      EXPECT_EQ(TakeFieldLine(&line, &field).ok(), IsTokenByte(byte)) << text;
      EXPECT_EQ(field.name == name, IsTokenByte(byte)) << text;
    }
  }
}

}  // namespace
}  // namespace gateway
