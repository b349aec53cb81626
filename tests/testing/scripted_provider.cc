#include "tests/testing/scripted_provider.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/async/sleep.h"
#include "base/status_macros.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

class OneEvent final : public ProviderStream {
 public:
  // `end` is how it ends.
  OneEvent(const std::string& text, absl::Status end)
      : text_(text), end_(std::move(end)) {
    facts_.has_usage = true;
    facts_.usage.set_input_tokens(1);
    facts_.usage.set_output_tokens(1);
  }

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    batch->Clear();
    if (std::exchange(ended_, true)) {
      GATEWAY_CO_RETURN_IF_ERROR(end_);
      facts_.usage_is_final = true;
      co_return false;
    }
    v1::GenerateEvent event;
    event.mutable_delta()->set_text(text_);
    batch->events.push_back(event);
    batch->content_events = 1;
    co_return true;
  }
  const ResponseFacts& facts() const override { return facts_; }

 private:
  const std::string text_;
  const absl::Status end_;
  ResponseFacts facts_;
  bool ended_ = false;
};

}  // namespace

Task<absl::StatusOr<std::string>> ScriptedProvider::Next(
    ProviderCall& call) const {
  const size_t at = std::min(asked_++, script_.size() - 1);
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  call.progress->dispatched = call.clock->SteadyTime();
  call.progress->http.sent = true;
  call.progress->credential = call.credential;
  GATEWAY_CO_RETURN_IF_ERROR(co_await Sleep(*call.loop, delay_, *call.cancel));
  call.progress->first_byte = call.clock->SteadyTime();
  co_return script_[at];
}

Task<absl::Status> ScriptedProvider::Generate(ProviderCall& call,
                                              ProviderAnswer* answer) const {
  const absl::StatusOr<std::string> next = co_await Next(call);
  if (!next.ok()) co_return next.status();
  v1::Message* const message =
      answer->response->add_choices()->mutable_message();
  message->set_role(v1::ROLE_ASSISTANT);
  message->add_parts()->set_text(*next);
  answer->facts.has_usage = true;
  answer->facts.usage.set_input_tokens(1);
  answer->facts.usage.set_output_tokens(1);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> ScriptedProvider::Stream(
    ProviderCall& call) const {
  const absl::StatusOr<std::string> next = co_await Next(call);
  if (!next.ok()) co_return next.status();
  co_return std::make_unique<OneEvent>(*next, break_);
}

Task<absl::StatusOr<int64_t>> ScriptedProvider::CountTokens(
    ProviderCall& call) const {
  const absl::StatusOr<std::string> next = co_await Next(call);
  if (!next.ok()) co_return next.status();
  co_return static_cast<int64_t>(next->size());
}

}  // namespace gateway
