#include "service/rpc/message_deframer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/async/worker_pool.h"
#include "base/http/zlib_codec.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "base/memory/byte_budget.h"
#include "service/rpc/inflate_allowance.h"
#include "service/rpc/message_encoding.h"
#include "service/rpc/message_framing.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kLimit = 1 << 20;

std::string Frame(std::string_view body, bool compressed = false) {
  std::string frame(kMessagePrefixBytes, '\0');
  WriteMessagePrefix(compressed, body.size(), frame.data());
  return frame.append(body);
}

std::string Gzip(std::string_view text) {
  std::string out;
  EXPECT_TRUE(CompressGzip(text, &out).ok());
  return out;
}

class MessageDeframerTest : public testing::Test {
 protected:
  void Make(MessageEncoding encoding, size_t limit) {
    deframer_ = std::make_unique<MessageDeframer>(encoding, limit, share_,
                                                  inflating_);
  }
  // For a body that should have one message.
  void MakeForOne(MessageEncoding encoding, size_t limit) {
    deframer_ = std::make_unique<MessageDeframer>(
        encoding, limit, share_, inflating_, /*one=*/true);
  }

  // What is held, which goes.
  absl::StatusOr<std::string> ReadHeld() {
    absl::StatusOr<std::string> read = absl::UnknownError("not read");
    // Without a pool nothing has to wait.
    Spawn([](MessageDeframer& deframer,
             absl::StatusOr<std::string>* read) -> Task<void> {
      const absl::StatusOr<std::string_view> held =
          co_await deframer.ReadHeld();
      if (held.ok()) {
        *read = std::string(*held);
      } else {
        *read = held.status();
      }
    }(*deframer_, &read));
    deframer_->DropHeld();
    return read;
  }

  // The next message; none if it is not whole.
  std::optional<std::string> Next() {
    std::string_view message;
    const absl::StatusOr<bool> whole = deframer_->Next(&message);
    EXPECT_TRUE(whole.ok()) << whole.status();
    if (!whole.ok() || !*whole) return std::nullopt;
    return std::string(message);
  }

  absl::Status Refusal() {
    std::string_view message;
    const absl::StatusOr<bool> whole = deframer_->Next(&message);
    EXPECT_TRUE(message.empty());
    return whole.status();
  }

  // Feeds bytes while somebody waits for all messages. Credit comes at once.
  std::vector<std::string> ReadAll(std::string_view bytes) {
    // A copy that is gone afterwards.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    deframer_->Feed({copy.data(), copy.size()});
    std::vector<std::string> messages;
    while (std::optional<std::string> message = Next()) {
      messages.push_back(*std::move(message));
    }
    EXPECT_EQ(deframer_->Settle(), bytes.size());
    return messages;
  }

  // Feeds bytes while nobody waits.
  size_t Keep(std::string_view bytes) {
    const std::vector<char> copy(bytes.begin(), bytes.end());
    deframer_->Feed({copy.data(), copy.size()});
    return deframer_->Settle();
  }

  // Lets one connection have half: what a message at the limit needs while it
  // comes, and a little less than two need.
  static constexpr size_t kShare = 2 * kLimit - 100;
  ByteBudget budget_{2 * kShare};
  ByteBudget::Share share_{budget_};
  FakeClock clock_;
  InflateAllowance inflating_{kLimit, clock_};
  std::unique_ptr<MessageDeframer> deframer_ =
      std::make_unique<MessageDeframer>(MessageEncoding::kIdentity, kLimit,
                                        share_, inflating_);
};

TEST_F(MessageDeframerTest, AWholeMessageIsAViewIntoWhatWasFed) {
  const std::string bytes = Frame("one") + Frame("two");
  deframer_->Feed(bytes);
  std::string_view message;
  ASSERT_TRUE(deframer_->Next(&message).value());
  EXPECT_EQ(message, "one");
  EXPECT_EQ(message.data(), bytes.data() + 5);
  ASSERT_TRUE(deframer_->Next(&message).value());
  EXPECT_EQ(message.data(), bytes.data() + 13);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  EXPECT_FALSE(deframer_->Next(&message).value());
  EXPECT_EQ(deframer_->Settle(), bytes.size());
  EXPECT_TRUE(deframer_->CheckEnd().ok());
}

