#include "base/http/http2_guard.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/http/http2_budget.h"
#include "base/http/http2_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/http2_frames.h"

namespace gateway {
namespace {

const absl::Duration kNow = absl::Seconds(1000);

constexpr uint32_t kGuardedStreams = 100;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using StreamState = Http2Guard::StreamState;

StreamState IsEarly(int32_t) { return StreamState::kEarly; }

class Http2GuardTest : public testing::Test {
 protected:
  Http2GuardTest()
      : guard_(Http2Guard::Peer::kClient, kGuardedStreams, kNow, IsEarly) {
    EXPECT_FALSE(Refuses(Http2Greeting()));
  }

  // What the guard objects to, if anything. It forgets what it objected to.
  std::optional<Http2Error> Inspect(std::string_view bytes) {
    Http2Guard guard = guard_;
    const auto violation = guard.Inspect(bytes, kNow, &good_);
    if (violation.has_value()) {
      EXPECT_LE(good_, bytes.size());
      return violation->error;
    }
    EXPECT_EQ(good_, bytes.size());
    return guard_.Inspect(bytes, kNow, &good_).has_value()
               ? std::optional(Http2Error::kInternalError)
               : std::nullopt;
  }
  bool Refuses(std::string_view bytes) { return Inspect(bytes).has_value(); }

