#include "base/text/sse_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Seen {
  std::string name;
  std::string data;
  bool comment = false;

  bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << "{" << seen.name << "|" << testing::PrintToString(seen.data)
             << "|" << (seen.comment ? "comment" : "event") << "}";
}

// What a stream gave.
struct Outcome {
  std::vector<Seen> events;
  std::string raw;  // Of all events, then the rest.
};

// Feeds pieces as a socket would: each lies in memory of its own, which has
// just its size and is overwritten as soon as the contract allows.
class Reader {
 public:
  explicit Reader(size_t limit = 1 << 20) : parser_(limit) {}

  absl::Status Feed(std::string_view piece) {
    auto buffer = std::make_unique<char[]>(piece.size());
    memcpy(buffer.get(), piece.data(), piece.size());
    if (piece_ != nullptr) memset(piece_.get(), '#', piece_size_);
    const absl::Status status = parser_.Feed({buffer.get(), piece.size()});
    piece_ = std::move(buffer);
    piece_size_ = piece.size();

    // Views stay valid until the next Feed, so they are read at the end.
    std::vector<SseEvent> events;
    SseEvent event;
    while (parser_.Next(&event)) events.push_back(event);
    for (const SseEvent& seen : events) {
      outcome_.events.push_back(
          {std::string(seen.name), std::string(seen.data), seen.comment});
      outcome_.raw += seen.raw;
    }
    return status;
  }

  Outcome Finish() {
    Outcome outcome = outcome_;
    outcome.raw += parser_.Rest();
    return outcome;
  }

  const std::vector<Seen>& events() const { return outcome_.events; }
  SseParser& parser() { return parser_; }

 private:
  SseParser parser_;
  std::unique_ptr<char[]> piece_;
  size_t piece_size_ = 0;
  Outcome outcome_;
};

Outcome ReadWhole(std::string_view stream) {
  Reader reader;
  EXPECT_TRUE(reader.Feed(stream).ok());
  return reader.Finish();
}

// Another way to the same result: normalise the line ends, then cut.
Outcome ReadByTheBook(std::string_view stream) {
  Outcome outcome;
  outcome.raw = stream;
  if (stream.starts_with("\xEF\xBB\xBF")) stream.remove_prefix(3);
  std::string text;
  for (size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] == '\n' && i > 0 && stream[i - 1] == '\r') continue;
    text += stream[i] == '\r' ? '\n' : stream[i];
  }
  Seen event;
  int data_lines = 0;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty()) {
      event.comment = data_lines == 0;
      outcome.events.push_back(event);
      event = Seen();
      data_lines = 0;
      continue;
    }
    const size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value =
        colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (field == "event") event.name = value;
    if (field == "data") {
      if (data_lines++ > 0) event.data += '\n';
      event.data += value;
    }
  }
  return outcome;
}

void ExpectSame(const Outcome& actual, const Outcome& expected) {
  ASSERT_EQ(actual.events, expected.events);
  ASSERT_EQ(actual.raw, expected.raw);
}

std::string WithLineEnd(std::string_view text, std::string_view line_end) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += line_end;
    } else {
      result += c;
    }
  }
  return result;
}

constexpr std::string_view kCorpus =
    "data: {\"a\":1}\n\n"
    ": keep-alive\n\n"
    "event: message_start\ndata: {\"b\":2}\n\n"
    "data:no space\n\n"
    "data:  two spaces\n\n"
    "data: first\ndata: second\ndata\ndata:\n\n"
    "\n\n"
    "id: 7\nretry: 10\n\n"
    "event\ndata\n\n"
    "datum: x\nevents: y\nd: z\n\n"
    "event: one\nevent: two\ndata: last name wins\n: in between\nid: 1\n\n"
    "data: [DONE]\n\n"
    "data: unfinished";

TEST(SseParserTest, CutsTheCorpus) {
  const Outcome outcome = ReadWhole(kCorpus);
  EXPECT_THAT(
      outcome.events,
      ElementsAre(Seen{"", "{\"a\":1}"}, Seen{"", "", true},
                  Seen{"message_start", "{\"b\":2}"}, Seen{"", "no space"},
                  Seen{"", " two spaces"}, Seen{"", "first\nsecond\n\n"},
                  Seen{"", "", true}, Seen{"", "", true}, Seen{"", "", true},
                  Seen{"", ""}, Seen{"", "", true},
                  Seen{"two", "last name wins"}, Seen{"", "[DONE]"}));
  EXPECT_EQ(outcome.raw, kCorpus);
}

class SseParserLineEndTest : public testing::TestWithParam<const char*> {};

