#include "clients/cpp/generate_stream.h"

#include <utility>

#include "clients/cpp/call_status.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

GenerateStream::GenerateStream(std::shared_ptr<grpc::ClientContext> context,
                               std::unique_ptr<Reader> reader)
    : context_(std::move(context)), reader_(std::move(reader)) {}

GenerateStream::GenerateStream(GenerateStream&& other) noexcept = default;

GenerateStream& GenerateStream::operator=(GenerateStream&& other) noexcept {
  if (this != &other) {
    Finish().IgnoreError();
    context_ = std::move(other.context_);
    reader_ = std::move(other.reader_);
    exhausted_ = other.exhausted_;
    end_ = std::move(other.end_);
    request_id_ = std::move(other.request_id_);
    outcome_ = std::move(other.outcome_);
  }
  return *this;
}

GenerateStream::~GenerateStream() { Finish().IgnoreError(); }

bool GenerateStream::Read(v1::GenerateEvent* event) {
  if (reader_ == nullptr || exhausted_) return false;
  if (!reader_->Read(event)) {
    exhausted_ = true;
    return false;
  }
  if (event->has_started()) request_id_ = event->started().request_id();
  if (event->has_end()) end_ = event->end();
  return true;
}

absl::Status GenerateStream::Finish() {
  if (reader_ == nullptr) return outcome_;
  if (!exhausted_) {
    context_->TryCancel();
    // The library wants all events taken before it tells the status.
    v1::GenerateEvent event;
    while (reader_->Read(&event)) {
    }
  }
  const grpc::Status told = reader_->Finish();
  reader_.reset();
  outcome_ = ToStatus(told, *context_);
  if (outcome_.ok() && end_.outcome() != v1::StreamEnd::OUTCOME_FINISHED) {
    outcome_ = Interrupted(*context_);
  }
  return outcome_;
}

void GenerateStream::Cancel() {
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace gateway
