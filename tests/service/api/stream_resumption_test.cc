#include "service/api/stream_resumption.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/api/call_context.h"
#include "service/api/ring_writer.h"
#include "service/cache/resumable_streams.h"
#include "service/cache/stream_ring.h"
#include "service/pipeline/resumable_call.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

class StreamResumptionTest : public testing::Test {
 public:
  using Writer = KeepingWriter<v1::GenerateEvent>;

  static v1::GenerateEvent Event(int seq) {
    v1::GenerateEvent event;
    event.set_seq(seq);
    return event;
  }

  std::shared_ptr<StreamRing> Ring(int events) {
    const std::shared_ptr<StreamRing> ring = streams_.Open("grpc alice", "r");
    for (int seq = 1; seq <= events; ++seq) {
      ring->Append(Event(seq).SerializeAsString());
    }
    return ring;
  }

  absl::Status Resume(std::string_view owner, std::string id, int64_t after,
                      ResumableStreams* streams) {
    v1::ResumeStreamRequest request;
    request.set_request_id(id);
    request.set_after_seq(after);
    const absl::StatusOr<std::shared_ptr<StreamRing>> ring =
        FindStream(streams, owner, request);
    if (!ring.ok()) return ring.status();
    CallContext context(runner_.loop(), {.method = "m"});
    return runner_.Run(ResumeStream(**ring, request, context, writer_,
                                    /*audit=*/nullptr, &sent_bytes_));
  }
  absl::Status Resume(int64_t after) {
    return Resume("grpc alice", "r", after, &streams_);
  }

  LoopRunner runner_;
  FakeClock clock_;
  ResumableStreams streams_{
      {.streams = 9, .ring = {.size_bytes = 2'000, .keep = absl::Hours(1)}},
      clock_};
  const std::string_view route_ = "default";
  Writer writer_;
  int64_t sent_bytes_ = 0;
};

TEST_F(StreamResumptionTest, WhatFollowsIsWrittenAndThenTheEnd) {
  Ring(3)->End(absl::UnavailableError("broke"));
  EXPECT_EQ(Resume(1), absl::UnavailableError("broke"));
  ASSERT_EQ(writer_.written().size(), 2);
  EXPECT_EQ(writer_.written()[0].seq(), 2);
  EXPECT_EQ(writer_.written()[1].seq(), 3);
  EXPECT_EQ(sent_bytes_, 2 * Event(2).ByteSizeLong());
}

TEST_F(StreamResumptionTest, WhatCannotBeGoneOnWithIsToldByItsReason) {
  Ring(3);
  EXPECT_EQ(FaultReason(Resume("grpc bob", "r", 1, &streams_)),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Resume("grpc alice", "other", 1, &streams_)),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(FaultReason(Resume("grpc alice", "r", 1, nullptr)),
            v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_EQ(
      FieldViolations(Resume("grpc alice", "", 1, &streams_)).front().first,
      "request_id");
  EXPECT_EQ(FieldViolations(Resume(-1)).front().first, "after_seq");
  EXPECT_EQ(FieldViolations(Resume(4)).front().first, "after_seq");
}

TEST_F(StreamResumptionTest, WhatIsGoneNamesWhatIsLeft) {
  const std::shared_ptr<StreamRing> ring = Ring(50);
  const absl::Status refused = Resume(1);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_NOT_FOUND);
  const std::string first = FaultMetadata(refused, "first_seq");
  ring->End(absl::OkStatus());
  EXPECT_TRUE(Resume(std::stoi(first) - 1).ok());
  EXPECT_EQ(writer_.written().front().seq(), std::stoi(first));
  EXPECT_EQ(writer_.written().back().seq(), 50);
}

TEST_F(StreamResumptionTest, AWriterKeepsWhatIsWrittenWhoeverIsThere) {
  const auto run = [](StreamResumptionTest& test) -> Task<void> {
    CancelSignal gone;
    ResumableCall call(test.runner_.loop(), gone);
    call.Open(test.streams_, "grpc alice", "r", test.route_);
    Writer client;
    RingWriter writer(client, call);
    EXPECT_TRUE(co_await writer.Write(Event(1)));
    // It waits with its client, who then leaves.
    client.HoldUp();
    bool done = false;
    const auto write = [](RingWriter& writer, bool* done) -> Task<void> {
      EXPECT_TRUE(co_await writer.Write(Event(2)));
      *done = true;
    };
    Spawn(write(writer, &done));
    EXPECT_TRUE(client.waiting());
    EXPECT_FALSE(done);
    client.Release(/*taken=*/false);
    EXPECT_TRUE(done);
    EXPECT_TRUE(co_await writer.Write(Event(3)));
    EXPECT_TRUE(writer.WriteLast(Event(4)));
    EXPECT_EQ(client.written().size(), 2);
    call.End(absl::OkStatus());
  };
  runner_.Run(run(*this));
  EXPECT_TRUE(Resume(2).ok());
  ASSERT_EQ(writer_.written().size(), 2);
  EXPECT_EQ(writer_.written()[0].seq(), 3);
  EXPECT_EQ(writer_.written()[1].seq(), 4);
}

}  // namespace
}  // namespace gateway
