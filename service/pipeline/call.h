// A Call is one request on its way through the four stages, and what became of
// it. The API that took it in sets the first part; each stage adds its own.
//
// The request is either parsed or raw (providers/dialects/dialect.h); the
// stages read CallFacts and never ask which.
//
// Thread contract: one event loop, the one it arrived on.

#ifndef SERVICE_PIPELINE_CALL_H_
#define SERVICE_PIPELINE_CALL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/http/http_client.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/provider.h"
#include "service/observability/call_record.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/caller_access.h"
#include "service/pipeline/output_check.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/router.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// What is known of a request whatever its form. The views must stay valid
// until the call ends.
struct CallFacts {
  CallerHead head;             // Who asks; its api is the call's.
  std::string_view operation;  // As in CallRecord.
  std::string_view method;
  std::string_view path;  // By SetPath.
  std::string_view request_id;
  std::string_view peer;  // `address:port` of the caller.
  // What the caller brought for the provider itself; empty if nothing.
  std::string_view provider_credential;
  // The dialect of the API, and header fields that mean something to its
  // vendor.
  std::string_view dialect;
  absl::Span<const HttpField> forwarded_fields;
  std::string_view model;
  std::string_view provider;  // Named by the caller; empty if it is not.
  bool stream = false;
  // The caller of a stream asked for its usage.
  bool stream_usage = false;
  // The request and its answer are to be read, even where bytes could be
  // forwarded.
  bool parsed_only = false;
  // The request asks for a count of its input tokens, and reads as such.
  bool counts = false;
  // Of the answer that the conversation goes on from; empty if it begins.
  std::string_view previous_response_id;
  // The field, if there is one, that names something else which the provider
  // has stored and of which the gateway does not know whose it is.
  std::string_view stored_reference;
  // The answer is asked for now and fetched later, from where it is made.
  bool background = false;
  // The answer is remembered unless the request says `store: false`, and not
  // only if it says `store: true`.
  bool remembered_unless_refused = false;
  // Asks as GenerateRequest.strict_output does, from beside the request. The
  // call is then parsed.
  bool strict_output = false;
  size_t request_bytes = 0;
};

// One try, as far as it has come.
struct Attempt {
  std::string_view provider;
  std::string_view model;  // Both valid until the call ends.
  v1::Attempt::Kind kind = v1::Attempt::KIND_UNSPECIFIED;
  // What the caller gets of an answer is this one's.
  bool answered = false;
  absl::Time start_time;
  absl::Duration began;  // Steady.
  absl::Duration duration;
  absl::Duration first_content = -absl::InfiniteDuration();  // Steady.
  absl::Status status;
  AttemptProgress progress;
  // Counts as in flight at its provider while it lives.
  InflightAttempt inflight;
};

class Call {
 public:
  // `arrival` is steady. All references must outlive the call.
  Call(std::shared_ptr<const RuntimeSnapshot> runtime, EventLoop& loop,
       HttpClient& http, CancelSignal& cancel, google::protobuf::Arena& arena,
       absl::Duration arrival);

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // The request as a message; a raw one is parsed when first asked for, which
  // fails as its dialect's ReadRequest does.
  absl::StatusOr<const v1::GenerateRequest*> ParsedRequest();

  // Has `output` expect what the request asks for, if that has been read.
  // INVALID_REQUEST names what is wrong with the schema. How much work that may
  // be, for OffLoop.
  absl::Status ExpectOutput();
  size_t bytes_to_expect() const;

  // The try whose answer the caller gets, or else the last; null if there was
  // none.
  const Attempt* DecidingAttempt() const;

  // Notes the path as it was asked for, in two pieces of which the first may be
  // empty: a copy of its beginning, since requests are let go of, with a `?`
  // for whatever is no ASCII.
  void SetPath(std::string_view beginning, std::string_view rest);

  // The bytes of a raw request may go through as they are.
  bool may_forward() const {
    return raw != nullptr && !facts.parsed_only && !facts.strict_output;
  }

  // The last of the events of a parsed stream: how it ended, and all that is
  // known of it.
  v1::GenerateEvent MakeEnd(const absl::Status& outcome) const;

  // Fills in what the gateway knows of a parsed answer.
  void Describe(v1::GenerateResponse* response) const;
  void Describe(v1::StreamStarted* started) const;
  void FillRoute(v1::Route* route) const;

  // Constant after construction.
  const std::shared_ptr<const RuntimeSnapshot> runtime;
  EventLoop& loop;
  HttpClient& http;
  CancelSignal& cancel;
  google::protobuf::Arena& arena;
  const absl::Duration arrival;
  const absl::Time start_time;

  // Set by the recorder that will record the call; may be null.
  ProviderHealthShard* provider_health = nullptr;

  // Set by the API: the facts, and one of the two forms.
  CallFacts facts;
  // Null if nothing is remembered.
  ResponseStore* responses = nullptr;
  const v1::GenerateRequest* request = nullptr;
  const RawRequest* raw = nullptr;
  // In place of both: texts to be turned into vectors.
  const v1::EmbedRequest* embed = nullptr;
  // What the API found wrong with the request; Admit refuses it so, after it
  // has asked who the caller is.
  absl::Status refusal;

  // Set by Admit, unless the API, which must know before it reads the request,
  // has set it and said so.
  std::string_view caller;
  bool caller_known = false;
  // What the caller says of whom it acts for, as far as it is recorded; on the
  // arena, since the request may be let go of.
  CallScope scope;
  absl::InlinedVector<CallLabel, 2> labels;
  // What the answer must be, once the request has been read, and what became of
  // that.
  OutputCheck output;

  // The request has had before it what is remembered of its conversation.
  bool continued = false;
  // What the request refers to was forwarded, and lives at a provider; or null.
  ResponseStore::Entry lives_upstream;

  // Set by Plan.
  RoutePlan plan;

  // Set by Attempt.
  // Providers write into the last one; the others may move.
  absl::InlinedVector<Attempt, 1> attempts;
  std::vector<v1::Warning> warnings;
  // The answer goes through as the provider's bytes.
  bool answers_raw = false;
  ProviderAnswer answer;  // Of a unary call.
  ResponseFacts answer_facts;
  absl::Duration first_content = -absl::InfiniteDuration();  // Steady.
  int64_t content_events = 0;

  // Set by the API as it answers.
  int64_t response_bytes = 0;
  int http_status = 0;

 private:
  void FillTimings(v1::Timings* timings) const;
  void FillAttempts(
      google::protobuf::RepeatedPtrField<v1::Attempt>* attempts) const;

  std::array<char, 64> short_path_;  // The paths of most, without memory.
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_H_
