// What a gRPC call costs in either engine: both serve the same echo in this one
// process, on a loop each, to the same client. Printed is the CPU time of the
// whole process per call, less that of the client's thread.
//
//   bazel run -c opt //tests/bench/micro:engines_bench

#include <sys/resource.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/event_loop.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/http/http1_codec.h"
#include "base/http/http2_session.h"
#include "service/api/call_context.h"
#include "tests/testing/echo/echo_methods.h"
#include "tests/testing/engine.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/stream_pair.h"

namespace gateway {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(500);
constexpr absl::Duration kMeasured = absl::Seconds(2);
constexpr int kRounds = 2;
constexpr size_t kRequestBytes = 1024;

// Of the process, or of the calling thread.
double CpuSeconds(int of) {
  rusage usage;
  getrusage(of, &usage);
  const auto seconds = [](const timeval& time) {
    return time.tv_sec + time.tv_usec / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The one request message of every call, as it goes over the wire.
std::string FramedRequest() {
  EchoMethods::EchoRequest request;
  request.set_payload(std::string(kRequestBytes, 'p'));
  const std::string bytes = request.SerializeAsString();
  std::string framed(5, '\0');
  for (int i = 0; i < 4; ++i) {
    framed[4 - i] = static_cast<char>(bytes.size() >> (8 * i));
  }
  return framed + bytes;
}

// Connections on which so many calls are always under way.
class Client final : private Http2Session::Owner, private Http2StreamEvents {
 public:
  Client(int port, int connections, int streams)
      : streams_(streams), request_(FramedRequest()) {
    for (int i = 0; i < connections; ++i) {
      Http2Session::Owner& owner = *this;
      sessions_.push_back(std::make_unique<Http2Session>(
          Http2Session::Role::kClient, BeginConnectTo(port), limits_, owner));
      sessions_.back()->Start();
    }
  }

  void Stop() {
    stopping_ = true;
    for (const auto& session : sessions_) session->Close(absl::OkStatus());
  }
  Event& stopped() { return stopped_; }
  size_t calls() const { return calls_; }

 private:
  void OnCapacity() override {
    if (stopping_) return;
    for (const auto& session : sessions_) Fill(*session);
  }
  void OnEnded(const absl::Status&) override {
    if (++ended_ == sessions_.size()) stopped_.Set();
  }

  void Fill(Http2Session& session) {
    static const HttpField kHead[] = {
        {":method", "POST"},
        {":scheme", "http"},
        {":authority", "test"},
        {":path", "/llmgateway.testing.v1.EchoService/Echo"},
        {"content-type", "application/grpc"},
        {"te", "trailers"}};
    if (!session.settings_received()) return;
    while (session.open_streams() < static_cast<size_t>(streams_)) {
      Http2Stream* const stream = session.StartRequest(kHead, false, *this);
      if (stream == nullptr) return;
      stream->Send(request_);
      stream->End();
    }
  }

  void OnData(Http2Stream& stream, std::string_view bytes) override {
    stream.Consume(bytes.size());
  }
  void OnEnd(Http2Stream&) override { ++calls_; }
  void OnClosed(Http2Stream&, Http2Error, const absl::Status&) override {}

  const int streams_;
  const std::string request_;
  const Http2Limits limits_;
  std::vector<std::unique_ptr<Http2Session>> sessions_;
  bool stopping_ = false;
  size_t ended_ = 0;
  size_t calls_ = 0;
  Event stopped_;
};

// Waits without a thread's CPU time.
void Wait(absl::Duration time) {
  Latch never;
  never.WaitFor(time);
}

void Measure(std::string_view name, int port, int connections, int streams) {
  LoopThread thread;
  std::unique_ptr<Client> client;
  double own = 0;
  size_t calls = 0;
  const auto look = [&] {
    own = CpuSeconds(RUSAGE_THREAD);
    calls = client->calls();
  };
  bool ran = thread.Run(
      [&] { client = std::make_unique<Client>(port, connections, streams); });
  Wait(kWarmUp);
  ran = ran && thread.Run(look);
  const double before = CpuSeconds(RUSAGE_SELF) - own;
  const size_t calls_before = calls;
  Wait(kMeasured);
  ran = ran && thread.Run(look);
  const double used = CpuSeconds(RUSAGE_SELF) - own - before;
  const size_t done = calls - calls_before;
  std::printf("%-10s %2d x %-3d %7.2f us  %8.0f calls/s\n", name.data(),
              connections, streams, used * 1e6 / done,
              done / absl::ToDoubleSeconds(kMeasured));
  std::fflush(stdout);
  ran = ran && thread.Run([&] { client->Stop(); });
  ran = ran && client->stopped().Wait();
  ran = ran && thread.Run([&] { client.reset(); });
  if (!ran) std::printf("did not end\n");
}

void MeasureBoth() {
  EchoMethods methods;
  methods.echo = [](CallContext&, const EchoMethods::EchoRequest& request,
                    EchoMethods::EchoResponse* response) -> Task<absl::Status> {
    response->set_payload(request.payload().substr(0, 200));
    co_return absl::OkStatus();
  };
  LoopThread loops[2];
  const char* const names[] = {"native", "grpc_core"};
  std::vector<std::unique_ptr<Engine>> engines;
  for (int i : {0, 1}) {
    engines.push_back(*StartEngine(
        names[i], {.table = &methods.table(), .loops = {&loops[i].loop()}}));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& [connections, streams] :
         {std::pair(1, 1), std::pair(1, 64), std::pair(4, 16),
          std::pair(16, 64), std::pair(64, 1)}) {
      for (int i : {0, 1}) {
        Measure(names[i], engines[i]->port(), connections, streams);
      }
    }
  }
}

}  // namespace
}  // namespace gateway

int main() { gateway::MeasureBoth(); }
