#include "clients/cpp/generate_stream.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <future>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "clients/cpp/call_status.h"
#include "clients/cpp/llm_gateway.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/clients/cpp/scripted_gateway.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

v1::GenerateEvent Started() {
  v1::GenerateEvent event;
  event.set_seq(1);
  event.mutable_started()->set_request_id("call-1");
  return event;
}

v1::GenerateEvent End(int64_t seq, v1::StreamEnd::Outcome outcome) {
  v1::GenerateEvent event = EndEvent(seq, outcome);
  event.mutable_end()->mutable_usage()->set_output_tokens(7);
  return event;
}

class GenerateStreamTest : public testing::Test {
 protected:
  // All texts, to the end of the stream.
  static std::string ReadAll(GenerateStream& stream) {
    std::string text;
    v1::GenerateEvent event;
    while (stream.Read(&event)) text += event.delta().text();
    return text;
  }

  ScriptedGateway server_;
  LLMGateway gateway_{server_.Options()};
};

TEST_F(GenerateStreamTest, DeliversEventsAndTheEnd) {
  server_.stream_generate = [](auto&, const auto&, auto& writer) {
    for (const v1::GenerateEvent& event :
         {Started(), TextEvent(2, "Hel"), TextEvent(3, "lo"),
          End(4, v1::StreamEnd::OUTCOME_FINISHED)}) {
      writer.Write(event);
    }
    return grpc::Status::OK;
  };
  GenerateStream stream = gateway_.StreamGenerate({});
  EXPECT_EQ(stream.request_id(), "");
  EXPECT_EQ(ReadAll(stream), "Hello");
  EXPECT_EQ(stream.request_id(), "call-1");
  EXPECT_EQ(stream.last_seq(), 4);
  EXPECT_EQ(stream.end().usage().output_tokens(), 7);
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
  EXPECT_EQ(stream.Finish(), absl::OkStatus());
}

TEST_F(GenerateStreamTest, AStreamWithoutItsEndIsNoSuccess) {
  server_.stream_generate = [](auto&, const auto&, auto& writer) {
    writer.Write(Started());
    writer.Write(TextEvent(2, "Hel"));
    return grpc::Status::OK;
  };
  GenerateStream stream = gateway_.StreamGenerate({});
  EXPECT_EQ(ReadAll(stream), "Hel");
  const absl::Status status = stream.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorInfoOf(status)->reason(), "STREAM_INTERRUPTED");
  EXPECT_EQ(RequestIdOf(status), "call-1");
}

TEST_F(GenerateStreamTest, AnEventThatIsLostEndsIt) {
  std::promise<bool> gone;
  server_.stream_generate = [&](grpc::ServerContext& context, const auto&,
                                auto& writer) {
    writer.Write(Started());
    for (int64_t seq = 3; writer.Write(TextEvent(seq, ".")); ++seq) {
    }
    gone.set_value(context.IsCancelled());
    return grpc::Status::CANCELLED;
  };
  GenerateStream stream = gateway_.StreamGenerate({});
  v1::GenerateEvent event;
  ASSERT_TRUE(stream.Read(&event));
  EXPECT_FALSE(stream.Read(&event));
  EXPECT_FALSE(event.has_delta());
  EXPECT_FALSE(stream.Read(&event));
  const absl::Status status = stream.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "event 3 has come in place of 2");
  EXPECT_EQ(ErrorInfoOf(status)->reason(), "STREAM_INTERRUPTED");
  EXPECT_EQ(RequestIdOf(status), "call-1");
  EXPECT_EQ(stream.last_seq(), 1);
  EXPECT_TRUE(gone.get_future().get());
}

TEST_F(GenerateStreamTest, AFailureComesAfterWhatWasDelivered) {
  server_.stream_generate = [](auto&, const auto&, auto& writer) {
    writer.Write(Started());
    writer.Write(TextEvent(2, "Hel"));
    writer.Write(End(3, v1::StreamEnd::OUTCOME_TRUNCATED));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "broke off");
  };
  GenerateStream stream = gateway_.StreamGenerate({});
  EXPECT_EQ(ReadAll(stream), "Hel");
  const absl::Status status = stream.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "broke off");
  EXPECT_EQ(RequestIdOf(status), "call-1");
  EXPECT_EQ(stream.end().outcome(), v1::StreamEnd::OUTCOME_TRUNCATED);
}

// Writes one event and tells when the caller has gone away.
class AbandonedStreamTest : public GenerateStreamTest {
 protected:
  AbandonedStreamTest() {
    server_.stream_generate = [this](grpc::ServerContext& context, const auto&,
                                     auto& writer) {
      writer.Write(Started());
      // Fails once the caller is gone.
      for (int64_t seq = 2; writer.Write(TextEvent(seq, ".")); ++seq) {
      }
      gone_.set_value(context.IsCancelled());
      return grpc::Status::CANCELLED;
    };
  }

  std::promise<bool> gone_;
};

TEST_F(AbandonedStreamTest, FinishingEarlyCancelsTheCall) {
  GenerateStream stream = gateway_.StreamGenerate({});
  v1::GenerateEvent event;
  ASSERT_TRUE(stream.Read(&event));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(stream.Read(&event));
  EXPECT_TRUE(gone_.get_future().get());
}

TEST_F(AbandonedStreamTest, DestroyingItCancelsTheCall) {
  {
    GenerateStream stream = gateway_.StreamGenerate({});
    v1::GenerateEvent event;
    ASSERT_TRUE(stream.Read(&event));
  }
  EXPECT_TRUE(gone_.get_future().get());
}

TEST_F(AbandonedStreamTest, AssigningToItCancelsTheCall) {
  GenerateStream stream = gateway_.StreamGenerate({});
  v1::GenerateEvent event;
  ASSERT_TRUE(stream.Read(&event));
  stream = GenerateStream(nullptr, nullptr);
  EXPECT_TRUE(gone_.get_future().get());
  EXPECT_FALSE(stream.Read(&event));
}

TEST_F(AbandonedStreamTest, ItCanBeMoved) {
  GenerateStream first = gateway_.StreamGenerate({});
  GenerateStream second = std::move(first);
  v1::GenerateEvent event;
  EXPECT_TRUE(second.Read(&event));
  second.Cancel();
  ReadAll(second);
  EXPECT_EQ(second.Finish().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(gone_.get_future().get());
}

}  // namespace
}  // namespace gateway
