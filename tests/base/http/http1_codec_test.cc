#include "base/http/http1_codec.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Kind = Http1Parser::Kind;

constexpr Http1Parser::Limits kRoomy{};

struct BodyText final : Http1BodySink {
  void OnBody(std::string_view piece) override { text.append(piece); }
  std::string text;
};

// Everything the codec says of one message, as text.
std::string Describe(const Http1Parser& parser, Kind kind,
                     const std::string& body) {
  std::string out =
      kind == Kind::kRequests
          ? absl::StrCat(ToAbsl(parser.method()), " ", ToAbsl(parser.target()))
          : absl::StrCat(parser.status());
  absl::StrAppend(&out, parser.is_http11() ? " 1.1" : " 1.0",
                  parser.keep_alive() ? " keep" : " close",
                  parser.chunked() ? " chunked" : "",
                  parser.expects_continue() ? " expects" : "");
  if (parser.content_length().has_value()) {
    absl::StrAppend(&out, " length");
  }
  for (const HttpField& field : parser.fields()) {
    absl::StrAppend(&out, "|", ToAbsl(field.name), "=", ToAbsl(field.value));
  }
  return absl::StrCat(out, "|", body);
}

// Puts bytes as a connection does: what a read brought is put behind what is
// left, in memory that is new each time, until a head has been checked.
class Feed {
 public:
  explicit Feed(Kind kind, const Http1Parser::Limits& limits = kRoomy)
      : kind_(kind), parser_(kind, limits) {}

  absl::Status Arrive(std::string_view bytes) {
    left_ += bytes;
    for (;;) {
      const bool had_head = parser_.head_done();
      auto memory = std::make_unique<std::string>(left_);
      GATEWAY_ASSIGN_OR_RETURN(const size_t used, parser_.Put(*memory, body_));
      EXPECT_LE(used, left_.size());
      left_.erase(0, used);
      // The head's views live as long as the memory that it was whole in.
      if (!had_head && parser_.head_done()) head_ = std::move(memory);
      if (parser_.done()) {
        messages_.push_back(Describe(parser_, kind_, body_.text));
        body_.text.clear();
        parser_.Next();
      } else if (had_head || !parser_.head_done()) {
        return absl::OkStatus();
      }
      if (left_.empty() && !parser_.head_done()) return absl::OkStatus();
    }
  }

