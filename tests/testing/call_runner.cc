#include "tests/testing/call_runner.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/os/random.h"
#include "google/protobuf/arena.h"
#include "providers/dialects/dialect.h"
#include "providers/provider.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/call.h"
#include "service/pipeline/pipeline.h"

namespace gateway {

class CallRunner::Sink final : public AnswerSink {
 public:
  Sink(const OnBatch& on_batch, CallResult* result)
      : on_batch_(on_batch), result_(*result) {}

  Task<absl::Status> SendAnswer(Call& call) override {
    ++result_.answers;
    result_.count = call.count;
    if (call.DecidingAttempt() == nullptr) co_return absl::OkStatus();
    const Attempt& attempt = *call.DecidingAttempt();
    result_.reply = attempt.reply;
    if (attempt.answer.response != nullptr) {
      result_.response = *attempt.answer.response;
    } else {
      result_.bytes = attempt.answer.raw;
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override {
    ++result_.batches;
    for (std::string_view piece : batch.raw) result_.bytes.append(piece);
    for (v1::GenerateEvent& event : batch.events) {
      if (event.has_started()) call.Describe(event.mutable_started());
      result_.events.push_back(event);
    }
    co_return on_batch_ ? on_batch_(result_) : absl::OkStatus();
  }

  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override {
    ++result_.ends;
    result_.end = outcome;
    result_.stream_end = call.MakeEnd(outcome).end();
    co_return absl::OkStatus();
  }

 private:
  const OnBatch& on_batch_;
  CallResult& result_;
};

struct CallRunner::Borrowed {
  Borrowed(CallRunner& runner, const CallQuestion& question)
      : body(question.body),
        call(runner.runtime_, runner.client_.loop(), runner.client_.http(),
             *runner.cancel_, arena, runner.client_.loop().Now()) {
    call.facts.operation = "test";
    call.facts.request_id = "req-test-1";
    call.facts.head.authorization = question.authorization;
    call.facts.strict_output = question.strict_output;
    call.facts.parsed_only = question.parsed_only;
    call.facts.counts = question.counts;
    if (question.traced) {
      call.trace =
          CallTrace::Begin("", "", SampledShare(0), SystemRandom());
    }
    if (question.dialect == nullptr) {
      call.request = &question.request;
      call.facts.model = question.request.model();
      call.facts.provider = question.request.provider_id();
      call.facts.stream = question.stream;
      return;
    }
    raw.dialect = question.dialect;
    raw.body = body;
    call.api_error = raw.dialect->ScanRequest(raw.body, &raw.scan);
    call.raw = &raw;
    call.facts.model = raw.scan.model;
    call.facts.stream = raw.scan.stream;
    call.facts.stream_usage = raw.scan.stream_usage;
  }

  const std::string body;
  google::protobuf::Arena arena;
  RawRequest raw;
  Call call;
};

CallRunner::CallRunner(std::shared_ptr<const RuntimeSnapshot> runtime)
    : runtime_(std::move(runtime)) {
  auto watching = feed_.Subscribe({}, [] {});
  if (!watching.ok()) std::abort();
  watching_ = *std::move(watching);
}

CallResult CallRunner::Run(const CallQuestion& question,
                           const OnBatch& on_batch) {
  CallResult result;
  client_.Run([&]() -> Task<void> {
    Borrowed borrowed(*this, question);
    Sink sink(on_batch, &result);
    co_await RunOnLoop(borrowed, sink, &result);
  });
  TakeRecords(&result);
  return result;
}

Task<void> CallRunner::RunOnLoop(Borrowed& borrowed, Sink& sink,
                                 CallResult* result) {
  Call& call = borrowed.call;
  result->status = co_await RunCall(call, sink, recorder_);
  result->answers_raw = !call.attempts.empty() && call.attempts.back().forwards;
  result->route_reason = call.planned.reason;
  if (call.trace != nullptr) {
    result->commits.assign(call.trace->commits.begin(),
                           call.trace->commits.end());
  }
  const v1::GenerateEvent end = call.MakeEnd(result->status);
  result->attempts.assign(end.end().attempts().begin(),
                          end.end().attempts().end());
}

void CallRunner::TakeRecords(CallResult* result) {
  while (std::optional<FeedEvent> event = watching_->Take()) {
    result->records.push_back(event->call);
  }
}

std::string CallResult::Text() const {
  std::string text;
  for (const v1::GenerateEvent& event : events) text += event.delta().text();
  for (const v1::Choice& choice : response.choices()) {
    for (const v1::Part& part : choice.message().parts()) text += part.text();
  }
  return text;
}

}  // namespace gateway
