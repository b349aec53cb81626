#include "service/embedding/message_handover.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr int kMany = 500;

v1::GetModelRequest Numbered(int number) {
  v1::GetModelRequest message;
  message.set_name(absl::StrCat(number));
  return message;
}

class MessageHandoverTest : public testing::Test {
 protected:
  // Writes `kMany`, or until nobody takes any; then one more at the end.
  Task<void> WriteAll() {
    handover_->Begin(cancel_);
    for (int i = 0; i < kMany; ++i) {
      const bool taken = co_await handover_->Write(Numbered(i));
      if (!taken) break;
      ++written_;
    }
    handover_->WriteLast(Numbered(-1));
    handover_->End();
  }

  LoopRunner runner_;
  std::shared_ptr<CancelSignal> cancel_ = std::make_shared<CancelSignal>();
  std::shared_ptr<MessageHandover> handover_ =
      std::make_shared<MessageHandover>(runner_.loop());
  int written_ = 0;
};

TEST_F(MessageHandoverTest, AllComeInOrderHoweverManyWait) {
  std::string seen;
  std::string expected;
  for (int i = 0; i < kMany; ++i) absl::StrAppend(&expected, i, " ");
  {
    const Thread taker("taker", [&] {
      while (const auto message = handover_->Take()) {
        absl::StrAppend(
            &seen, static_cast<const v1::GetModelRequest&>(*message).name(),
            " ");
      }
    });
    runner_.Run(WriteAll());
  }
  EXPECT_EQ(seen, expected + "-1 ");
  EXPECT_EQ(written_, kMany);
}

TEST_F(MessageHandoverTest, WhoLeavesLetsTheHandlerEnd) {
  CancelListener over(*cancel_, [&] { handover_->GiveUp(); });
  {
    const Thread taker("taker", [&] {
      EXPECT_NE(handover_->Take(), nullptr);
      handover_->Leave();
    });
    runner_.Run(WriteAll());
  }
  EXPECT_TRUE(cancel_->cancelled());
  EXPECT_LT(written_, kMany);
}

}  // namespace
}  // namespace gateway
