#include "service/pipeline/stream_recording.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/service/pipeline/planned_call.h"

namespace gateway {
namespace {

class StreamRecordingTest : public PlannedCallTest {
 protected:
  static StreamBatch Raw(std::string_view first, std::string_view second = "") {
    StreamBatch batch;
    batch.raw.push_back(first);
    if (!second.empty()) batch.raw.push_back(second);
    return batch;
  }

  static StreamBatch End(int choice, v1::FinishReason reason) {
    StreamBatch batch;
    v1::ChoiceEnd& end = *batch.events.emplace_back().mutable_choice_end();
    end.set_choice_index(choice);
    end.set_finish_reason(reason);
    return batch;
  }

  Attempt attempt_;
};

TEST_F(StreamRecordingTest, BytesAreKeptAsTheyCame) {
  StreamRecording recording(100);
  recording.Add(Raw("data: 1\n\n", "data: 2\n\n"));
  recording.Add(Raw("data: [DONE]\n\n"));
  attempt_.provider = "openai";
  attempt_.answer.facts.finish_reason = v1::FINISH_REASON_STOP;
  attempt_.warnings.emplace_back().set_field("top_k");
  const KeptAnswerPtr kept = recording.Keep(call_, attempt_);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->body, "data: 1\n\ndata: 2\n\ndata: [DONE]\n\n");
  EXPECT_EQ(kept->event_ends, (std::vector<size_t>{18, 32}));
  EXPECT_FALSE(kept->is_message);
  EXPECT_EQ(kept->request_id, "call_1");
  EXPECT_EQ(kept->provider, "openai");
  EXPECT_EQ(kept->finish_reason, v1::FINISH_REASON_STOP);
  EXPECT_EQ(kept->warnings.size(), 1);
  EXPECT_EQ(recording.held_bytes(), 0);
}

TEST_F(StreamRecordingTest, ALongerStreamThanMayBeIsNotKept) {
  for (const size_t bytes_max : {8, 9}) {
    StreamRecording recording(bytes_max);
    recording.Add(Raw("1234"));
    EXPECT_GT(recording.held_bytes(), 0);
    recording.Add(Raw("56789"));
    recording.Add(Raw(""));
    EXPECT_EQ(recording.Keep(call_, attempt_) != nullptr, bytes_max == 9);
  }
  StreamRecording given_up(100);
  given_up.Add(Raw("1234"));
  given_up.GiveUp();
  EXPECT_EQ(given_up.held_bytes(), 0);
  given_up.Add(Raw("5"));
  EXPECT_EQ(given_up.Keep(call_, attempt_), nullptr);
}

TEST_F(StreamRecordingTest, AnEmptyStreamIsNone) {
  StreamRecording recording(100);
  EXPECT_EQ(recording.Keep(call_, attempt_), nullptr);
}

TEST_F(StreamRecordingTest, OfEventsItIsSeenHowEachChoiceHasEnded) {
  StreamRecording recording(1000);
  recording.Add(End(0, v1::FINISH_REASON_LENGTH));
  recording.Add(End(1, v1::FINISH_REASON_STOP));
  EXPECT_FALSE(recording.other_choice_cut());
  recording.Add(End(2, v1::FINISH_REASON_LENGTH));
  EXPECT_TRUE(recording.other_choice_cut());
  const KeptAnswerPtr kept = recording.Keep(call_, attempt_);
  EXPECT_TRUE(kept->is_message);
  EXPECT_EQ(kept->event_ends.size(), 3);
}

}  // namespace
}  // namespace gateway