TEST_F(MessageDeframerTest, HoweverItIsCutTheSameMessagesCome) {
  const std::string large(3000, 'x');
  const std::string bytes = Frame("") + Frame("one") + Frame(large) +
                            Frame("") + Frame("two") + Frame("");
  for (size_t piece = 1; piece <= bytes.size(); piece += 1 + piece / 20) {
    std::vector<std::string> all;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      for (std::string& message : ReadAll(bytes.substr(at, piece))) {
        all.push_back(std::move(message));
      }
    }
    EXPECT_THAT(all, ElementsAre("", "one", large, "", "two", "")) << piece;
    EXPECT_FALSE(Next().has_value());
    EXPECT_TRUE(deframer_->CheckEnd().ok());
    EXPECT_EQ(deframer_->memory_bytes(), 0u);
  }
}

TEST_F(MessageDeframerTest, WhatNobodyWaitsForIsKeptAndNotCredited) {
  const std::string bytes = Frame("one") + Frame("two");
  // The first prefix is looked at, to refuse what is too large.
  EXPECT_EQ(Keep(bytes), 5u);
  EXPECT_EQ(Keep(Frame("three")), 0u);

  EXPECT_EQ(Next(), "one");
  EXPECT_EQ(deframer_->Settle(), 3u + 5u);
  EXPECT_EQ(Next(), "two");
  EXPECT_EQ(Next(), "three");
  EXPECT_EQ(deframer_->Settle(), 3u + 5u + 5u);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  EXPECT_FALSE(Next().has_value());
  EXPECT_TRUE(deframer_->CheckEnd().ok());
}

TEST_F(MessageDeframerTest, OneMessageAtATimeIsTakenOfWhatWasFed) {
  const std::string bytes = Frame("one") + Frame("two");
  deframer_->Feed(bytes);
  EXPECT_EQ(Next(), "one");
  EXPECT_EQ(deframer_->Settle(), 8u + 5u);
  EXPECT_GT(deframer_->memory_bytes(), 0u);
  EXPECT_EQ(Next(), "two");
  EXPECT_EQ(deframer_->Settle(), 3u);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, APartOfTheWantedMessageIsCreditedAsItComes) {
  const std::string frame = Frame(std::string(1000, 'x'));
  // Held back at first, then all at once.
  EXPECT_EQ(Keep(frame.substr(0, 105)), 5u);
  EXPECT_FALSE(Next().has_value());
  EXPECT_EQ(deframer_->Settle(), 100u);
  // From now on somebody waits.
  EXPECT_TRUE(ReadAll(frame.substr(105, 800)).empty());
  EXPECT_THAT(ReadAll(frame.substr(905)), ElementsAre(frame.substr(5)));
}

TEST_F(MessageDeframerTest, SettlingTwiceCreditsOnce) {
  const std::string bytes = Frame("one");
  deframer_->Feed(bytes);
  EXPECT_EQ(Next(), "one");
  EXPECT_EQ(deframer_->Settle(), 8u);
  EXPECT_EQ(deframer_->Settle(), 0u);
}

TEST_F(MessageDeframerTest, MemoryGrowsWithWhatCameAndNotWithWhatIsClaimed) {
  const std::string frame = Frame(std::string(kLimit, 'x'));
  EXPECT_TRUE(ReadAll(frame.substr(0, 5)).empty());
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  EXPECT_TRUE(ReadAll(frame.substr(5, 1)).empty());
  EXPECT_LE(deframer_->memory_bytes(), 256u);
  size_t fed = 6;
  while (fed + 1000 < frame.size()) {
    EXPECT_TRUE(ReadAll(frame.substr(fed, 1000)).empty());
    fed += 1000;
    ASSERT_LE(deframer_->memory_bytes(), std::max<size_t>(2 * fed, 1256));
    ASSERT_LE(deframer_->memory_bytes(), kLimit);
  }
  EXPECT_THAT(ReadAll(frame.substr(fed)), ElementsAre(frame.substr(5)));
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, ManySmallPiecesBehindAMessageAreKeptInOrder) {
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += Frame(std::to_string(i));
  for (const char byte : bytes) Keep({&byte, 1});
  ASSERT_LE(deframer_->memory_bytes(), 2 * bytes.size());
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(Next(), std::to_string(i));
    // More comes while those in front are taken.
    if (i % 5 == 0) Keep(Frame("more"));
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Next(), "more");
  EXPECT_FALSE(Next().has_value());
  deframer_->Settle();
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, TheLimitItselfIsAllowed) {
  Make(MessageEncoding::kIdentity, 10);
  EXPECT_THAT(ReadAll(Frame("0123456789")), ElementsAre("0123456789"));
}

