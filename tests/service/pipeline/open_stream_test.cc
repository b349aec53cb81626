#include "service/pipeline/open_stream.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "tests/testing/loop_client.h"

namespace gateway {
namespace {

TEST(OpenStreamTest, WhatWasHeldBackMovesWithIt) {
  for (const size_t bytes : {5, 100}) {
    const std::string held(bytes, 'x');
    OpenStream from;
    from.held_bytes = held;
    from.first.raw = {from.held_bytes, "rest"};
    from.ended = true;
    OpenStream to;
    from.MoveTo(&to);
    from.held_bytes = "another";
    EXPECT_EQ(to.first.raw[0], held);
    EXPECT_EQ(to.first.raw[1], "rest");
    EXPECT_TRUE(to.ended);
    EXPECT_FALSE(from.ended);
  }
}

TEST(OpenStreamTest, WithoutWhatWasHeldBackNothingIsReplaced) {
  OpenStream from;
  from.first.raw = {"first"};
  OpenStream to;
  from.MoveTo(&to);
  EXPECT_EQ(to.first.raw[0], "first");
}

// Says that it begins, and then something.
class TwoBatches final : public ProviderStream {
 public:
  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    batch->Clear();
    v1::GenerateEvent& event = batch->events.emplace_back();
    if (++asked_ == 1) {
      event.mutable_started()->set_id("x");
    } else {
      event.mutable_delta()->set_text("said");
      batch->content_events = 1;
      batch->held_bytes = 4321;
      said = &event;
    }
    co_return true;
  }
  const ResponseFacts& facts() const override { return facts_; }

  const v1::GenerateEvent* said = nullptr;

 private:
  int asked_ = 0;
  ResponseFacts facts_;
};

TEST(OpenStreamTest, TheFirstContentIsNotCopied) {
  LoopClient client;
  auto stream = std::make_unique<TwoBatches>();
  const TwoBatches& said = *stream;
  OpenStream open;
  open.stream = std::move(stream);
  const absl::Status held = client.Run([&]() -> Task<absl::Status> {
    co_return co_await HoldBack(&open, 1000);
  });
  ASSERT_TRUE(held.ok()) << held;
  ASSERT_EQ(open.first.events.size(), 2u);
  EXPECT_EQ(open.first.events[0].started().id(), "x");
  EXPECT_EQ(&open.first.events[1], said.said);
  EXPECT_EQ(open.first.content_events, 1);
  EXPECT_EQ(open.first.held_bytes, 4321u);
}

}  // namespace
}  // namespace gateway
