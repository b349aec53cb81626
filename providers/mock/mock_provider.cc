#include "providers/mock/mock_provider.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "providers/mock/mock_answer.h"
#include "providers/mock/mock_embedding.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::MockProvider;

v1::ErrorReason ReasonOf(Config::Fault fault) {
  switch (fault) {
    case Config::FAULT_RATE_LIMITED:
      return v1::ERROR_REASON_PROVIDER_RATE_LIMITED;
    case Config::FAULT_AUTH_FAILED:
      return v1::ERROR_REASON_PROVIDER_AUTH_FAILED;
    case Config::FAULT_INVALID_REQUEST:
      return v1::ERROR_REASON_INVALID_REQUEST;
    default:
      return v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  }
}

// Returns the status that a provider over HTTP would have answered with.
int HttpStatusOf(Config::Fault fault) {
  switch (fault) {
    case Config::FAULT_RATE_LIMITED:
      return 429;
    case Config::FAULT_SERVER_ERROR:
      return 500;
    case Config::FAULT_OVERLOADED:
      return 529;
    case Config::FAULT_AUTH_FAILED:
      return 401;
    case Config::FAULT_INVALID_REQUEST:
      return 400;
    default:
      return 0;
  }
}

bool Faulty(const Config& config) {
  return config.fault() != Config::FAULT_UNSPECIFIED &&
         config.fault() != Config::FAULT_NONE;
}

constexpr size_t kReplyBytesMax = 1024 * 1024;
constexpr std::string_view kModels[] = {"mock-model"};

std::vector<SettingProblem> CheckReplies(const ProviderKind::Config& config) {
  std::vector<SettingProblem> problems;
  const auto check = [&](std::string_view reply, std::string field) {
    if (reply.size() <= kReplyBytesMax) return;
    problems.push_back({std::move(field), "is longer than 1 MiB"});
  };
  check(config.mock().reply(), "reply");
  for (int i = 0; i < config.mock().replies_size(); ++i) {
    check(config.mock().replies(i), absl::StrCat("replies[", i, "]"));
  }
  return problems;
}

constexpr ProviderSetting kSettings[] = {
    {.field = "reply", .value = "This is the mock provider speaking."},
    {.field = "delay", .value = "0s", .least = "0s", .most = "1h"},
    {.field = "chunk_count", .value = "4", .least = "1", .most = "100000"},
    {.field = "chunk_interval", .value = "0s", .least = "0s", .most = "1h"},
    {.field = "input_tokens",
     .value = "10",
     .least = "0",
     .most = "1000000000"},
    {.field = "output_tokens",
     .value = "20",
     .least = "0",
     .most = "1000000000"},
    {.field = "fault", .value = "none"},
    {.field = "fault_after_chunks",
     .value = "0",
     .least = "0",
     .most = "100000"},
    {.field = "replies", .entries_limit = 1000},
    {.field = "fault_after_calls",
     .value = "0",
     .least = "0",
     .most = "1000000"},
    {.field = "fault_calls", .value = "0", .least = "0", .most = "1000000"},
};

}  // namespace

MockProvider::MockProvider(std::string name, const Config& config)
    : name_(std::move(name)), config_(config) {}

bool MockProvider::CountCall() const {
  const int64_t before = calls_.fetch_add(1, std::memory_order_relaxed);
  const int64_t first = config_.fault_after_calls();
  const int64_t end = first + config_.fault_calls();
  return Faulty(config_) && before >= first &&
         (config_.fault_calls() == 0 || before < end);
}

std::string_view MockProvider::NextReply() const {
  const int64_t said = replies_.fetch_add(1, std::memory_order_relaxed);
  return said < config_.replies_size()
             ? std::string_view(config_.replies(static_cast<int>(said)))
             : config_.reply();
}

Task<absl::Status> MockProvider::Generate(ProviderCall& call,
                                          ProviderAnswer* answer) const {
  const bool faulty = CountCall();
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, faulty));
  if (faulty) co_return co_await Fail(call);
  WriteMockAnswer(*call.request, call.model, NextReply(), answer->response);
  *answer->response->mutable_usage() = MakeUsage();
  answer->facts.usage = answer->response->usage();
  answer->facts.has_usage = true;
  co_return absl::OkStatus();
}

Task<absl::Status> MockProvider::Begin(ProviderCall& call, bool faulty) const {
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  call.progress->dispatched = call.clock->SteadyTime();
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await Sleep(*call.loop, ToAbsl(config_.delay()), *call.cancel));
  call.progress->first_byte = call.clock->SteadyTime();
  const bool fails_first = faulty && config_.fault_after_chunks() == 0 &&
                           config_.fault() != Config::FAULT_HANG;
  if (!fails_first) {
    call.progress->http_status = 200;
    co_return absl::OkStatus();
  }
  call.progress->http_status = HttpStatusOf(config_.fault());
  co_return Fault();
}