TEST_P(SseParserLineEndTest, SurvivesEverySplitInTwo) {
  for (const std::string_view start : {"", "\xEF\xBB\xBF"}) {
    const std::string stream =
        std::string(start) + WithLineEnd(kCorpus, GetParam());
    const Outcome expected = ReadByTheBook(stream);
    for (size_t split = 0; split <= stream.size(); ++split) {
      SCOPED_TRACE(split);
      Reader reader;
      ASSERT_TRUE(reader.Feed(stream.substr(0, split)).ok());
      ASSERT_TRUE(reader.Feed(stream.substr(split)).ok());
      ASSERT_NO_FATAL_FAILURE(ExpectSame(reader.Finish(), expected));
    }
  }
}

TEST_P(SseParserLineEndTest, SurvivesEverySplitInThreeOfAShortStream) {
  const std::string stream = WithLineEnd(
      "\xEF\xBB\xBF\ndata: a\ndata: b\n\n:c\n\n\nevent: d\ndata: e\n\n",
      GetParam());
  const Outcome expected = ReadByTheBook(stream);
  for (size_t first = 0; first <= stream.size(); ++first) {
    for (size_t second = first; second <= stream.size(); ++second) {
      SCOPED_TRACE(testing::Message() << first << ", " << second);
      Reader reader;
      ASSERT_TRUE(reader.Feed(stream.substr(0, first)).ok());
      ASSERT_TRUE(reader.Feed(stream.substr(first, second - first)).ok());
      ASSERT_TRUE(reader.Feed(stream.substr(second)).ok());
      ASSERT_NO_FATAL_FAILURE(ExpectSame(reader.Finish(), expected));
    }
  }
}

TEST_P(SseParserLineEndTest, SurvivesByteByByte) {
  const std::string stream = WithLineEnd(kCorpus, GetParam());
  Reader reader;
  for (const char& byte : stream) {
    ASSERT_TRUE(reader.Feed({&byte, 1}).ok());
  }
  ExpectSame(reader.Finish(), ReadByTheBook(stream));
}

TEST_P(SseParserLineEndTest, DeliversAnEventWithTheFirstByteThatEndsIt) {
  const std::string_view line_end = GetParam();
  const std::string stream = WithLineEnd("data: x\n\n", line_end);
  const size_t needed = stream.size() - (line_end.size() - 1);
  Reader reader;
  ASSERT_TRUE(reader.Feed(stream.substr(0, needed - 1)).ok());
  EXPECT_THAT(reader.events(), IsEmpty());
  ASSERT_TRUE(reader.Feed(stream.substr(needed - 1, 1)).ok());
  EXPECT_THAT(reader.events(), ElementsAre(Seen{"", "x"}));
  EXPECT_EQ(reader.parser().Rest(), "");

  // The LF of a split CRLF makes no event and opens none.
  ASSERT_TRUE(reader.Feed(stream.substr(needed)).ok());
  EXPECT_EQ(reader.events().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(All, SseParserLineEndTest,
                         testing::Values("\n", "\r", "\r\n"),
                         [](const auto& info) {
                           return std::string_view(info.param) == "\n" ? "Lf"
                                  : std::string_view(info.param) == "\r"
                                      ? "Cr"
                                      : "CrLf";
                         });

// Streams of the bytes that matter, cut where chance will.
TEST(SseParserTest, AgreesWithAnotherImplementationOnRandomStreams) {
  constexpr std::string_view kPieces[] = {"\n",          "\n",
                                          "\r",          "\r",
                                          "\r\n",        "\r\n",
                                          "data",        "data:",
                                          "data: ",      ":",
                                          "event:",      " ",
                                          "x",           "{\"y\":\"z\"}",
                                          "\xEF",        "\xBB",
                                          "\xBF",        "id: 1",
                                          "\xEF\xBB\xBF"};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    FakeRandom random(seed);
    std::string stream;
    if (random.Below(3) == 0) stream = "\xEF\xBB\xBF";
    const uint64_t pieces = 1 + random.Below(60);
    for (uint64_t i = 0; i < pieces; ++i) {
      stream += kPieces[random.Below(std::size(kPieces))];
    }
    Reader reader;
    size_t fed = 0;
    const uint64_t longest = 1 + random.Below(20);
    while (fed < stream.size()) {
      const size_t size =
          std::min<size_t>(random.Below(longest + 1), stream.size() - fed);
      ASSERT_TRUE(reader.Feed(stream.substr(fed, size)).ok());
      fed += size;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSame(reader.Finish(), ReadByTheBook(stream)));
  }
}

TEST(SseParserTest, AWholeEventIsNotCopied) {
  const std::string_view bytes = "event: a\ndata: b\n\nevent: c\ndata: d\n\n";
  SseParser parser(1000);
  ASSERT_TRUE(parser.Feed(bytes).ok());
  SseEvent event;
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.raw.data(), bytes.data());
  EXPECT_EQ(event.name.data(), bytes.data() + 7);
  EXPECT_EQ(event.data.data(), bytes.data() + 15);
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.raw.data(), bytes.data() + 18);
  EXPECT_FALSE(parser.Next(&event));
}