TEST_F(MessageDeframerTest, OneByteOverTheLimitIsRefusedAtItsPrefix) {
  Make(MessageEncoding::kIdentity, 10);
  const std::string frame = Frame("0123456789a");
  EXPECT_TRUE(ReadAll(frame.substr(0, 4)).empty());
  deframer_->Feed(std::string_view(frame).substr(4, 1));
  const absl::Status status = Refusal();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_REQUEST_TOO_LARGE);
  EXPECT_EQ(status.message(), "a message of 11 bytes is over the limit of 10");
  EXPECT_EQ(deframer_->CheckEnd(), status);
}

TEST_F(MessageDeframerTest, NothingOfAnOversizeMessageIsKept) {
  Make(MessageEncoding::kIdentity, 10);
  // Although nobody waits for it.
  EXPECT_EQ(Keep(Frame(std::string(100, 'x'))), 105u);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  EXPECT_EQ(Keep("more of it"), 10u);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  EXPECT_EQ(Refusal().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Refusal().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(MessageDeframerTest, AMessageBeforeTheOversizeOneIsDelivered) {
  Make(MessageEncoding::kIdentity, 10);
  EXPECT_EQ(Keep(Frame("fine") + Frame(std::string(11, 'x'))), 5u);
  EXPECT_EQ(Next(), "fine");
  EXPECT_EQ(Refusal().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(deframer_->Settle(), 4u + 5u + 11u);
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, TheLargestLengthIsRefusedToo) {
  deframer_->Feed(std::string_view("\0\xff\xff\xff\xff", 5));
  EXPECT_THAT(std::string(Refusal().message()), HasSubstr("4294967295"));
}

TEST_F(MessageDeframerTest, AFlagOtherThanZeroAndOneIsRefused) {
  for (const char flag : {'\2', '\x80', '\xff'}) {
    Make(MessageEncoding::kGzip, kLimit);
    std::string frame = Frame("");
    frame[0] = flag;
    deframer_->Feed(frame);
    EXPECT_EQ(Refusal().code(), absl::StatusCode::kInternal);
  }
}

TEST_F(MessageDeframerTest, ACompressedMessageNeedsAnEncoding) {
  const std::string bytes = Frame(Gzip("text"), true);
  deframer_->Feed(bytes);
  const absl::Status status = Refusal();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("grpc-encoding"));
}

TEST_F(MessageDeframerTest, CompressedAndPlainMessagesMix) {
  Make(MessageEncoding::kGzip, kLimit);
  const std::string large(5000, 'x');
  const std::string bytes =
      Frame(Gzip(large), true) + Frame("plain") + Frame(Gzip(""), true);
  EXPECT_THAT(ReadAll(bytes), ElementsAre(large, "plain", ""));
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
  // In pieces, too.
  EXPECT_TRUE(ReadAll(bytes.substr(0, 20)).empty());
  EXPECT_THAT(ReadAll(bytes.substr(20)), ElementsAre(large, "plain", ""));
}

TEST_F(MessageDeframerTest, DeflateMeansZlib) {
  Make(MessageEncoding::kDeflate, kLimit);
  constexpr std::string_view kA("\x78\x9c\x4b\x04\x00\x00\x62\x00\x62", 9);
  EXPECT_THAT(ReadAll(Frame(kA, true)), ElementsAre("a"));
}

TEST_F(MessageDeframerTest, ABombIsRefusedAtTheLimit) {
  Make(MessageEncoding::kGzip, 1000);
  EXPECT_THAT(ReadAll(Frame(Gzip(std::string(1000, 'x')), true)),
              ElementsAre(std::string(1000, 'x')));
  const std::string bomb = Frame(Gzip(std::string(1001, 'x')), true);
  deframer_->Feed(bomb);
  const absl::Status status = Refusal();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1000"));
  EXPECT_EQ(deframer_->Settle(), bomb.size());
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, ManyBombsAreRefusedUntilTimeHasPassed) {
  const std::string zeros(kLimit, '\0');
  const std::string bomb = Frame(Gzip(zeros), true);
  std::string text;  // As no text repeats itself.
  for (uint64_t i = 0; text.size() < kLimit / 2; ++i) {
    text += std::to_string(i * i);
  }
  const std::string ordinary = Frame(Gzip(text), true);
  int inflated = 0;
  absl::Status refusal;
  while (refusal.ok() && inflated < 100) {
    Make(MessageEncoding::kGzip, kLimit);
    deframer_->Feed(bomb);
    std::string_view message;
    refusal = deframer_->Next(&message).status();
    if (refusal.ok()) ++inflated;
    deframer_->Settle();
  }
  // 64 MiB, and twenty times what was sent.
  EXPECT_GE(inflated, 64);
  EXPECT_LT(inflated, 80);
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryDelay(refusal), kInflateRefillTime);
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("uncompressed"));
  EXPECT_EQ(deframer_->memory_bytes(), 0u);

  // What others send meanwhile is inflated, and zeros are a second later.
  Make(MessageEncoding::kGzip, kLimit);
  EXPECT_THAT(ReadAll(ordinary), ElementsAre(text));
  clock_.Advance(kInflateRefillTime);
  EXPECT_THAT(ReadAll(bomb), ElementsAre(zeros));
}