  absl::Status End() {
    GATEWAY_RETURN_IF_ERROR(parser_.PutEnd());
    if (parser_.done()) {
      messages_.push_back(Describe(parser_, kind_, body_.text));
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& messages() const { return messages_; }
  Http1Parser& parser() { return parser_; }
  const std::string& body() const { return body_.text; }

 private:
  const Kind kind_;
  Http1Parser parser_;
  BodyText body_;
  std::string left_;
  std::unique_ptr<std::string> head_;
  std::vector<std::string> messages_;
};

absl::Status Check(std::string_view request,
                   const Http1Parser::Limits& limits = kRoomy) {
  Feed feed(Kind::kRequests, limits);
  return feed.Arrive(request);
}

struct Sample {
  Kind kind;
  std::string bytes;
  bool ends = false;  // The connection's end is the message's.
  std::vector<std::string> messages;
};

std::vector<Sample> Samples() {
  return {
      {Kind::kRequests,
       "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept:  */*  \r\n\r\n",
       false,
       {"GET /a?b=c 1.1 keep|Host=x|Accept=*/*|"}},
      {Kind::kRequests,
       "POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
       false,
       {"POST /v1 1.1 keep length|host=x|content-length=5|hello"}},
      {Kind::kRequests,
       "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: CHUNKED\r\n"
       "expect: 100-Continue\r\n\r\n"
       "5\r\nhello\r\n6;ext=\"a b\"\r\n world\r\n0\r\n"
       "x-trailer: t\r\n\r\n",
       false,
       {"POST / 1.1 keep chunked expects|host=x|transfer-encoding=CHUNKED|"
        "expect=100-Continue|hello world"}},
      {Kind::kRequests,
       "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
       "0\r\n\r\n",
       false,
       {"POST / 1.1 keep chunked|host=x|transfer-encoding=chunked|"}},
      {Kind::kRequests,
       "GET / HTTP/1.0\r\n\r\n"
       "GET /2 HTTP/1.0\r\nConnection: keep-alive\r\nEmpty:\r\n\r\n",
       false,
       {"GET / 1.0 close|", "GET /2 1.0 keep|Connection=keep-alive|Empty=|"}},
      {Kind::kRequests,
       "\r\n\r\nPOST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
       "\r\n"
       "POST /2 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
       "00a\r\n0123456789\r\n000\r\n\r\n"
       "DELETE /3 HTTP/1.1\r\nhost: x\r\nconnection: x, close\r\n\r\n",
       false,
       {"POST /1 1.1 keep length|host=x|content-length=3|abc",
        "POST /2 1.1 keep chunked|host=x|transfer-encoding=chunked|0123456789",
        "DELETE /3 1.1 close|host=x|connection=x, close|"}},
      {Kind::kResponses,
       "HTTP/1.1 100 Continue\r\n\r\n"
       "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n"
       "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"
       "HTTP/1.1 204 No Content\r\n\r\n"
       "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
       false,
       {"100 1.1 keep|", "103 1.1 keep|link=a|",
        "200 1.1 keep length|content-length=4|body", "204 1.1 keep|",
        "304 1.1 keep length|content-length=9|"}},
      {Kind::kResponses,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"
       "HTTP/1.1 500 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
       false,
       {"200 1.1 keep chunked|Transfer-Encoding=chunked|0123456789x",
        "500 1.1 close length|content-length=0|connection=close|"}},
      {Kind::kResponses,
       "HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nto the end",
       true,
       {"200 1.0 close|content-type=text/plain|to the end"}},
  };
}

TEST(Http1CodecTest, ReadsMessagesThatArriveWhole) {
  for (const Sample& sample : Samples()) {
    Feed feed(sample.kind);
    ASSERT_TRUE(feed.Arrive(sample.bytes).ok()) << sample.bytes;
    if (sample.ends) {
      ASSERT_TRUE(feed.End().ok());
    }
    EXPECT_EQ(feed.messages(), sample.messages) << sample.bytes;
  }
}

TEST(Http1CodecTest, SurvivesEverySplit) {
  for (const Sample& sample : Samples()) {
    for (size_t at = 1; at < sample.bytes.size(); ++at) {
      Feed feed(sample.kind);
      const std::string_view bytes = sample.bytes;
      const absl::Status first = feed.Arrive(bytes.substr(0, at));
      ASSERT_TRUE(first.ok()) << at << first << bytes;
      const absl::Status second = feed.Arrive(bytes.substr(at));
      ASSERT_TRUE(second.ok()) << at << second << bytes;
      if (sample.ends) {
        ASSERT_TRUE(feed.End().ok());
      }
      ASSERT_EQ(feed.messages(), sample.messages) << at << ": " << bytes;
    }
  }
}

TEST(Http1CodecTest, SurvivesBytesThatComeOneByOne) {
  for (const Sample& sample : Samples()) {
    Feed feed(sample.kind);
    for (const char& byte : sample.bytes) {
      ASSERT_TRUE(feed.Arrive({&byte, 1}).ok()) << sample.bytes;
    }
    if (sample.ends) {
      ASSERT_TRUE(feed.End().ok());
    }
    EXPECT_EQ(feed.messages(), sample.messages) << sample.bytes;
  }
}

TEST(Http1CodecTest, StopsBehindTheHeadSoThatItCanBeChecked) {
  Http1Parser parser(Kind::kRequests, kRoomy);
  BodyText body;
  const std::string_view head =
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n";
  const std::string all = absl::StrCat(ToAbsl(head), "ab");
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(*parser.Put(all, body), head.size());
  EXPECT_FALSE(parser.idle());
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(body.text, "");
  EXPECT_EQ(*parser.Put(all.substr(head.size()), body), 2u);
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(body.text, "ab");
}

TEST(Http1CodecTest, EmptyLinesBeforeARequestAreNoBeginning) {
  Http1Parser parser(Kind::kRequests, kRoomy);
  BodyText body;
  EXPECT_EQ(*parser.Put("\r\n\r\n", body), 4u);
  EXPECT_EQ(*parser.Put("\r", body), 0u);
  EXPECT_TRUE(parser.idle());
}

TEST(Http1CodecTest, AnAnswerToHeadHasNoBody) {
  Http1Parser parser(Kind::kResponses, kRoomy);
  BodyText body;
  parser.SkipBody();
  ASSERT_TRUE(
      parser.Put("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", body).ok());
  EXPECT_TRUE(parser.done());
}

TEST(Http1CodecTest, DroppedFieldsDoNotPointAnywhere) {
  Http1Parser parser(Kind::kResponses, kRoomy);
  BodyText body;
  ASSERT_TRUE(
      parser
          .Put("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nX-A: one\r\n\r\n", body)
          .ok());
  EXPECT_EQ(parser.Find("x-a"), "one");
  parser.DropFields();
  EXPECT_EQ(parser.Find("x-a"), "");
  EXPECT_TRUE(parser.fields().empty());
  // What the body needs is known nevertheless.
  ASSERT_TRUE(parser.Put("123456789", body).ok());
  EXPECT_TRUE(parser.done());
}

// Requests on which two servers in a row might not agree where they end.
struct Trick {
  std::string name;
  std::string bytes;
};

std::ostream& operator<<(std::ostream& out, const Trick& trick) {
  return out << trick.name;
}

std::string Post(std::string_view fields, std::string_view body = "") {
  return absl::StrCat("POST / HTTP/1.1\r\nhost: x\r\n", ToAbsl(fields),
                      "\r\n", ToAbsl(body));
}

constexpr char kChunked[] = "transfer-encoding: chunked\r\n";

// Codings that the next server may not see, or see otherwise.
std::vector<Trick> CodingTricks() {
  const std::string chunked = kChunked;
  return {
      {"LengthThenChunked",
       Post("content-length: 5\r\n" + chunked, "0\r\n\r\n")},
      {"ChunkedThenLength",
       Post(chunked + "content-length: 5\r\n", "0\r\n\r\n")},
      {"ChunkedTwice", Post(chunked + chunked, "0\r\n\r\n")},
      {"ChunkedThenIdentity",
       Post("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n")},
      {"IdentityThenChunked",
       Post("transfer-encoding: identity, chunked\r\n", "0\r\n\r\n")},
      {"IdentityFieldThenChunkedField",
       Post("transfer-encoding: identity\r\n" + chunked, "0\r\n\r\n")},
      {"ChunkedFieldThenIdentityField",
       Post(chunked + "transfer-encoding: identity\r\n", "0\r\n\r\n")},
      {"ChunkedTwiceInOneField",
       Post("transfer-encoding: chunked, chunked\r\n", "0\r\n\r\n")},
      {"XChunked", Post("transfer-encoding: xchunked\r\n", "0\r\n\r\n")},
      {"GzipChunked",
       Post("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n")},
      {"Identity", Post("transfer-encoding: identity\r\n")},
      {"EmptyCoding", Post("transfer-encoding:\r\n")},
      {"QuotedChunked",
       Post("transfer-encoding: \"chunked\"\r\n", "0\r\n\r\n")},
      {"ChunkedWithParameter",
       Post("transfer-encoding: chunked;a=b\r\n", "0\r\n\r\n")},
      {"VerticalTabBeforeChunked",
       Post("transfer-encoding: \vchunked\r\n", "0\r\n\r\n")},
      {"ChunkedInHttp10",
       "POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n"},
  };
}

// Lines that end or begin where the next server sees none.
std::vector<Trick> LineTricks() {
  const std::string nul("a\0b", 3);
  return {
      {"FoldedValue", Post("x-a: one\r\n two\r\n")},
      {"FoldedCoding",
       Post("transfer-encoding:\r\n chunked\r\n", "0\r\n\r\n")},
      {"FoldedEmpty", Post("x-a:\r\n \r\n")},
      {"FoldedByTab", Post("x-a: one\r\n\ttwo\r\n")},
      {"FirstFieldFolded",
       "GET / HTTP/1.1\r\n host: x\r\nhost: x\r\n\r\n"},
      {"SpaceBeforeColon", Post("content-length : 5\r\n", "hello")},
      {"TabBeforeColon", Post("content-length\t: 5\r\n", "hello")},
      {"NoColon", Post("content-length 5\r\n")},
      {"NoName", Post(": 5\r\n")},
      {"SpaceInName", Post("content length: 5\r\n")},
      {"BareFeedBetweenFields", Post("x-a: one\nx-b: two\r\n")},
      {"BareFeeds", "GET / HTTP/1.1\nhost: x\n\n"},
      {"BareFeedAtTheEnd", "GET / HTTP/1.1\r\nhost: x\r\n\n"},
      {"BareReturnInValue", Post("x-a: one\rx-b: two\r\n")},
      {"NulInValue", Post("x-a: " + nul + "\r\n")},
      {"NulInName", Post(nul + ": 1\r\n")},
      {"NulInTarget", "GET /" + nul + " HTTP/1.1\r\nhost: x\r\n\r\n"},
      {"DeleteInValue", Post("x-a: a\x7f\r\n")},
  };
}

// Two answers to the same question, or none.
std::vector<Trick> LengthTricks() {
  return {
      {"TwoHosts", Post("host: y\r\n")},
      {"TwoEqualHosts", Post("host: x\r\n")},
      {"NoHost", "GET / HTTP/1.1\r\n\r\n"},
      {"TwoLengths",
       Post("content-length: 5\r\ncontent-length: 6\r\n", "hello!")},
      {"TwoLengthsInOneField", Post("content-length: 5, 6\r\n", "hello!")},
      {"NegativeLength", Post("content-length: -5\r\n", "hello")},
      {"PlusLength", Post("content-length: +5\r\n", "hello")},
      {"HexLength", Post("content-length: 0x5\r\n", "hello")},
      {"WordLength", Post("content-length: five\r\n", "hello")},
      {"EmptyLength", Post("content-length:\r\n", "hello")},
      {"SpacedLength", Post("content-length: 5 5\r\n", "hello")},
      {"FractionalLength", Post("content-length: 5.0\r\n", "hello")},
      {"OverflowingLength",
       Post("content-length: 18446744073709551621\r\n", "hello")},
  };
}

// Chunks that end elsewhere for the next server.
std::vector<Trick> ChunkTricks() {
  const std::string chunked = kChunked;
  return {
      {"ChunkExtensionWithLineFeed",
       Post(chunked, "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")},
      {"ChunkExtensionThatDoesNotEnd",
       Post(chunked, "5;a=\"b\r\nhello\r\n0\r\n\r\n")},
      {"LastChunkExtensionThatDoesNotEnd", Post(chunked, "0;a=\"b\r\n\r\n")},
      {"ChunkSizeNotHex", Post(chunked, "5g\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeEmpty", Post(chunked, "\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeWithPrefix", Post(chunked, "0x5\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeNegative", Post(chunked, "-5\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeSpaceBefore", Post(chunked, " 5\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeOverflow",
       Post(chunked, "10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"ChunkSizeBareFeed", Post(chunked, "5\nhello\r\n0\r\n\r\n")},
      {"ChunkLongerThanSaid", Post(chunked, "5\r\nhello!\r\n0\r\n\r\n")},
      {"ChunkDataBareFeed", Post(chunked, "5\r\nhello\n0\r\n\r\n")},
      {"ChunkExtensionBareReturn",
       Post(chunked, "5;a\rb\r\nhello\r\n0\r\n\r\n")},
      {"TrailerWithLength",
       Post(chunked, "0\r\ncontent-length: 5\r\n\r\n")},
      {"TrailerMalformed", Post(chunked, "0\r\nno colon\r\n\r\n")},
  };
}

// Request lines that are not HTTP/1.
std::vector<Trick> RequestLineTricks() {
  return {
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"Http09", "GET /\r\n\r\n"},
      {"Http12", "GET / HTTP/1.2\r\nhost: x\r\n\r\n"},
      {"LowerCaseVersion", "GET / http/1.1\r\nhost: x\r\n\r\n"},
      {"TwoSpaces", "GET  / HTTP/1.1\r\nhost: x\r\n\r\n"},
      {"SpaceInTarget", "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n"},
      {"TabInRequestLine", "GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n"},
      {"SpaceBehindVersion", "GET / HTTP/1.1 \r\nhost: x\r\n\r\n"},
  };
}

std::vector<Trick> Tricks() {
  std::vector<Trick> all;
  for (const auto& group : {CodingTricks, LineTricks, LengthTricks, ChunkTricks,
                            RequestLineTricks}) {
    for (Trick& trick : group()) all.push_back(std::move(trick));
  }
  return all;
}

class TrickTest : public testing::TestWithParam<Trick> {};

TEST_P(TrickTest, IsRefusedWhole) {
  const absl::Status status = Check(GetParam().bytes);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

TEST_P(TrickTest, IsRefusedWhenItComesByteByByte) {
  Feed feed(Kind::kRequests);
  absl::Status status = absl::OkStatus();
  for (const char& byte : GetParam().bytes) {
    status = feed.Arrive({&byte, 1});
    if (!status.ok()) break;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

INSTANTIATE_TEST_SUITE_P(Smuggling, TrickTest, testing::ValuesIn(Tricks()),
                         [](const testing::TestParamInfo<Trick>& info) {
                           return info.param.name;
                         });

TEST(Http1CodecTest, TrailersNeverJoinTheFields) {
  Feed feed(Kind::kRequests);
  ASSERT_TRUE(feed.Arrive(Post("transfer-encoding: chunked\r\n",
                               "0\r\nhost: evil\r\nx-b: 2\r\n\r\n"))
                  .ok());
  EXPECT_THAT(feed.messages(),
              ElementsAre("POST / 1.1 keep chunked|host=x|"
                          "transfer-encoding=chunked|"));
}

TEST(Http1CodecTest, EqualLengthsAreOneLength) {
  Feed feed(Kind::kRequests);
  ASSERT_TRUE(
      feed.Arrive(Post("content-length: 2\r\ncontent-length: 2\r\n", "ab"))
          .ok());
  EXPECT_EQ(feed.messages().size(), 1u);
}

TEST(Http1CodecTest, RefusesWhatCannotBecomeAHeadAtOnce) {
  EXPECT_TRUE(absl::IsInvalidArgument(Check("\x16\x03\x01\x02")));
  EXPECT_TRUE(absl::IsInvalidArgument(Check("\n")));
  EXPECT_TRUE(absl::IsInvalidArgument(Check("GET / HTTP/1.1\n")));
  Feed answers(Kind::kResponses);
  EXPECT_TRUE(absl::IsInvalidArgument(answers.Arrive("SSH-2.0")));
  Feed more_answers(Kind::kResponses);
  EXPECT_TRUE(more_answers.Arrive("HTT").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(more_answers.Arrive("X")));
}

TEST(Http1CodecTest, HoldsTheHeadToExactlyItsLimit) {
  const std::string head = Post("x-a: 0123456789\r\n");
  EXPECT_TRUE(Check(head, {.head_bytes = head.size()}).ok());
  const absl::Status over = Check(head, {.head_bytes = head.size() - 1});
  EXPECT_TRUE(absl::IsResourceExhausted(over)) << over;
  EXPECT_THAT(ToStd(over.message()), HasSubstr("head"));
}

TEST(Http1CodecTest, AnEndlessHeadIsRefusedAtTheLimit) {
  Feed feed(Kind::kRequests, {.head_bytes = 100});
  ASSERT_TRUE(feed.Arrive("GET /" + std::string(94, 'a')).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(feed.Arrive("a")));
}

TEST(Http1CodecTest, HoldsTheFieldsToExactlyTheirLimit) {
  std::string fields;
  for (int i = 1; i < 10; ++i) absl::StrAppend(&fields, "f", i, ": v\r\n");
  EXPECT_TRUE(Check(Post(fields), {.fields = 10}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Check(Post(fields), {.fields = 9})));
}

TEST(Http1CodecTest, HoldsAKnownLengthToItsLimitBeforeTheBody) {
  const Http1Parser::Limits limits{.body_bytes = 10};
  EXPECT_TRUE(Check(Post("content-length: 10\r\n", "0123456789"), limits).ok());
  const absl::Status over = Check(Post("content-length: 11\r\n"), limits);
  EXPECT_TRUE(absl::IsOutOfRange(over)) << over;
}

TEST(Http1CodecTest, HoldsAllChunksTogetherToTheLimit) {
  const Http1Parser::Limits limits{.body_bytes = 10};
  const std::string chunked = "transfer-encoding: chunked\r\n";
  EXPECT_TRUE(
      Check(Post(chunked, "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n"), limits)
          .ok());
  EXPECT_TRUE(
      absl::IsOutOfRange(Check(Post(chunked, "6\r\n012345\r\n5\r\n"), limits)));
  EXPECT_TRUE(
      absl::IsOutOfRange(Check(Post(chunked, "fffffffffffffff0\r\n"), limits)));
}

TEST(Http1CodecTest, HoldsTheFramingOfChunksToItsLimit) {
  const std::string head =
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
  // The smallest chunks that there are may be as many as they like.
  Feed tiny(Kind::kRequests);
  ASSERT_TRUE(tiny.Arrive(head).ok());
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(tiny.Arrive("1\r\nx\r\n").ok());
  }
  EXPECT_EQ(tiny.body().size(), 100'000u);
  // What is no body may not.
  Feed padded(Kind::kRequests);
  ASSERT_TRUE(padded.Arrive(head).ok());
  const std::string chunk =
      absl::StrCat("1;", std::string(1000, 'e'), "\r\nx\r\n");
  size_t framing = 0;
  absl::Status fed;
  while (fed.ok() && framing < 10 * Http1Chunks::kFramingBytesFree) {
    fed = padded.Arrive(chunk);
    framing += chunk.size() - 1;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(fed)) << fed;
  EXPECT_GT(framing, Http1Chunks::kFramingBytesFree);
  EXPECT_LT(framing, Http1Chunks::kFramingBytesFree + 2 * chunk.size());
}

TEST(Http1CodecTest, HoldsABodyWithoutLengthToTheLimit) {
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  Feed feed(Kind::kResponses, {.body_bytes = 10});
  ASSERT_TRUE(feed.Arrive(head + "01234").ok());
  ASSERT_TRUE(feed.Arrive("56789").ok());
  EXPECT_TRUE(absl::IsOutOfRange(feed.Arrive("x")));
}

TEST(Http1CodecTest, AnEndWithinAMessageIsAnError) {
  for (const std::string_view cut :
       {"HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"}) {
    Feed feed(Kind::kResponses);
    ASSERT_TRUE(feed.Arrive(cut).ok()) << cut;
    EXPECT_TRUE(absl::IsUnavailable(feed.End())) << cut;
  }
}

TEST(Http1CodecTest, AnEndBetweenMessagesIsNone) {
  Feed feed(Kind::kResponses);
  EXPECT_TRUE(feed.End().ok());
  ASSERT_TRUE(feed.Arrive("HTTP/1.1 204 No Content\r\n\r\n").ok());
  EXPECT_TRUE(feed.End().ok());
}

TEST(Http1CodecTest, WritesStatusLinesAndFields) {
  std::string out;
  AppendStatusLine(404, &out);
  AppendField("x-a", "b", &out);
  AppendStatusLine(499, &out);
  AppendStatusLine(799, &out);
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nx-a: b\r\n"
            "HTTP/1.1 499 Client Closed Request\r\n"
            "HTTP/1.1 799 Unknown\r\n");
}

TEST(Http1CodecTest, WritesFieldsOfAllSizes) {
  std::string text;
  for (int i = 0; i < 80; ++i) {
    std::string out = "before";
    AppendField(text, text, &out);
    EXPECT_EQ(out, absl::StrCat("before", text, ": ", text, "\r\n"));
    text += static_cast<char>('!' + i);
  }
}

TEST(Http1CodecTest, WritesLengthsOfAllSizes) {
  std::string out;
  AppendContentLength(0, &out);
  AppendContentLength(1024, &out);
  AppendContentLength(std::numeric_limits<uint64_t>::max(), &out);
  EXPECT_EQ(out,
            "content-length: 0\r\ncontent-length: 1024\r\n"
            "content-length: 18446744073709551615\r\n");
}

}  // namespace
}  // namespace gateway