TEST(SseParserTest, RawIsExactForEachEvent) {
  SseParser parser(1000);
  const std::string_view stream =
      "\xEF\xBB\xBF"
      "data: a\r\n\r\n:k\n\n\ndata:b\r\r";
  ASSERT_TRUE(parser.Feed(stream).ok());
  std::vector<std::string> raws;
  SseEvent event;
  while (parser.Next(&event)) raws.emplace_back(event.raw);
  EXPECT_THAT(raws, ElementsAre("\xEF\xBB\xBF"
                                "data: a\r\n\r\n",
                                ":k\n\n", "\n", "data:b\r\r"));
}

TEST(SseParserTest, TheLfOfASplitBlankLineOpensTheNextRaw) {
  SseParser parser(1000);
  SseEvent event;
  ASSERT_TRUE(parser.Feed("data: a\r\n\r").ok());
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.raw, "data: a\r\n\r");
  ASSERT_FALSE(parser.Next(&event));
  ASSERT_TRUE(parser.Feed("\ndata: b\r\n\r\n").ok());
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.raw, "\ndata: b\r\n\r\n");
  EXPECT_EQ(event.data, "b");
}

TEST(SseParserTest, RestHoldsTheUnfinishedEvent) {
  Reader reader;
  ASSERT_TRUE(reader.Feed("data: a\n\nevent: b\nda").ok());
  EXPECT_EQ(reader.parser().Rest(), "event: b\nda");
  ASSERT_TRUE(reader.Feed("ta: c\n").ok());
  EXPECT_EQ(reader.parser().Rest(), "event: b\ndata: c\n");
  ASSERT_TRUE(reader.Feed("\n").ok());
  EXPECT_EQ(reader.parser().Rest(), "");
}

TEST(SseParserTest, AByteOrderMarkIsOneOnlyAtTheStart) {
  EXPECT_THAT(ReadWhole("\xEF\xBB\xBF"
                        "data: a\n\n\xEF\xBB\xBF"
                        "data: b\n\n")
                  .events,
              ElementsAre(Seen{"", "a"}, Seen{"", "", true}));
}

TEST(SseParserTest, OfAnEmptyStreamNothingIsLeft) {
  Reader reader;
  EXPECT_EQ(reader.parser().Rest(), "");
  ASSERT_TRUE(reader.Feed("").ok());
  EXPECT_EQ(reader.parser().Rest(), "");
}

TEST(SseParserTest, ManyMultiLineEventsOfOneFeedStayValidTogether) {
  std::string stream;
  std::vector<Seen> expected;
  for (int i = 0; i < 50; ++i) {
    const std::string text(i * 37, static_cast<char>('a' + i % 26));
    stream += "data: " + text + "\ndata: x\n\n";
    expected.push_back({"", text + "\nx"});
  }
  EXPECT_EQ(ReadWhole(stream).events, expected);
}

constexpr std::string_view kTenBytes = "data: 56\n\n";
constexpr std::string_view kElevenBytes = "data: 567\n\n";

TEST(SseParserLimitTest, AnEventOfExactlyTheLimitPasses) {
  for (size_t split = 0; split <= kTenBytes.size(); ++split) {
    Reader reader(10);
    EXPECT_TRUE(reader.Feed(kTenBytes.substr(0, split)).ok());
    EXPECT_TRUE(reader.Feed(kTenBytes.substr(split)).ok());
    EXPECT_THAT(reader.events(), ElementsAre(Seen{"", "56"}));
  }
}

TEST(SseParserLimitTest, OneByteMoreFailsAndNamesTheLimit) {
  for (size_t split = 0; split <= kElevenBytes.size(); ++split) {
    Reader reader(10);
    absl::Status status = reader.Feed(kElevenBytes.substr(0, split));
    if (status.ok()) status = reader.Feed(kElevenBytes.substr(split));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << split;
    EXPECT_THAT(std::string(status.message()), HasSubstr("limit of 10 bytes"));
    EXPECT_THAT(reader.events(), IsEmpty());
  }
}

