#include "clients/cpp/generate_stream.h"

#include <optional>
#include <utility>

#include "clients/cpp/answer_fault.h"
#include "clients/cpp/call_status.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

GenerateStream::GenerateStream(std::function<Attempt()> begin,
                               std::shared_ptr<CallPlan> plan)
    : begin_(std::move(begin)), plan_(std::move(plan)) {
  if (begin_ != nullptr) attempt_ = begin_();
}

GenerateStream::GenerateStream(std::function<Attempt()> begin,
                               std::shared_ptr<CallPlan> plan,
                               const v1::ResumeStreamRequest& behind)
    : GenerateStream(std::move(begin), std::move(plan)) {
  order_ = EventOrder(behind.after_seq());
  request_id_ = behind.request_id();
}

GenerateStream::GenerateStream(absl::Status problem)
    : outcome_(std::move(problem)) {}

GenerateStream::GenerateStream(GenerateStream&& other) noexcept = default;

GenerateStream& GenerateStream::operator=(GenerateStream&& other) noexcept {
  if (this != &other) {
    Finish().IgnoreError();
    begin_ = std::move(other.begin_);
    plan_ = std::move(other.plan_);
    attempt_ = std::move(other.attempt_);
    order_ = other.order_;
    end_ = std::move(other.end_);
    request_id_ = std::move(other.request_id_);
    outcome_ = std::move(other.outcome_);
  }
  return *this;
}

GenerateStream::~GenerateStream() { Finish().IgnoreError(); }

bool GenerateStream::Read(v1::GenerateEvent* event) {
  if (attempt_.reader == nullptr) return false;
  while (!attempt_.reader->Read(event)) {
    Conclude();
    if (!TryAgain()) return false;
  }
  begin_ = nullptr;
  if (const std::string lost = order_.Add(*event); !lost.empty()) {
    event->Clear();
    Finish().IgnoreError();
    outcome_ = ToStatus(EventLost(lost), request_id_, *attempt_.context);
    return false;
  }
  if (event->has_started()) request_id_ = event->started().request_id();
  if (event->has_end()) end_ = event->end();
  return true;
}

absl::Status GenerateStream::Finish() {
  if (attempt_.reader == nullptr) return outcome_;
  plan_->Cancel();
  // The library wants all events taken before it tells the status.
  v1::GenerateEvent event;
  while (attempt_.reader->Read(&event)) {
  }
  Conclude();
  return outcome_;
}

void GenerateStream::Cancel() {
  if (plan_ != nullptr) plan_->Cancel();
}

void GenerateStream::Conclude() {
  const grpc::Status told = attempt_.reader->Finish();
  attempt_.reader.reset();
  outcome_ = ToStatus(told, request_id_, *attempt_.context);
  if (!outcome_.ok()) return;
  const std::optional<AnswerFault> fault =
      FaultOfEnd(order_.has_ended() ? &end_ : nullptr);
  if (fault.has_value()) {
    outcome_ = ToStatus(*fault, request_id_, *attempt_.context);
  } else {
    plan_->Succeeded();
  }
}

bool GenerateStream::TryAgain() {
  if (begin_ == nullptr || outcome_.ok() ||
      !plan_->AwaitNext({outcome_, PushbackOf(*attempt_.context)})) {
    return false;
  }
  attempt_ = begin_();
  return true;
}

}  // namespace gateway
