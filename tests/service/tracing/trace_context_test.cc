#include "service/tracing/trace_context.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// The recommendation's own example.
constexpr std::string_view kExample =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string Written(const TraceParent& parent) {
  std::string text(kTraceParentBytes, '\0');
  WriteTraceParent(parent, text.data());
  return text;
}

TEST(TraceParentTest, ReadsTheRecommendationsExample) {
  const std::optional<TraceParent> parent = ParseTraceParent(kExample);
  ASSERT_TRUE(parent.has_value());
  EXPECT_EQ(TraceIdText(parent->trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(parent->trace.high, 0x4bf92f3577b34da6u);
  EXPECT_EQ(parent->trace.low, 0xa3ce929d0e0e4736u);
  EXPECT_EQ(parent->span, 0x00f067aa0ba902b7u);
  EXPECT_TRUE(parent->sampled());
  EXPECT_EQ(Written(*parent), kExample);
}

TEST(TraceParentTest, TheSampledFlagIsOneBit) {
  const auto with = [](std::string_view flags) {
    return ParseTraceParent(
        absl::StrCat("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
                     std::string(flags)));
  };
  EXPECT_FALSE(with("00")->sampled());
  EXPECT_TRUE(with("03")->sampled());
  EXPECT_FALSE(with("02")->sampled());
  EXPECT_EQ(with("02")->flags, kRandomFlag);
  // Bits that nobody has given a meaning are not passed on.
  EXPECT_EQ(with("ff")->flags, kSampledFlag | kRandomFlag);
  EXPECT_EQ(with("fc")->flags, 0);
}

// As the W3C's own test suite for Trace Context has them.
TEST(TraceParentTest, RefusesWhatIsNotWellFormed) {
  for (const std::string_view text : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
           // Version 00 ends with its flags.
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
           // A later one has a dash behind them.
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           ".0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "0.-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
           "00-.bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b.-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-.0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0.",
           "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
       }) {
    EXPECT_FALSE(ParseTraceParent(text).has_value()) << text;
  }
}

TEST(TraceParentTest, TakesWhatItKnowsOfLaterVersions) {
  for (const std::string_view text : {
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
           "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
       }) {
    const std::optional<TraceParent> parent = ParseTraceParent(text);
    ASSERT_TRUE(parent.has_value()) << text;
    // It is passed on in the version that is spoken here.
    EXPECT_EQ(Written(*parent), kExample) << text;
  }
}

TEST(TraceStateTest, TakesListsOfMembers) {
  for (const std::string_view text : {
           "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
           "foo=1",
           "foo=1,,bar=2",
           "foo=1 , \tbar=2",
           "foo=1,",
           "fw529a3039@dt=FfAwsAHAQIYAAAAAAAAAAA",
           "0t@v=x",
           "a_-*/9=b",
           "foo= !\"#$%&'()*+-./0:;<>?@A[\\]^_`a{|}~",
       }) {
    EXPECT_TRUE(IsTraceState(text)) << text;
  }
}

TEST(TraceStateTest, RefusesWhatIsNone) {
  for (const std::string_view text : {
           "",
           ",",
           "foo",
           "foo=",
           "=1",
           "foo =1",
           "FOO=1",
           "9foo=1",
           "foo@=1",
           "@foo=1",
           "foo@@bar=1",
           "foo@bar@baz=1",
           "foo@9bar=1",
           "foo=1,foo=2",
           "foo=a=b",
           "foo=\x7f",
           "foo=a\nb",
           "foo=caf\xc3\xa9",
       }) {
    EXPECT_FALSE(IsTraceState(text)) << text;
  }
}

TEST(TraceStateTest, KeepsToItsLimits) {
  const auto members = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) absl::StrAppend(&text, "k", i, "=1,");
    return text;
  };
  EXPECT_TRUE(IsTraceState(members(32)));
  EXPECT_FALSE(IsTraceState(members(33)));
  const auto key = [](size_t bytes) {
    return absl::StrCat(std::string(bytes, 'z'), "=1");
  };
  EXPECT_TRUE(IsTraceState(key(256)));
  EXPECT_FALSE(IsTraceState(key(257)));
  const auto tenant = [](size_t bytes, size_t system) {
    return absl::StrCat(std::string(bytes, 't'), "@", std::string(system, 'v'),
                        "=1");
  };
  EXPECT_TRUE(IsTraceState(tenant(241, 14)));
  EXPECT_FALSE(IsTraceState(tenant(242, 1)));
  EXPECT_FALSE(IsTraceState(tenant(1, 15)));
  const auto value = [](size_t bytes) {
    return absl::StrCat("k=", std::string(bytes, 'v'));
  };
  EXPECT_TRUE(IsTraceState(value(256)));
  EXPECT_FALSE(IsTraceState(value(257)));
}

TEST(TraceIdTest, IdsAreDrawnAndNeverZero) {
  FakeRandom random{7};
  const TraceId one = NewTraceId(random);
  const TraceId other = NewTraceId(random);
  EXPECT_TRUE(one.is_set());
  EXPECT_NE(TraceIdText(one), TraceIdText(other));
  EXPECT_NE(NewSpanId(random), 0u);
  EXPECT_EQ(SpanIdText(0), "");
  EXPECT_EQ(SpanIdText(0xab), "00000000000000ab");
}

TEST(TraceIdTest, IsReadInEitherCase) {
  const std::optional<TraceId> id =
      ParseTraceId("4BF92F3577B34DA6A3CE929D0E0E4736");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(TraceIdText(*id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_FALSE(ParseTraceId("4bf92f3577b34da6a3ce929d0e0e473").has_value());
  EXPECT_FALSE(ParseTraceId(std::string(32, '0')).has_value());
  EXPECT_FALSE(ParseTraceId(std::string(32, 'g')).has_value());
}

}  // namespace
}  // namespace gateway