TEST_F(MessageDeframerTest, WhatDoesNotInflateIsRefused) {
  for (const std::string& body :
       {std::string(), std::string("no gzip"), Gzip("text") + "x"}) {
    Make(MessageEncoding::kGzip, kLimit);
    const std::string frame = Frame(body, true);
    EXPECT_EQ(Keep(frame.substr(0, 6)), 5u);
    deframer_->Feed(
        std::string_view(frame).substr(std::min<size_t>(6, frame.size())));
    EXPECT_EQ(Refusal().code(), absl::StatusCode::kInternal);
    EXPECT_EQ(deframer_->Settle(), body.size());
  }
}

TEST_F(MessageDeframerTest, AnEndInsideAMessageIsAnError) {
  const std::string frame = Frame("one");
  for (size_t size = 0; size <= frame.size(); ++size) {
    Make(MessageEncoding::kIdentity, kLimit);
    ReadAll(frame.substr(0, size));
    const bool between = size == 0 || size == frame.size();
    EXPECT_EQ(deframer_->CheckEnd().code(),
              between ? absl::StatusCode::kOk : absl::StatusCode::kInternal)
        << size;
  }
}

TEST_F(MessageDeframerTest, AMessageMayBeDroppedWithTheDeframer) {
  const std::string bytes = Frame("one");
  deframer_->Feed(bytes);
  deframer_.reset();
  Make(MessageEncoding::kIdentity, kLimit);
  Keep(Frame("one") + Frame("two"));
  deframer_.reset();
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

TEST_F(MessageDeframerTest, ABudgetBoundsWhatSeveralKeep) {
  MessageDeframer other(MessageEncoding::kIdentity, kLimit, share_,
                        inflating_);
  const std::string frame = Frame(std::string(kLimit, 'x'));
  const auto feed = [&](MessageDeframer& deframer, std::string_view bytes) {
    std::string_view message;
    deframer.Feed(bytes);
    const absl::StatusOr<bool> whole = deframer.Next(&message);
    EXPECT_EQ(deframer.Settle(), bytes.size());  // Also of what is refused.
    return whole;
  };
  const std::string_view most = std::string_view(frame).substr(0, kLimit);
  const std::string_view rest = std::string_view(frame).substr(kLimit);
  EXPECT_FALSE(feed(*deframer_, most).value());
  EXPECT_EQ(budget_.used_bytes(), deframer_->memory_bytes());
  const absl::StatusOr<bool> refused = feed(other, most);
  EXPECT_EQ(FaultReason(refused.status()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(other.status(), refused.status());
  EXPECT_EQ(other.memory_bytes(), 0u);
  EXPECT_EQ(feed(other, rest).status(), refused.status());

  // The first is not troubled, and leaves room when it has come whole.
  EXPECT_TRUE(feed(*deframer_, rest).value());
  EXPECT_EQ(budget_.used_bytes(), 0u);
  Make(MessageEncoding::kIdentity, kLimit);
  EXPECT_FALSE(feed(*deframer_, most).value());
  EXPECT_TRUE(feed(*deframer_, rest).value());
}

TEST_F(MessageDeframerTest, WhatNobodyWaitsForIsInTheBudgetToo) {
  const std::string bytes = Frame("one") + std::string(2 * kLimit, 'x');
  EXPECT_EQ(Keep(bytes), bytes.size());
  EXPECT_EQ(FaultReason(deframer_->status()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(budget_.used_bytes(), 0u);
  EXPECT_EQ(FaultReason(Refusal()), v1::ERROR_REASON_OVERLOADED);
}

TEST_F(MessageDeframerTest, AMessageThatLiesWholeIsOutsideOfTheBudget) {
  ByteBudget::Charge all(share_);
  ASSERT_TRUE(all.Resize(kShare));
  ASSERT_FALSE(all.Resize(kShare + 1));
  const std::string frame = Frame(std::string(kLimit, 'x'));
  EXPECT_THAT(ReadAll(frame), ElementsAre(frame.substr(5)));
}

TEST_F(MessageDeframerTest, ALargeMessageIsHeldWhereThereIsToBeOne) {
  MakeForOne(MessageEncoding::kIdentity, kLimit);
  const std::string large(kInPlaceBytesMax + 1, 'x');
  const std::string bytes = Frame(large);
  EXPECT_THAT(ReadAll(bytes.substr(0, 1000)), IsEmpty());
  EXPECT_FALSE(deframer_->holds());
  const std::string rest = bytes.substr(1000);
  deframer_->Feed(rest);
  EXPECT_EQ(Next(), "");
  EXPECT_TRUE(deframer_->holds());
  EXPECT_FALSE(deframer_->has_more());
  EXPECT_EQ(deframer_->Settle(), rest.size());
  EXPECT_TRUE(deframer_->CheckEnd().ok());

  // What comes behind it shows, and is thrown away.
  deframer_->Feed("more");
  EXPECT_TRUE(deframer_->has_more());
  EXPECT_EQ(deframer_->Settle(), 4u);
  EXPECT_FALSE(deframer_->has_more());

  EXPECT_EQ(ReadHeld().value(), large);
  EXPECT_FALSE(deframer_->holds());
  EXPECT_EQ(deframer_->memory_bytes(), 0u);
}

TEST_F(MessageDeframerTest, OneThatIsNotLargeIsNotHeld) {
  MakeForOne(MessageEncoding::kIdentity, kLimit);
  const std::string not_large(kInPlaceBytesMax, 'x');
  EXPECT_THAT(ReadAll(Frame(not_large)), ElementsAre(not_large));
  MakeForOne(MessageEncoding::kGzip, kLimit);
  EXPECT_THAT(ReadAll(Frame(Gzip(not_large), true)), ElementsAre(not_large));
  Make(MessageEncoding::kIdentity, kLimit);
  EXPECT_THAT(ReadAll(Frame(not_large + "x")), ElementsAre(not_large + "x"));
}

TEST_F(MessageDeframerTest, WhatInflatesToALargeMessageIsHeldAsItCame) {
  for (const bool in_pieces : {false, true}) {
    MakeForOne(MessageEncoding::kGzip, kLimit);
    const std::string large(kLimit, 'x');
    const std::string bytes = Frame(Gzip(large), true);
    if (in_pieces) {
      EXPECT_THAT(ReadAll(bytes.substr(0, 100)), IsEmpty());
    }
    {
      // Gone with this block, as what was fed is.
      const std::string rest = bytes.substr(in_pieces ? 100 : 0);
      deframer_->Feed(rest);
      EXPECT_EQ(Next(), "");
      EXPECT_EQ(deframer_->Settle(), rest.size());
    }
    EXPECT_TRUE(deframer_->holds());
    EXPECT_LT(deframer_->memory_bytes(), 2 * kInPlaceBytesMax);
    EXPECT_EQ(ReadHeld().value(), large);
    EXPECT_EQ(deframer_->memory_bytes(), 0u);
  }
}

TEST_F(MessageDeframerTest, ABombThatIsHeldIsRefusedAtTheLimit) {
  MakeForOne(MessageEncoding::kGzip, kLimit);
  const std::string bomb = Frame(Gzip(std::string(kLimit + 1, 'x')), true);
  deframer_->Feed(bomb);
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(deframer_->holds());
  EXPECT_EQ(ReadHeld().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(MessageDeframerTest, WhatIsHeldIsInTheBudget) {
  MakeForOne(MessageEncoding::kGzip, kLimit);
  ByteBudget::Charge others(share_);
  ASSERT_TRUE(others.Resize(kShare - 100));
  const std::string bytes = Frame(Gzip(std::string(kLimit, 'x')), true);
  deframer_->Feed(bytes);
  EXPECT_EQ(Refusal().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(deframer_->holds());
}

}  // namespace
}  // namespace gateway
