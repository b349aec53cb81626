#include "providers/unasked_answer.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "providers/provider.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

// Says so many words, one a batch, and ends as it is told to.
class UnaskedStream final : public ProviderStream {
 public:
  UnaskedStream(std::vector<std::string> words, absl::Status end)
      : words_(std::move(words)), end_(std::move(end)) {
    facts_.usage.set_input_tokens(100);
    facts_.usage.set_output_tokens(500);
    facts_.usage_is_final = true;
    facts_.service_tier = "flex";
  }

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    batch->Clear();
    if (said_ == words_.size()) {
      if (!end_.ok()) co_return end_;
      co_return false;
    }
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(words_[said_++]);
    batch->events.push_back(event);
    co_return true;
  }
  const ResponseFacts& facts() const override { return facts_; }

  size_t said() const { return said_; }

 private:
  const std::vector<std::string> words_;
  const absl::Status end_;
  size_t said_ = 0;
  ResponseFacts facts_;
};

Task<absl::Status> Read(ProviderStream* stream, int64_t limit,
                        UnaskedAnswer* answer) {
  co_return co_await ReadUnasked(*stream, limit, answer);
}

TEST(UnaskedAnswerTest, AStreamIsReadToItsEnd) {
  UnaskedStream stream({"some ", "words"}, absl::OkStatus());
  UnaskedAnswer answer;
  LoopRunner runner;
  EXPECT_TRUE(runner.Run(Read(&stream, 1000, &answer)).ok());
  EXPECT_EQ(answer.output_tokens, 3);
  EXPECT_EQ(answer.response.usage().output_tokens(), 500);
  EXPECT_EQ(answer.response.service_tier(), "flex");
  EXPECT_TRUE(answer.usage_is_final);
}

TEST(UnaskedAnswerTest, WhatCameBeforeItBrokeOffIsThere) {
  UnaskedStream stream({"some "}, absl::UnavailableError("reset"));
  UnaskedAnswer answer;
  LoopRunner runner;
  EXPECT_EQ(runner.Run(Read(&stream, 1000, &answer)).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(answer.output_tokens, 2);
}

TEST(UnaskedAnswerTest, NoMoreIsReadThanMayBeHeld) {
  UnaskedStream stream(std::vector<std::string>(100, "word "),
                       absl::OkStatus());
  UnaskedAnswer answer;
  LoopRunner runner;
  EXPECT_TRUE(runner.Run(Read(&stream, 20, &answer)).ok());
  EXPECT_EQ(answer.output_tokens, 5);
  EXPECT_EQ(stream.said(), 4);
}

}  // namespace
}  // namespace gateway
