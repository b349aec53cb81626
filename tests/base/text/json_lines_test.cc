#include "base/text/json_lines.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
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

using Lines = std::vector<std::string>;

// Feeds pieces as a socket would: each lies in memory of its own, which has
// just its size and is overwritten as soon as the contract allows.
class LineReader {
 public:
  explicit LineReader(size_t limit = 1 << 20) : parser_(limit) {}

  absl::Status Feed(std::string_view piece) {
    auto buffer = std::make_unique<char[]>(piece.size());
    memcpy(buffer.get(), piece.data(), piece.size());
    if (piece_ != nullptr) memset(piece_.get(), '#', piece_size_);
    const absl::Status status = parser_.Feed({buffer.get(), piece.size()});
    piece_ = std::move(buffer);
    piece_size_ = piece.size();

    // Views stay valid until the next Feed, so they are read at the end.
    std::vector<std::string_view> lines;
    std::string_view line;
    while (parser_.Next(&line)) lines.push_back(line);
    lines_.insert(lines_.end(), lines.begin(), lines.end());
    return status;
  }

  const Lines& lines() const { return lines_; }
  bool at_boundary() const { return parser_.AtLineBoundary(); }

 private:
  JsonLines parser_;
  std::unique_ptr<char[]> piece_;
  size_t piece_size_ = 0;
  Lines lines_;
};

// Another way to the same result.
Lines ReadLinesByTheBook(const std::string& stream) {
  Lines lines;
  std::string line;
  for (const char c : stream) {
    if (c != '\n') {
      line += c;
      continue;
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!std::all_of(line.begin(), line.end(), [](char each) {
          return each == ' ' || each == '\t' || each == '\r';
        })) {
      lines.push_back(line);
    }
    line.clear();
  }
  return lines;
}

constexpr std::string_view kStream =
    "{\"a\":1}\n"
    "\n"
    "{\"b\":\"\\n\"}\r\n"
    "\r\n"
    "  \t \n"
    " {\"c\":3} \n"
    "{\"unfinished\"";

TEST(JsonLinesTest, CutsLinesAndSkipsBlankOnes) {
  LineReader reader;
  ASSERT_TRUE(reader.Feed(kStream).ok());
  EXPECT_THAT(reader.lines(),
              ElementsAre("{\"a\":1}", "{\"b\":\"\\n\"}", " {\"c\":3} "));
  EXPECT_FALSE(reader.at_boundary());
}

TEST(JsonLinesTest, SurvivesEverySplitInTwo) {
  const std::string stream(kStream);
  for (size_t split = 0; split <= stream.size(); ++split) {
    SCOPED_TRACE(split);
    LineReader reader;
    ASSERT_TRUE(reader.Feed(stream.substr(0, split)).ok());
    ASSERT_TRUE(reader.Feed(stream.substr(split)).ok());
    ASSERT_EQ(reader.lines(), ReadLinesByTheBook(stream));
  }
}

TEST(JsonLinesTest, SurvivesByteByByte) {
  LineReader reader;
  for (const char& byte : kStream) {
    ASSERT_TRUE(reader.Feed({&byte, 1}).ok());
  }
  EXPECT_EQ(reader.lines(), ReadLinesByTheBook(std::string(kStream)));
}

TEST(JsonLinesTest, AgreesWithAnotherImplementationOnRandomStreams) {
  constexpr std::string_view kPieces[] = {
      "\n", "\n", "\r\n", "\r", " ", "{}", "x", "\t", "\"", "a b", "[1,2]"};
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    FakeRandom random(seed);
    std::string stream;
    const uint64_t pieces = 1 + random.Below(60);
    for (uint64_t i = 0; i < pieces; ++i) {
      stream += kPieces[random.Below(std::size(kPieces))];
    }
    LineReader reader;
    const uint64_t longest = 1 + random.Below(20);
    for (size_t fed = 0; fed < stream.size();) {
      const size_t size =
          std::min<size_t>(random.Below(longest + 1), stream.size() - fed);
      ASSERT_TRUE(reader.Feed(stream.substr(fed, size)).ok());
      fed += size;
    }
    ASSERT_EQ(reader.lines(), ReadLinesByTheBook(stream));
    ASSERT_EQ(reader.at_boundary(), stream.back() == '\n');
  }
}

