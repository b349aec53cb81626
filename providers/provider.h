// A Provider answers generation requests: over HTTP, by running a program, or
// by itself. It knows nothing of routes, retries, budgets or who is asking. To
// add one, read this file, then providers/registry/all_providers.h.
//
// A request comes in one of two forms (see providers/dialects/dialect.h):
//
//   parsed   `request` is set. The provider answers with neutral messages.
//   raw      `raw` is set: bytes in the provider's own dialect. The provider
//            forwards them, answers with bytes, and reads off them what must
//            be recorded. Only a provider that has the dialect is asked so.
//
// Failures are faults (errors/fault.h) that name the provider. A provider never
// retries by itself, except that it says in `progress` when a retry repeats
// nothing.
//
// Thread contract: providers are shared by all loops and immutable; a call and
// its stream belong to one loop.

#ifndef PROVIDERS_PROVIDER_H_
#define PROVIDERS_PROVIDER_H_

#include <cstdint>
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
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/upstream_fields.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// A request whose bytes are only forwarded.
struct RawRequest {
  const Dialect* dialect = nullptr;
  std::string_view body;  // Followed by kJsonPaddingBytes readable bytes.
  RequestScan scan;
};

// What a credential that a caller brought is called; the configured ones have
// names of their own.
inline constexpr std::string_view kCallersCredential = "caller";

// How far one attempt got; filled in as it goes.
struct AttemptProgress {
  HttpProgress http;
  int http_status = 0;  // 0 while there is none.
  UpstreamFields upstream;
  // Steady times, by a clock that moves within a turn of the loop; infinite
  // past while they have not come.
  absl::Duration dispatched = -absl::InfiniteDuration();
  absl::Duration first_byte = -absl::InfiniteDuration();
  // The name of the credential that goes with it, valid as long as the
  // provider; empty if none does.
  std::string_view credential;
};

// One try.
struct ProviderCall {
  EventLoop* loop = nullptr;
  HttpClient* http = nullptr;
  CancelSignal* cancel = nullptr;
  std::string_view request_id;
  // The provider's own name of the model.
  std::string_view model;
  // Exactly one of these is set.
  const v1::GenerateRequest* request = nullptr;
  const RawRequest* raw = nullptr;
  const v1::EmbedRequest* embed = nullptr;
  // About how large that is: what reads or writes all of a large one belongs
  // off the loop (base/async/worker_pool.h).
  size_t request_bytes = 0;
  // A credential that the caller brought for the provider; empty if none. Only
  // providers that are configured so send it.
  std::string_view caller_credential;
  // Header fields of the caller's own that mean something to the vendor whose
  // dialect they came in, such as `anthropic-beta`.
  absl::Span<const HttpField> forwarded_fields;
  // It is known of the model that nobody holds it to a JSON Schema. Only said
  // of requests that ask for JSON.
  bool lacks_schema = false;
  // The most tokens that the model is known to answer with, by the
  // configuration or the shipped table; 0: not known. Only said of requests
  // that name no limit.
  int64_t output_tokens_limit = 0;
  // The name of the configured credential to send, where another would not do;
  // empty, or one that is no longer there, if any will.
  std::string_view credential;
  // The gateway keeps the answer itself: that the format cannot be told to
  // `store` it is no loss.
  bool is_kept_here = false;
  // Do not use a connection that has served before.
  bool fresh_connection = false;
  // Of a raw call that asks for a count: receives the answer's bytes.
  std::string* raw_count = nullptr;
  // Receive what the caller of the provider must know; never null.
  AttemptProgress* progress = nullptr;
  std::vector<v1::Warning>* warnings = nullptr;
};

// What is asked of an answer that the provider keeps.
struct KeptAnswer {
  enum class Action { kShow, kListInput, kCancel, kDelete };
  Action action = Action::kShow;
  std::string_view id;
  std::string_view query;  // Without the question mark; as the caller wrote it.
};

// A whole answer.
struct ProviderAnswer {
  // Parsed calls: the message to fill in, set by the caller.
  v1::GenerateResponse* response = nullptr;
  // Raw calls: the bytes, valid as long as `exchange`, and what they say.
  std::string_view raw;
  std::unique_ptr<HttpExchange> exchange;
  ResponseFacts facts;
};

// What came of a stream since the last time.
struct StreamBatch {
  // Parsed calls: neutral events, without seq, Route and StreamEnd.
  EventList events;
  // Raw calls: bytes to forward, whole events only. Valid until the next Next.
  absl::InlinedVector<std::string_view, 4> raw;
  // How many of its events the caller must see: the moment of the first one is
  // the last for a retry.
  int content_events = 0;

  void Clear() {
    events.clear();
    raw.clear();
    content_events = 0;
  }
};

// An answer on its way. Destroying it before its end gives the rest up.
class ProviderStream : public Recycled {
 public:
  virtual ~ProviderStream() = default;

  // Waits for more and puts it into `batch`, which is cleared first. Returns
  // false once the provider has said that the answer is complete. A provider
  // that breaks off without saying so is an error, never an end.
  virtual Task<absl::StatusOr<bool>> Next(StreamBatch* batch) = 0;

  // What was learned so far; `usage` grows as the stream goes.
  virtual const ResponseFacts& facts() const = 0;

  // Raw calls: about how many bytes of text, reasoning and arguments have come,
  // which takes the reading of a sample. 0 where events are parsed.
  virtual int64_t SpokenBytes() const { return 0; }
};

class Provider {
 public:
  virtual ~Provider() = default;

  // As in the configuration.
  virtual std::string_view name() const = 0;

  // Why it could not answer anybody now, as far as can be told without asking:
  // its program is not there, say. OK if nothing is known. Costs a few system
  // calls.
  virtual absl::Status Obstacle() const;

  // The dialect of this name, if raw calls may come in it; null if not.
  virtual const Dialect* FindDialect(std::string_view name) const = 0;

  // Whether the bytes of a raw request may go through; if not, it is read. Only
  // asked of one in a dialect that the provider takes.
  virtual bool Forwards(const RawRequest& raw) const;

  // Answers a request whole.
  virtual Task<absl::Status> Generate(ProviderCall& call,
                                      ProviderAnswer* answer) const = 0;

  // Begins to answer a request bit by bit.
  virtual Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall& call) const = 0;

  // Whether the bytes of a raw request that asks for a count of `model` may go
  // through as they are.
  virtual bool ForwardsCount(const RawRequest& /*raw*/,
                             std::string_view /*model*/) const {
    return false;
  }

  // Counts the input tokens of a call, raw only if ForwardsCount;
  // UNIMPLEMENTED if the provider cannot, and then an estimate must do.
  virtual Task<absl::StatusOr<int64_t>> CountTokens(
      ProviderCall& call) const = 0;

  // Turns the texts of `call.embed` into vectors; UNIMPLEMENTED if the
  // provider cannot.
  virtual Task<absl::Status> Embed(ProviderCall& call,
                                   v1::EmbedResponse* response) const;

  // Asks for, or puts an end to, an answer that the provider has kept; `reply`
  // receives the bytes of what it says. UNIMPLEMENTED if it keeps none. Of
  // `call`, only what concerns the sending is used.
  virtual Task<absl::Status> AskKept(ProviderCall& call,
                                     const KeptAnswer& asked,
                                     std::string* reply) const;

  // Asks which models the provider has; UNIMPLEMENTED if it cannot say. Of
  // `call`, only what concerns the sending is used.
  virtual Task<absl::StatusOr<std::vector<v1::Model>>> ListModels(
      ProviderCall& call) const;
};

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_H_