TEST(SseParserLimitTest, AnEventWithoutEndFailsAtTheLimit) {
  Reader reader(10);
  EXPECT_TRUE(reader.Feed("data: 6789").ok());
  EXPECT_FALSE(reader.Feed("a").ok());
}

TEST(SseParserLimitTest, TheEventsBeforeTheLongOneAreDelivered) {
  const std::string before = "data: 1\n\ndata:2\r\n\r\n";
  const std::string stream = before + std::string(kElevenBytes) + "data: 3\n\n";
  for (size_t split = 0; split <= before.size(); ++split) {
    SCOPED_TRACE(split);
    Reader reader(10);
    EXPECT_TRUE(reader.Feed(stream.substr(0, split)).ok());
    EXPECT_FALSE(reader.Feed(stream.substr(split)).ok());
    EXPECT_THAT(reader.events(), ElementsAre(Seen{"", "1"}, Seen{"", "2"}));
  }
}

TEST(SseParserLimitTest, AFailedParserStaysFailed) {
  Reader reader(10);
  EXPECT_FALSE(reader.Feed(kElevenBytes).ok());
  EXPECT_FALSE(reader.Feed(kTenBytes).ok());
  EXPECT_FALSE(reader.Feed("").ok());
  EXPECT_THAT(reader.events(), IsEmpty());
}

TEST(SseParserLimitTest, WhatALargeEventHasTakenIsGivenBack) {
  SseParser parser(1 << 20);
  const std::string piece = "data: " + std::string(300 * 1024, 'x');
  SseEvent event;
  ASSERT_TRUE(parser.Feed(piece).ok());
  EXPECT_FALSE(parser.Next(&event));
  EXPECT_GE(parser.held_bytes(), piece.size());
  ASSERT_TRUE(parser.Feed("\n\n").ok());
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.data.size(), 300u * 1024);
  EXPECT_FALSE(parser.Next(&event));
  // Its views are valid until the next feed.
  EXPECT_GE(parser.held_bytes(), piece.size());
  ASSERT_TRUE(parser.Feed("data: 1\n\n").ok());
  EXPECT_LT(parser.held_bytes(), 128u * 1024);
}

TEST(SseParserLimitTest, ManyShortEventsMayExceedTheLimitTogether) {
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += kTenBytes;
  Reader reader(10);
  EXPECT_TRUE(reader.Feed(stream).ok());
  EXPECT_EQ(reader.events().size(), 1000u);
}

TEST(SseParserLimitTest, WhatALargeEventHasTakenCanBeGivenBackAtOnce) {
  SseParser parser(1 << 20);
  // Of two lines, so that its data is joined.
  const std::string line = "data: " + std::string(200 * 1024, 'x') + "\n";
  const std::string lines = line + line;
  SseEvent event;
  ASSERT_TRUE(parser.Feed(lines).ok());
  EXPECT_FALSE(parser.Next(&event));
  ASSERT_TRUE(parser.Feed("\ndata: 1\n\ndata: 2").ok());
  ASSERT_TRUE(parser.Next(&event));
  // As it came, and joined.
  EXPECT_GE(parser.held_bytes(), 4 * line.size());
  parser.GiveBack();
  EXPECT_EQ(parser.held_bytes(), 0u);
  // What follows is not lost.
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.data, "1");
  EXPECT_FALSE(parser.Next(&event));
  parser.GiveBack();
  EXPECT_EQ(parser.Rest(), "data: 2");
}

TEST(SseParserLimitTest, TellsHowMuchThereIsToCut) {
  SseParser parser(1 << 20);
  SseEvent event;
  ASSERT_TRUE(parser.Feed("data: 12\n").ok());
  EXPECT_EQ(parser.BytesToCut(0), 0u);  // Nothing of it came earlier.
  EXPECT_FALSE(parser.Next(&event));
  ASSERT_TRUE(parser.Feed("data: 34\n").ok());
  EXPECT_EQ(parser.BytesToCut(0), 0u);  // It does not end here.
  EXPECT_FALSE(parser.Next(&event));
  ASSERT_TRUE(parser.Feed("\ndata: 5\n\n").ok());
  EXPECT_EQ(parser.BytesToCut(17), 19u);
  EXPECT_EQ(parser.BytesToCut(18), 0u);  // No more came earlier.
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.data, "12\n34");
  EXPECT_EQ(parser.BytesToCut(0), 0u);  // The next one came whole.
  ASSERT_TRUE(parser.Next(&event));
  EXPECT_EQ(event.data, "5");
}

}  // namespace
}  // namespace gateway