TEST(JsonLinesTest, AWholeLineIsNotCopied) {
  const std::string_view stream = "{}\n[]\n";
  JsonLines lines(100);
  ASSERT_TRUE(lines.Feed(stream).ok());
  std::string_view line;
  ASSERT_TRUE(lines.Next(&line));
  EXPECT_EQ(line.data(), stream.data());
  ASSERT_TRUE(lines.Next(&line));
  EXPECT_EQ(line.data(), stream.data() + 3);
  EXPECT_FALSE(lines.Next(&line));
  EXPECT_TRUE(lines.AtLineBoundary());
}

TEST(JsonLinesTest, ALineMayBeAsLongAsTheLimitAndNoLonger) {
  for (const size_t split : {size_t{0}, size_t{3}, size_t{8}}) {
    SCOPED_TRACE(split);
    const std::string fits = "12345678\n{}\n";
    LineReader reader(8);
    ASSERT_TRUE(reader.Feed(fits.substr(0, split)).ok());
    ASSERT_TRUE(reader.Feed(fits.substr(split)).ok());
    EXPECT_THAT(reader.lines(), ElementsAre("12345678", "{}"));

    const std::string too_long = "123456789\n{}\n";
    LineReader strict(8);
    ASSERT_TRUE(strict.Feed(too_long.substr(0, split)).ok());
    const absl::Status status = strict.Feed(too_long.substr(split));
    EXPECT_TRUE(absl::IsResourceExhausted(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("8 bytes"));
    EXPECT_THAT(strict.lines(), IsEmpty());
    EXPECT_FALSE(strict.at_boundary());
  }
}

TEST(JsonLinesTest, LinesBeforeOneThatIsTooLongAreDelivered) {
  LineReader reader(8);
  EXPECT_FALSE(reader.Feed("{\"a\":1}\n{}\n{\"long\":1}\n[]\n").ok());
  EXPECT_THAT(reader.lines(), ElementsAre("{\"a\":1}", "{}"));
  EXPECT_FALSE(reader.Feed("{}\n").ok());
  EXPECT_EQ(reader.lines().size(), 2u);
}

TEST(JsonLinesTest, AnUnfinishedLineCountsTowardsTheLimit) {
  LineReader reader(8);
  ASSERT_TRUE(reader.Feed("1234").ok());
  ASSERT_TRUE(reader.Feed("5678").ok());
  EXPECT_FALSE(reader.Feed("9").ok());
}

TEST(JsonLinesTest, WhatALongLineHasTakenCanBeGivenBackAtOnce) {
  JsonLines lines(1 << 20);
  const std::string text(300 * 1024, '1');
  std::string_view line;
  ASSERT_TRUE(lines.Feed(text).ok());
  EXPECT_EQ(lines.BytesToCut(0), 0u);
  EXPECT_FALSE(lines.Next(&line));
  ASSERT_TRUE(lines.Feed("2\n3\n").ok());
  EXPECT_EQ(lines.BytesToCut(text.size()), 0u);
  EXPECT_EQ(lines.BytesToCut(text.size() - 1), text.size() + 1);
  ASSERT_TRUE(lines.Next(&line));
  EXPECT_EQ(line.size(), text.size() + 1);
  EXPECT_GE(lines.held_bytes(), text.size());
  lines.GiveBack();
  EXPECT_EQ(lines.held_bytes(), 0u);
  ASSERT_TRUE(lines.Next(&line));
  EXPECT_EQ(line, "3");
}

}  // namespace
}  // namespace gateway