Task<absl::Status> MockProvider::Fail(ProviderCall& call) const {
  if (config_.fault() == Config::FAULT_HANG) {
    co_return co_await Sleep(*call.loop, absl::InfiniteDuration(),
                             *call.cancel);
  }
  co_return Fault();
}

absl::Status MockProvider::Fault() const {
  absl::Status fault =
      MakeFault(ReasonOf(config_.fault()),
                absl::StrCat(name_, ": told to fail with ",
                             Config::Fault_Name(config_.fault())));
  AddFaultMetadata(fault, "provider", name_);
  if (config_.fault() == Config::FAULT_RATE_LIMITED) {
    SetRetryDelay(fault, absl::Seconds(1));
  }
  return fault;
}

v1::Usage MockProvider::MakeUsage() const {
  v1::Usage usage;
  usage.set_input_tokens(config_.input_tokens());
  usage.set_output_tokens(config_.output_tokens());
  return usage;
}

// A stream of the answer's events, one by one.
class MockProvider::AnswerStream final : public ProviderStream {
 public:
  AnswerStream(const MockProvider& provider, ProviderCall& call, bool faulty)
      : config_(provider.config_),
        provider_(provider),
        faulty_(faulty),
        loop_(*call.loop),
        cancel_(*call.cancel) {
    v1::GenerateResponse whole;
    WriteMockAnswer(*call.request, call.model, provider.NextReply(), &whole);
    *whole.mutable_usage() = provider.MakeUsage();
    events_ = CutMockAnswer(whole, config_.chunk_count());
  }

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override {
    batch->Clear();
    if (next_ == events_.size()) co_return false;
    const v1::GenerateEvent& event = events_[next_];
    const bool speaks = event.has_delta() || event.has_choice_end();
    if (speaks && faulty_ && deltas_ >= config_.fault_after_chunks()) {
      co_return co_await Break();
    }
    if (event.has_delta()) {
      if (deltas_ > 0) {
        GATEWAY_CO_RETURN_IF_ERROR(
            co_await Sleep(loop_, ToAbsl(config_.chunk_interval()), cancel_));
      }
      ++deltas_;
    }
    batch->content_events = speaks ? 1 : 0;
    if (event.has_usage()) {
      facts_.usage = event.usage();
      facts_.has_usage = true;
      facts_.usage_is_final = true;
    }
    if (event.has_choice_end() && event.choice_end().choice_index() == 0) {
      facts_.finish_reason = event.choice_end().finish_reason();
    }
    batch->events.push_back(event);
    ++next_;
    co_return true;
  }

  const ResponseFacts& facts() const override { return facts_; }

 private:
  Task<absl::Status> Break() {
    if (config_.fault() == Config::FAULT_HANG) {
      co_return co_await Sleep(loop_, absl::InfiniteDuration(), cancel_);
    }
    co_return provider_.Fault();
  }

  const Config& config_;
  const MockProvider& provider_;
  const bool faulty_;
  EventLoop& loop_;
  CancelSignal& cancel_;
  EventList events_;
  size_t next_ = 0;
  int deltas_ = 0;
  ResponseFacts facts_;
};

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> MockProvider::Stream(
    ProviderCall& call) const {
  const bool faulty = CountCall();
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, faulty));
  std::unique_ptr<ProviderStream> stream =
      std::make_unique<AnswerStream>(*this, call, faulty);
  co_return stream;
}

Task<absl::StatusOr<int64_t>> MockProvider::CountTokens(
    ProviderCall& call) const {
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, CountCall()));
  co_return config_.input_tokens();
}

Task<absl::Status> MockProvider::Embed(ProviderCall& call,
                                       v1::EmbedResponse* response) const {
  const bool faulty = CountCall();
  GATEWAY_CO_RETURN_IF_ERROR(co_await Begin(call, faulty));
  if (faulty) co_return co_await Fail(call);
  co_await OffLoop(call.request_bytes, [&] {
    WriteMockEmbeddings(*call.embed, response);
    return true;
  });
  response->set_model(std::string(call.model));
  response->mutable_usage()->set_input_tokens(config_.input_tokens());
  co_return absl::OkStatus();
}

constinit const ProviderKind kMockKind = {
    .name = "mock",
    .settings = kSettings,
    .check = CheckReplies,
    .models = kModels,
    .simulated = true,
    .make = [](const ProviderSetup& setup, const ProviderKind::Config& config)
        -> absl::StatusOr<std::unique_ptr<Provider>> {
      return std::make_unique<MockProvider>(setup.name, config.mock());
    },
};

}  // namespace gateway