  Http2Guard guard_;
  size_t good_ = 0;
};

TEST_F(Http2GuardTest, LetsAnOrdinaryClientPass) {
  for (uint32_t id = 1; id < 10'000; id += 2) {
    EXPECT_FALSE(Refuses(Http2Post(id, false)));
    EXPECT_FALSE(Refuses(Http2Data(id, "body")));
    EXPECT_FALSE(Refuses(Http2Data(id, "", true)));
  }
}

TEST_F(Http2GuardTest, NothingBehindARefusedHeadCounts) {
  const std::string fine = Http2Post(5);
  const std::string bytes = absl::StrCat(fine, Http2Post(3), "more");
  EXPECT_EQ(Inspect(bytes), Http2Error::kProtocolError);
  EXPECT_EQ(good_, fine.size() + 9);
}

TEST_F(Http2GuardTest, IdsThatWereSkippedStayClosed) {
  EXPECT_FALSE(Refuses(Http2Post(11, false)));
  EXPECT_FALSE(Refuses(Http2Post(1001, false)));
  EXPECT_FALSE(Refuses(Http2Headers(11, "", true)));  // Trailers.
  EXPECT_EQ(Inspect(Http2Post(9)), Http2Error::kProtocolError);
  EXPECT_EQ(Inspect(Http2Post(13)), Http2Error::kProtocolError);
  EXPECT_EQ(Inspect(Http2Post(999)), Http2Error::kProtocolError);
  EXPECT_FALSE(Refuses(Http2Post(1003)));
}

TEST_F(Http2GuardTest, TheFirstIdMayBeTheLastThereIs) {
  constexpr uint32_t kLast = 0x7fffffff;
  EXPECT_FALSE(Refuses(Http2Post(kLast, true)));
  EXPECT_EQ(Inspect(Http2Data(kLast, "more")), Http2Error::kStreamClosed);
  for (const uint32_t id : {1u, 3u, kLast - 2}) {
    EXPECT_EQ(Inspect(Http2Post(id)), Http2Error::kProtocolError) << id;
  }
}

TEST_F(Http2GuardTest, AStreamThatTheClientHasEndedIsOver) {
  EXPECT_FALSE(Refuses(Http2Post(1, true)));
  EXPECT_FALSE(Refuses(Http2Post(3, false)));
  EXPECT_FALSE(Refuses(Http2Data(3, "last", true)));
  EXPECT_FALSE(Refuses(Http2Post(5, false)));
  EXPECT_FALSE(Refuses(Http2Data(5, "last", true)));
  EXPECT_FALSE(Refuses(Http2Reset(5, 8)));
  EXPECT_FALSE(Refuses(Http2Post(7, false)));
  for (const uint32_t id : {1, 3, 5}) {
    EXPECT_EQ(Inspect(Http2Data(id, "more")), Http2Error::kStreamClosed);
    EXPECT_EQ(Inspect(Http2Post(id)), Http2Error::kStreamClosed);
    EXPECT_FALSE(Refuses(Http2WindowUpdate(id, 1)));
    EXPECT_FALSE(Refuses(Http2Reset(id, 8)));
  }
  EXPECT_FALSE(Refuses(Http2Data(7, "more")));
}

TEST_F(Http2GuardTest, WhatComesOnAStreamThatTheClientHasResetIsOfThatAlone) {
  EXPECT_FALSE(Refuses(Http2Post(1, false) + Http2Post(3, false)));
  EXPECT_FALSE(Refuses(Http2Reset(1, 8)));
  EXPECT_THAT(guard_.late_streams(), IsEmpty());
  EXPECT_FALSE(Refuses(Http2Data(1, "was under way")));
  EXPECT_THAT(guard_.late_streams(), ElementsAre(1));
  // It is told once.
  EXPECT_FALSE(Refuses(Http2Data(1, "more", true)));
  EXPECT_FALSE(Refuses(Http2Headers(1, "", true)));
  EXPECT_THAT(guard_.late_streams(), IsEmpty());
  // All in the same bytes, beside one that goes on.
  EXPECT_FALSE(Refuses(Http2Post(5, false) + Http2Reset(5, 8) +
                       Http2Data(5, "last", true) + Http2Data(3, "more")));
  EXPECT_THAT(guard_.late_streams(), ElementsAre(5));
}

TEST_F(Http2GuardTest, WhoGoesOnAndOnWithAStreamThatItHasResetIsRefused) {
  EXPECT_FALSE(Refuses(Http2Post(1, false) + Http2Reset(1, 8)));
  EXPECT_EQ(Inspect(Repeat(Http2Data(1, "more"), Http2Budget::kControl)),
            Http2Error::kEnhanceYourCalm);
}

TEST_F(Http2GuardTest, RemembersTheLastStreamsOnly) {
  EXPECT_FALSE(Refuses(Http2Post(1, true)));
  for (uint32_t id = 3; id <= 127; id += 2) {
    EXPECT_FALSE(Refuses(Http2Post(id, false)));
  }
  EXPECT_EQ(Inspect(Http2Data(1, "more")), Http2Error::kStreamClosed);
  EXPECT_FALSE(Refuses(Http2Post(129, false)));
  EXPECT_FALSE(Refuses(Http2Data(1, "more")));
  EXPECT_FALSE(Refuses(Http2Data(3, "more")));
}

TEST_F(Http2GuardTest, AStreamCannotDependOnItself) {
  const auto priority = [](uint32_t id, uint32_t on) {
    return Http2Frame(RawFrameType::kPriority, 0, id, BigEndian(on, 4) + "w");
  };
  EXPECT_FALSE(Refuses(priority(3, 1)));
  EXPECT_EQ(Inspect(priority(3, 3)), Http2Error::kProtocolError);
}

TEST_F(Http2GuardTest, EveryFrameThatCarriesNothingCosts) {
  const std::string frames[] = {
      Http2Ping("12345678"),
      Http2Ping("12345678", true),
      Http2Settings(),
      Http2WindowUpdate(0, 1),
      Http2Data(1, ""),
      Http2Frame(RawFrameType::kData, kRawPadded, 1,
                 std::string("\x02\0\0", 3)),
      Http2Frame(RawFrameType::kPriority, 0, 3, BigEndian(0, 4) + "w"),
      Http2Frame(RawFrameType::kUnknown, 0, 0, "what"),
      Http2Frame(RawFrameType::kContinuation, 0, 1, std::string(1023, 'c')),
      Http2Frame(RawFrameType::kGoaway, 0, 0, BigEndian(0, 4)),
      Http2Reset(3, 8),
  };
  for (const std::string& frame : frames) {
    Http2Guard guard(Http2Guard::Peer::kClient, kGuardedStreams, kNow, IsEarly);
    size_t good = 0;
    EXPECT_FALSE(guard.Inspect(Http2Greeting(), kNow, &good).has_value());
    EXPECT_FALSE(guard.Inspect(Http2Post(1, false), kNow, &good).has_value());
    const auto violation = guard.Inspect(Repeat(frame, 2001), kNow, &good);
    ASSERT_TRUE(violation.has_value()) << static_cast<int>(frame[3]);
    EXPECT_EQ(violation->error, Http2Error::kEnhanceYourCalm);
  }
}

TEST_F(Http2GuardTest, StreamsBrokenOffByTheRulesCostAsMuchAsResets) {
  int count = 0;
  while (!guard_.CountOwnReset(kNow).has_value()) ++count;
  EXPECT_EQ(count, Http2Budget::kResetsMin);
}

TEST_F(Http2GuardTest, AClientMayGiveUpAllOfItsRequestsAtOnce) {
  constexpr uint32_t kMany = 1024;
  Http2Guard guard(Http2Guard::Peer::kClient, kMany, kNow, IsEarly);
  std::string bytes = Http2Greeting();
  for (uint32_t i = 0; i < kMany; ++i) {
    bytes += Http2Post(1 + 2 * i, false);
  }
  for (uint32_t i = 0; i < kMany; ++i) bytes += Http2Reset(1 + 2 * i, 8);
  size_t good = 0;
  EXPECT_FALSE(guard.Inspect(bytes, kNow, &good).has_value());
  // Not twice in a row.
  const auto violation = guard.Inspect(
      Http2Post(1 + 2 * kMany, false) + Http2Reset(1 + 2 * kMany, 8), kNow,
      &good);
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(violation->error, Http2Error::kEnhanceYourCalm);
}

// How many of its streams a client may reset, one after the other.
int CountResets(StreamState state, int most) {
  Http2Guard guard(Http2Guard::Peer::kClient, kGuardedStreams, kNow,
                   [state](int32_t) { return state; });
  size_t good = 0;
  EXPECT_FALSE(guard.Inspect(Http2Greeting(), kNow, &good).has_value());
  for (int i = 0; i < most; ++i) {
    const auto id = static_cast<uint32_t>(1 + 2 * i);
    EXPECT_FALSE(guard.Inspect(Http2Post(id, false), kNow, &good).has_value());
    const auto violation = guard.Inspect(Http2Reset(id, 8), kNow, &good);
    if (!violation.has_value()) continue;
    EXPECT_EQ(violation->error, Http2Error::kEnhanceYourCalm);
    return i;
  }
  return most;
}

TEST_F(Http2GuardTest, OfResetsThoseCountThatComeEarly) {
  constexpr int kMany = 10'000;
  EXPECT_EQ(CountResets(StreamState::kEarly, kMany), Http2Budget::kResetsMin);
  EXPECT_EQ(CountResets(StreamState::kOpen, kMany), kMany);
  // Of a stream that is over it is one more frame that carries nothing, as the
  // greeting has two, which cost more.
  const int over = CountResets(StreamState::kGone, kMany);
  EXPECT_GT(over, Http2Budget::kControl - 100);
  EXPECT_LT(over, Http2Budget::kControl);
}

TEST_F(Http2GuardTest, TellsWhichStreamsAreResetInTheSameBytes) {
  EXPECT_FALSE(Refuses(Http2Post(1, false)));
  const std::string cut = Http2Reset(7, 8);
  EXPECT_FALSE(Refuses(Http2Reset(1, 8) + Http2Post(3, false) +
                       Http2Post(5, false) + Http2Reset(5, 8) +
                       Http2Post(7, false) + cut.substr(0, cut.size() - 1)));
  EXPECT_FALSE(guard_.IsResetAhead(1));  // It was told of before.
  EXPECT_FALSE(guard_.IsResetAhead(3));
  EXPECT_TRUE(guard_.IsResetAhead(5));
  EXPECT_FALSE(guard_.IsResetAhead(7));  // The reset may never come whole.
  EXPECT_FALSE(Refuses(cut.substr(cut.size() - 1)));
  EXPECT_FALSE(guard_.IsResetAhead(5));
}

TEST_F(Http2GuardTest, LeavesToLaterWhatIsTooMuchForATurn) {
  int left = 2;
  int asked = 0;
  Http2Guard guard(
      Http2Guard::Peer::kClient, kGuardedStreams, kNow,
      [&asked](int32_t) {
        ++asked;
        return StreamState::kGone;
      },
      [&left] { return --left > 0; });
  const std::string first = Http2Greeting() + Http2Post(1, false);
  const std::string second = Http2Post(3, false) + Http2Data(3, "body");
  const std::string bytes = first + second + Http2Reset(3, 8);
  size_t good = 0;
  EXPECT_FALSE(guard.Inspect(bytes, kNow, &good).has_value());
  EXPECT_EQ(good, first.size() + 9);
  EXPECT_FALSE(
      guard.Inspect(bytes.substr(first.size() + 9), kNow, &good).has_value());
  EXPECT_EQ(good, bytes.size() - first.size() - 9);
  // Nobody knows a stream yet whose head has not come whole.
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(guard.IsResetAhead(3));
}

TEST_F(Http2GuardTest, AServerMayRefuseManyOfTheRequestsThatItIsSent) {
  Http2Guard guard(Http2Guard::Peer::kServer, kGuardedStreams, kNow, IsEarly);
  size_t good = 0;
  for (uint32_t id = 1; id < 20'000; id += 2) {
    guard.OnSent();
    ASSERT_FALSE(guard.Inspect(Http2Reset(id, 7), kNow, &good).has_value());
  }
  EXPECT_TRUE(
      guard.Inspect(Repeat(Http2Reset(1, 7), 2001), kNow, &good).has_value());
}

TEST_F(Http2GuardTest, WhoGoesOnWithStreamsThatAreOverKeepsUsBusy) {
  const std::string ends[] = {Http2Data(1, "content", /*end=*/false),
                              Http2Post(1, /*end=*/false)};
  for (const Http2Guard::Peer peer :
       {Http2Guard::Peer::kClient, Http2Guard::Peer::kServer}) {
    for (const std::string& frame : ends) {
      bool open = true;
      Http2Guard guard(peer, kGuardedStreams, kNow, [&open](int32_t) {
        return open ? StreamState::kOpen : StreamState::kGone;
      });
      size_t good = 0;
      if (peer == Http2Guard::Peer::kClient) {
        // Of a stream that begins here nobody knows yet.
        open = false;
        EXPECT_FALSE(guard
                         .Inspect(Http2Greeting() + Http2Post(1, false) +
                                      Repeat(frame, 3000),
                                  kNow, &good)
                         .has_value());
      }
      open = true;
      EXPECT_FALSE(
          guard.Inspect(Repeat(frame, 3000), kNow, &good).has_value());
      open = false;
      guard.CountReset();
      // Some were under way.
      EXPECT_FALSE(
          guard.Inspect(Repeat(frame, 1000), kNow, &good).has_value());
      const auto violation = guard.Inspect(Repeat(frame, 2000), kNow, &good);
      ASSERT_TRUE(violation.has_value());
      EXPECT_EQ(violation->error, Http2Error::kEnhanceYourCalm);
    }
  }
}

TEST_F(Http2GuardTest, ALongHeaderBlockCostsNothing) {
  EXPECT_FALSE(Refuses(Http2Frame(RawFrameType::kHeaders, 0, 1, "a")));
  EXPECT_FALSE(Refuses(Repeat(
      Http2Frame(RawFrameType::kContinuation, 0, 1, std::string(1024, 'c')),
      2001)));
}

TEST_F(Http2GuardTest, TellsWhenAHeaderBlockBegins) {
  EXPECT_FALSE(Refuses(Http2Frame(RawFrameType::kHeaders, 0, 1, "a")));
  EXPECT_TRUE(guard_.began_header_block());
  EXPECT_TRUE(guard_.in_header_block());
  EXPECT_FALSE(Refuses(Http2Frame(RawFrameType::kContinuation, 0, 1, "a")));
  EXPECT_FALSE(guard_.began_header_block());
  EXPECT_TRUE(guard_.in_header_block());
  EXPECT_FALSE(Refuses(
      Http2Frame(RawFrameType::kContinuation, kRawEndHeaders, 1, "a")));
  EXPECT_FALSE(guard_.in_header_block());
}

}  // namespace
}  // namespace gateway
