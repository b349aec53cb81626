// A Provider answers generation requests: over HTTP, by running a program, or
// by itself. It knows nothing of routes, retries, budgets or who is asking. To
// add one, read this file, then providers/provider_kind.h.
//
// A request comes in one of two forms (see providers/dialects/dialect.h):
//
//   parsed   `request` is set. The provider answers with neutral messages.
//   raw      `raw` is set: bytes in the provider's own dialect. The provider
//            forwards them, answers with bytes, and reads off them what must
//            be recorded. Only a provider that has the dialect is asked so.
//
// Failures. All are faults (errors/fault.h) whose metadata names the
// `provider`. What the pipeline does next is decided by the reason, by what
// `progress` says of the sending, and by metadata whose keys stand in
// errors/fault.h:
//
//   kHttpStatusKey           the status of the answer, if there was one
//   kProviderErrorFormKey    whose form the error's body has, if it is known;
//                            with either key the provider has answered, so that
//                            a time-out is not asked for again
//   kProviderShouldRetryKey  the vendor's own advice, which is followed
//   kCredentialKey           that the credential was the caller's own, who is
//                            then told that it was refused
//   kProviderCodeKey, ...    the vendor's names, told to callers of its API
//
// Dialect::ReadError and HttpFaults set them. A provider never retries by
// itself, and says in `progress` when a retry repeats nothing.
//
// Thread contract: providers are shared by all loops and immutable; a call and
// its stream belong to one loop.

#ifndef PROVIDERS_PROVIDER_H_
#define PROVIDERS_PROVIDER_H_

#include <coroutine>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "base/memory/recycler.h"
#include "base/os/clock.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/unasked_answer.h"
#include "providers/upstream_fields.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// A request as the bytes that it came in, with what its dialect's scan found.
struct RawRequest {
  const Dialect* dialect = nullptr;
  std::string_view body;
  RequestScan scan;
};

// How far one attempt got. Filled in while it runs.
struct AttemptProgress {
  HttpProgress http;
  int http_status = 0;  // 0 while there is none.
  // The status is 200, and what comes with it looks like a model's answer, in
  // this form: of whose body http.body_bytes have come.
  enum class Answer { kNone, kWhole, kStream };
  Answer answer = Answer::kNone;
  // What came of one that is not in the form that was asked for.
  std::unique_ptr<UnaskedAnswer> unasked;
  UpstreamFields upstream;
  // Steady times, by a clock that moves within a turn of the loop; infinite
  // past until they are reached.
  absl::Duration dispatched = -absl::InfiniteDuration();
  absl::Duration first_byte = -absl::InfiniteDuration();
  // The name of the credential that was sent, valid as long as the provider;
  // empty if none was.
  std::string_view credential;
};

// Departure hears of an attempt before anything of it leaves the gateway. What
// is refused before, such as a request that cannot be said in the provider's
// format, never departs.
//
//   GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
class Departure {
 public:
  // Awaits that it may leave; yields an absl::Status. Once it has, an attempt
  // that asks in several parts has left. An error: it must not, and is how the
  // attempt ends. No coroutine of its own, since each attempt waits for one.
  class Departing;
  Departing Depart();

 protected:
  ~Departure() = default;

 private:
  // Has `handle` resumed once it is known whether it may leave. False if that
  // is known at once; then nobody is resumed.
  virtual bool BeginDeparture(std::coroutine_handle<> handle) = 0;
  // Whether it may, once that is known.
  virtual absl::Status EndDeparture() = 0;
};

class [[nodiscard]] Departure::Departing {
 public:
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    return departure_.BeginDeparture(handle);
  }
  absl::Status await_resume() { return departure_.EndDeparture(); }

 private:
  friend Departure;
  explicit Departing(Departure& departure) : departure_(departure) {}

  Departure& departure_;
};

inline Departure::Departing Departure::Depart() { return Departing(*this); }

// What one attempt asks of a provider.
struct ProviderCall {
  EventLoop* loop = nullptr;
  HttpClient* http = nullptr;
  CancelSignal* cancel = nullptr;
  // Tells when what has happened, and what a vendor's dates mean.
  Clock* clock = &SystemClock();
  std::string_view request_id;
  // The provider's own name of the model.
  std::string_view model;
  // At most one of these is set; none for AskStored and ListModels.
  const v1::GenerateRequest* request = nullptr;
  const RawRequest* raw = nullptr;
  const v1::EmbedRequest* embed = nullptr;
  // About how many bytes the request has: what reads or writes all of a large
  // one belongs off the loop (base/async/worker_pool.h).
  size_t request_bytes = 0;
  // A credential that the caller brought for the provider; empty if none. Sent
  // only by providers that are configured for it (credential_passthrough).
  std::string_view caller_credential;
  // Header fields of the caller's own that mean something to the vendor whose
  // dialect they came in, such as `anthropic-beta`.
  absl::Span<const HttpField> forwarded_fields;
  // The model is known not to be held to a JSON Schema by anybody. Set only for
  // requests that ask for JSON.
  bool lacks_schema = false;
  // The most tokens that the model answers with, by the configuration or the
  // shipped table; 0 if not known. Set only for requests that name no limit.
  int64_t output_tokens_limit = 0;
  // The name of the configured credential that has to be sent, as for an answer
  // that is kept under it; if empty, or no longer there, any will do.
  std::string_view credential;
  // The gateway keeps the answer itself, so that a format which cannot say
  // `store` drops nothing.
  bool is_kept_here = false;
  // As in HttpCall.
  bool fresh_connection = false;
  // In place of the provider's own for this form of answer; zero to leave that.
  absl::Duration first_byte_timeout = absl::ZeroDuration();
  // For a raw call that asks for a count: receives the answer's bytes.
  std::string* raw_count = nullptr;
  // Is told just before bytes leave, or a program is started; null if nobody
  // needs to know.
  Departure* departure = nullptr;
  // Receive what the pipeline must know of the attempt; never null.
  AttemptProgress* progress = nullptr;
  std::vector<v1::Warning>* warnings = nullptr;
};

