#include "service/pipeline/attempts.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/models/model_facts.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/conversation.h"

namespace gateway {
namespace {

// Why an attempt is made, and how.
struct AttemptOptions {
  v1::Attempt::Kind kind = v1::Attempt::KIND_FIRST;
  // The next attempt must not reuse a connection.
  bool fresh_connection = false;
};

size_t RequestBytes(const Call& call) {
  // What came before is as large as it is.
  return call.continued ? call.request->ByteSizeLong()
                        : call.facts.request_bytes;
}

// One attempt at one target: what a provider is handed, and what is kept of it.
class LiveAttempt {
 public:
  LiveAttempt(Call& call, const RouteTarget& target,
              const AttemptOptions& options)
      : call_(call),
        entry_(*call.runtime->providers().Find(target.provider)),
        attempt_(call.attempts.emplace_back()) {
    attempt_.kind = options.kind;
    attempt_.began = call.loop.Now();
    attempt_.provider = entry_.name;
    attempt_.model = entry_.UpstreamModel(target.model);
    attempt_.start_time = SystemClock().WallTime();
    if (call.provider_health != nullptr) {
      attempt_.inflight = call.provider_health->StartAttempt(entry_.name);
    }
    request_.loop = &call.loop;
    request_.http = &call.http;
    request_.cancel = &call.cancel;
    request_.request_id = call.facts.request_id;
    request_.request_bytes = RequestBytes(call);
    request_.caller_credential = call.facts.provider_credential;
    if (!call.facts.forwarded_fields.empty() &&
        provider().FindDialect(call.facts.dialect) != nullptr) {
      request_.forwarded_fields = call.facts.forwarded_fields;
    }
    request_.model = attempt_.model;
    request_.fresh_connection = options.fresh_connection;
    if (call.lives_upstream != nullptr) {
      request_.credential = call.lives_upstream->credential;
    }
    request_.progress = &attempt_.progress;
    request_.warnings = &call.warnings;
    LogAttempt(call);
  }

  // Chooses the form of the request: raw where the provider speaks the
  // caller's dialect. False if it is to be read first.
  bool ChooseForm() {
    const bool alike =
        call_.raw != nullptr &&
        provider().FindDialect(call_.raw->dialect->name()) != nullptr;
    call_.answers_raw =
        alike && call_.may_forward() && provider().Forwards(*call_.raw);
    if (!call_.answers_raw) return TakeParsed();
    call_.warnings.clear();
    request_.raw = call_.raw;
    return true;
  }

  // The same for a request that asks for a count, whose answer's bytes
  // `raw_count` receives.
  bool ChooseCountForm(std::string* raw_count) {
    if (call_.raw == nullptr || !call_.may_forward() ||
        !provider().ForwardsCount(*call_.raw, request_.model)) {
      return TakeParsed();
    }
    request_.raw = call_.raw;
    request_.raw_count = raw_count;
    return true;
  }

  // How much of the request a choice may look at, for OffLoop.
  size_t bytes_to_choose() const {
    return call_.raw == nullptr ? 0 : call_.raw->body.size() / kScansPerReading;
  }

  // Has the request read.
  Task<absl::Status> Read() {
    GATEWAY_CO_RETURN_IF_ERROR(
        co_await OffLoop(call_.facts.request_bytes,
                         [this] { return call_.ParsedRequest().status(); },
                         WorkerPool::Stage::kBegins));
    GATEWAY_CO_RETURN_IF_ERROR(
        co_await OffLoop(call_.bytes_to_expect(),
                         [this] { return call_.ExpectOutput(); }));
    TakeParsed();
    co_return absl::OkStatus();
  }

  // Writes the try down. Returns how it went.
  absl::Status End(absl::Status outcome) {
    // Whoever gave up knows better why than the socket that was closed.
    if (!outcome.ok() && call_.cancel.cancelled()) {
      outcome = call_.cancel.status();
    }
    attempt_.duration = call_.loop.Now() - attempt_.began;
    attempt_.status = outcome;
    attempt_.answered = outcome.ok();
    // A try that succeeded goes on until the call ends.
    if (!outcome.ok()) attempt_.inflight = InflightAttempt();
    return outcome;
  }

  const Provider& provider() const { return *entry_.provider; }
  ProviderCall& request() { return request_; }

