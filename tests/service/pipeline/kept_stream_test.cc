#include "service/pipeline/kept_stream.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

class KeptStreamTest : public testing::Test {
 protected:
  // Adds an event of so many bytes.
  void AddBytes(size_t bytes) {
    kept_->body.append(bytes,
                       static_cast<char>('a' + kept_->event_ends.size()));
    kept_->event_ends.push_back(kept_->body.size());
  }

  absl::StatusOr<bool> Next(KeptStream& stream) {
    return runner_.Run(stream.Next(&batch_));
  }

  LoopRunner runner_;
  std::shared_ptr<KeptAnswer> kept_ = std::make_shared<KeptAnswer>();
  StreamBatch batch_;
};

TEST_F(KeptStreamTest, BytesComeInPiecesOfWholeEvents) {
  constexpr size_t kBatch = KeptStream::kBatchBytes;
  for (const size_t bytes :
       {kBatch / 2, kBatch / 2, size_t{1}, 2 * kBatch, size_t{1}}) {
    AddBytes(bytes);
  }
  KeptStream stream(kept_, {});
  std::string all;
  std::vector<size_t> sizes;
  while (*Next(stream)) {
    ASSERT_EQ(batch_.raw.size(), 1);
    sizes.push_back(batch_.raw[0].size());
    all.append(batch_.raw[0]);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{kBatch, 1, 2 * kBatch, 1}));
  EXPECT_EQ(all, kept_->body);
  EXPECT_FALSE(*Next(stream)) << "it stays over";
}

TEST_F(KeptStreamTest, MessagesComeAsEvents) {
  kept_->is_message = true;
  for (int i = 0; i < 3; ++i) {
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(std::to_string(i));
    event.AppendToString(&kept_->body);
    kept_->event_ends.push_back(kept_->body.size());
  }
  ResponseFacts facts;
  facts.usage.set_input_tokens(7);
  KeptStream stream(kept_, facts);
  EXPECT_TRUE(*Next(stream));
  ASSERT_EQ(batch_.events.size(), 3);
  EXPECT_EQ(batch_.content_events, 3);
  EXPECT_EQ(batch_.events[2].delta().text(), "2");
  EXPECT_TRUE(batch_.raw.empty());
  EXPECT_FALSE(*Next(stream));
  EXPECT_EQ(stream.facts().usage.input_tokens(), 7);
}

TEST_F(KeptStreamTest, WhatCannotBeReadIsAMistakeOfTheGateway) {
  kept_->is_message = true;
  kept_->body = "\xff\xff";
  kept_->event_ends = {2};
  KeptStream stream(kept_, {});
  EXPECT_EQ(FaultReason(Next(stream).status()), v1::ERROR_REASON_INTERNAL);
}

}  // namespace
}  // namespace gateway