// What is asked of an answer that the provider keeps.
struct StoredResponseQuery {
  enum class Action { kShow, kListInput, kCancel, kDelete };
  Action action = Action::kShow;
  std::string_view id;
  std::string_view query;  // Without the question mark; as the caller wrote it.
};

// A whole answer.
struct ProviderAnswer {
  // For parsed calls: the message to fill in, set by the caller.
  v1::GenerateResponse* response = nullptr;
  // For raw calls: the bytes, valid as long as `exchange`, and what was read
  // off them.
  std::string_view raw;
  std::unique_ptr<HttpExchange> exchange;
  ResponseFacts facts;
};

// What has come of a stream since the last call of Next.
struct StreamBatch {
  // For parsed calls: neutral events, without seq, Route and StreamEnd.
  EventList events;
  // For raw calls: bytes to forward, whole events only. Valid until the next
  // Next.
  absl::InlinedVector<std::string_view, 4> raw;
  // Where in `raw` the end of the stream begins: its end marker, or what tells
  // that it failed. Greater than any place in it if it has not come.
  size_t end_at = kNoEnd;
  static constexpr size_t kNoEnd = std::numeric_limits<size_t>::max();
  // How many of its events the caller must see: once the first of them is
  // delivered, no other attempt may follow.
  int content_events = 0;
  // About how many bytes `events` take, if there was a large one among what
  // they were made of; else 0, and they take little.
  size_t held_bytes = 0;

  void Clear() {
    events.clear();
    raw.clear();
    end_at = kNoEnd;
    content_events = 0;
    held_bytes = 0;
  }
};

// An answer that is coming. Destroying it before its end gives the rest up.
class ProviderStream : public Recycled {
 public:
  virtual ~ProviderStream() = default;

  // Waits for more and puts it into `batch`, which is cleared first. Returns
  // false once the provider has said that the answer is complete. A stream that
  // breaks off before is an error, never an end.
  virtual Task<absl::StatusOr<bool>> Next(StreamBatch* batch) = 0;

  // What was read off the stream so far; `usage` grows as it goes.
  virtual const ResponseFacts& facts() const = 0;

  // For raw calls: how many tokens of output have come, those that the provider
  // has counted and what was said since. 0 where events are parsed.
  virtual int64_t SaidTokens() const { return 0; }
};

class Provider {
 public:
  virtual ~Provider() = default;

  // The provider's name in the configuration.
  virtual std::string_view name() const = 0;

  // Returns why it could not answer any call now, as far as can be told without
  // asking it, such as that its program is missing. OK if nothing is known.
  // Costs a few system calls.
  virtual absl::Status Obstacle() const;

  // Returns the dialect of this name if raw calls may come in it; null if not.
  virtual const Dialect* FindDialect(std::string_view name) const = 0;

  // Returns whether the bytes of a raw request may be forwarded; if not, the
  // pipeline parses it. REQUIRES: the request is in a dialect of FindDialect.
  virtual bool Forwards(const RawRequest& raw) const;

  // Answers a request with a whole answer.
  virtual Task<absl::Status> Generate(ProviderCall& call,
                                      ProviderAnswer* answer) const = 0;

  // Begins to answer a request with a stream.
  virtual Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const = 0;

  // Returns whether the bytes of a raw request that asks for a count of `model`
  // may be forwarded as they are.
  virtual bool ForwardsCount(const RawRequest& /*raw*/,
                             std::string_view /*model*/) const {
    return false;
  }

  // Counts the input tokens of a call, which is raw only if ForwardsCount.
  // UNIMPLEMENTED if the provider cannot count: the pipeline then estimates.
  virtual Task<absl::StatusOr<int64_t>> CountTokens(
      ProviderCall& call) const = 0;

  // Turns the texts of `call.embed` into vectors; UNIMPLEMENTED if the
  // provider cannot.
  virtual Task<absl::Status> Embed(ProviderCall& call,
                                   v1::EmbedResponse* response) const;

  // Shows, cancels or deletes an answer that the provider has kept; `reply`
  // receives the bytes of what it says. UNIMPLEMENTED if it keeps none. Only
  // the fields of `call` that concern sending are used.
  virtual Task<absl::Status> AskStored(ProviderCall& call,
                                       const StoredResponseQuery& asked,
                                       std::string* reply) const;

  // Asks which models the provider has; UNIMPLEMENTED if it cannot say. Only
  // the fields of `call` that concern sending are used.
  virtual Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const;
};

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_H_