 private:
  // False if the request has not been read.
  bool TakeParsed() {
    call_.warnings.clear();
    request_.request = call_.request;
    if (request_.request == nullptr) return false;
    request_.is_kept_here = IsKeptHere(call_);
    const bool names_limit = request_.request->has_max_output_tokens();
    if (names_limit && !call_.output.asked()) return true;
    const ModelFacts facts = entry_.FactsOf(attempt_.model);
    if (!names_limit) request_.output_tokens_limit = facts.output_tokens_limit;
    request_.lacks_schema =
        call_.output.asked() && facts.Lacks(kAbilityStrictSchema);
    return true;
  }

  Call& call_;
  const ProviderRegistry::Entry& entry_;
  Attempt& attempt_;
  ProviderCall request_;
};

Task<absl::Status> AnswerOnce(Call& call, AttemptOptions options) {
  LiveAttempt one(call, call.plan.targets[0], options);
  const bool chosen = co_await OffLoop(
      one.bytes_to_choose(), [&one] { return one.ChooseForm(); });
  absl::Status outcome;
  if (!chosen) outcome = co_await one.Read();
  if (outcome.ok()) {
    call.answer = ProviderAnswer();
    if (!call.answers_raw) {
      call.answer.response =
          google::protobuf::Arena::CreateMessage<v1::GenerateResponse>(
              &call.arena);
    }
    outcome = co_await one.provider().Generate(one.request(), &call.answer);
  }
  co_return one.End(std::move(outcome));
}

// How often a stream may repeat its request before its first content: that of
// OpenAI's Responses does so twice, and JSON may have it longer.
constexpr size_t kEchoesMax = 4;

// Waits for the first content and keeps what came before it.
Task<absl::Status> HoldBack(OpenStream* open, size_t held_bytes_limit) {
  StreamBatch held;
  size_t held_bytes = 0;
  bool begun = false;
  while (!begun) {
    StreamBatch batch;
    absl::StatusOr<bool> more = co_await open->stream->Next(&batch);
    if (!more.ok()) co_return more.status();
    open->ended = !*more;
    for (v1::GenerateEvent& event : batch.events) {
      held_bytes += event.ByteSizeLong();
      held.events.push_back(std::move(event));
    }
    if (batch.content_events > 0 || open->ended) {
      // Views into the stream's memory are good until the next batch.
      open->first.raw = std::move(batch.raw);
      open->first.content_events = batch.content_events;
      begun = true;
      continue;
    }
    for (std::string_view bytes : batch.raw) open->held_bytes.append(bytes);
    if (held_bytes + open->held_bytes.size() > held_bytes_limit) {
      co_return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                          absl::StrCat("more than ", held_bytes_limit,
                                       " bytes of stream without content"));
    }
  }
  open->first.events = std::move(held.events);
  if (!open->held_bytes.empty()) {
    open->first.raw.insert(open->first.raw.begin(), open->held_bytes);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> EmbedOnce(Call& call, AttemptOptions options,
                                v1::EmbedResponse* response) {
  LiveAttempt one(call, call.plan.targets[0], options);
  call.warnings.clear();
  one.request().embed = call.embed;
  response->Clear();
  absl::Status outcome =
      co_await one.provider().Embed(one.request(), response);
  const int asked = call.embed->inputs_size();
  if (outcome.ok() && response->embeddings_size() != asked) {
    outcome = MakeFault(
        v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
        absl::StrCat(ToAbsl(one.provider().name()), ": answered ",
                     response->embeddings_size(), " vectors to ", asked,
                     " inputs"));
  }
  co_return one.End(std::move(outcome));
}

Task<absl::Status> KeptOnce(Call& call, AttemptOptions options,
                               const KeptAnswer& asked, std::string* reply) {
  LiveAttempt one(call, call.plan.targets[0], options);
  absl::Status outcome =
      co_await one.provider().AskKept(one.request(), asked, reply);
  co_return one.End(std::move(outcome));
}

Task<absl::Status> StreamOnce(Call& call, AttemptOptions options,
                                 OpenStream* open) {
  LiveAttempt one(call, call.plan.targets[0], options);
  const bool chosen = co_await OffLoop(
      one.bytes_to_choose(), [&one] { return one.ChooseForm(); });
  absl::Status outcome;
  if (!chosen) outcome = co_await one.Read();
  if (outcome.ok()) {
    *open = OpenStream();
    absl::StatusOr<std::unique_ptr<ProviderStream>> stream =
        co_await one.provider().Stream(one.request());
    outcome = stream.status();
    if (stream.ok()) {
      open->stream = *std::move(stream);
      const size_t limit = static_cast<size_t>(
          call.runtime->config().limits().hold_back_bytes_limit());
      outcome = co_await HoldBack(
          open, limit + kEchoesMax * one.request().request_bytes);
    }
  }
  if (!outcome.ok()) open->stream.reset();
  co_return one.End(std::move(outcome));
}

// Decides, after a failed try, whether and when another follows.
class Retries {
 public:
  explicit Retries(Call& call) : call_(call) {}

  // Of the next try.
  AttemptOptions options() const { return options_; }

  // OK once another attempt may begin; if there must be none, how the call
  // ends.
  Task<absl::Status> Another(const absl::Status& failure) {
    if (call_.cancel.cancelled()) co_return failure;
    const Attempt& last = call_.attempts.back();
    if (last.progress.http.reused_connection_was_stale && free_attempts_ == 0) {
      // The server has not looked at the request; this repeats nothing and
      // costs nobody a try.
      options_ = {.kind = v1::Attempt::KIND_RECONNECT,
                  .fresh_connection = true};
      ++free_attempts_;
      co_return absl::OkStatus();
    }
    const int attempts =
        static_cast<int>(call_.attempts.size()) - free_attempts_;
    const std::optional<absl::Duration> delay =
        call_.runtime->retry().DelayAfter(
            attempts, failure, last.progress.http.abandoned(), SystemRandom());
    if (!delay.has_value()) co_return failure;
    options_ = {.kind = v1::Attempt::KIND_RETRY, .fresh_connection = true};
    co_return co_await Sleep(call_.loop, *delay, call_.cancel);
  }

 private:
  Call& call_;
  int free_attempts_ = 0;
  AttemptOptions options_;
};

}  // namespace

Task<absl::Status> AttemptAnswer(Call& call) {
  Retries retries(call);
  for (;;) {
    const absl::Status outcome =
        co_await AnswerOnce(call, retries.options());
    if (outcome.ok()) {
      call.answer_facts = call.answer.facts;
      co_return outcome;
    }
    GATEWAY_CO_RETURN_IF_ERROR(co_await retries.Another(outcome));
  }
}

Task<absl::Status> AttemptStream(Call& call, OpenStream* open) {
  Retries retries(call);
  for (;;) {
    const absl::Status outcome =
        co_await StreamOnce(call, retries.options(), open);
    if (outcome.ok()) co_return outcome;
    GATEWAY_CO_RETURN_IF_ERROR(co_await retries.Another(outcome));
  }
}

Task<absl::Status> AttemptEmbed(Call& call, v1::EmbedResponse* response) {
  Retries retries(call);
  for (;;) {
    const absl::Status outcome =
        co_await EmbedOnce(call, retries.options(), response);
    if (outcome.ok()) {
      call.answer_facts.usage = response->usage();
      call.answer_facts.has_usage = true;
      co_return outcome;
    }
    GATEWAY_CO_RETURN_IF_ERROR(co_await retries.Another(outcome));
  }
}

Task<absl::Status> AttemptKept(Call& call, const KeptAnswer& asked,
                               std::string* reply) {
  Retries retries(call);
  for (;;) {
    const absl::Status outcome =
        co_await KeptOnce(call, retries.options(), asked, reply);
    if (outcome.ok()) co_return outcome;
    GATEWAY_CO_RETURN_IF_ERROR(co_await retries.Another(outcome));
  }
}

Task<absl::StatusOr<int64_t>> AttemptCount(Call& call, std::string* raw) {
  LiveAttempt one(call, call.plan.targets[0], AttemptOptions());
  absl::StatusOr<int64_t> count = 0;
  const bool chosen = co_await OffLoop(
      one.bytes_to_choose(), [&] { return one.ChooseCountForm(raw); });
  absl::Status outcome;
  if (!chosen) outcome = co_await one.Read();
  if (outcome.ok()) {
    count = co_await one.provider().CountTokens(one.request());
    outcome = count.status();
  }
  GATEWAY_CO_RETURN_IF_ERROR(one.End(std::move(outcome)));
  co_return count;
}

}  // namespace gateway
