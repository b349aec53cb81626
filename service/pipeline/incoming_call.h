// An IncomingCall is a call as its API took it in: what is asked, by whom, and
// on what it runs. The stages (pipeline.h) read it and return what they make of
// it. Of the request itself they change the form, from bytes to a message, and
// ContinueConversation (conversation.h) and CallSession (call_session.h) put
// the earlier turns before it.
//
// The request is either parsed or raw (providers/dialects/dialect.h). What is
// known of both alike is in CallFacts; checks of what is asked, and the choice
// whether bytes are forwarded, look at the form itself.
//
// Thread contract: one event loop, the one it arrived on. Reading the request
// may be done off the loop, by one thread at a time (base/async/worker_pool.h).

#ifndef SERVICE_PIPELINE_INCOMING_CALL_H_
#define SERVICE_PIPELINE_INCOMING_CALL_H_

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/http/http_client.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/identity/caller.h"
#include "service/money/model_price.h"
#include "service/money/price_list.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/call_session.h"
#include "service/pipeline/caller_access.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/response_store.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/tracing/call_trace.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// What is known of a request whatever its form. The views must stay valid
// until the call ends.
struct CallFacts {
  CallerHead head;             // Who asks; its protocol is the call's.
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
  // What the caller allows of kept answers, as `cache-control` says it; empty
  // if that says nothing. What the request itself says of it goes before.
  std::string_view cache_control;
  // The trace that the caller names, as its header fields say it; empty if it
  // names none. Read as the call begins.
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view model;
  std::string_view provider;  // Named by the caller; empty if it is not.
  // What the caller says beside the request; null if nothing.
  const CallDirectives* directives = nullptr;
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
  // Of the session that the call goes on with; empty if there is none.
  std::string_view session;
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
  // What came as the body of a request by HTTP; valid until a stream begins.
  std::string_view http_body;
  // Of the stream that the call goes on with, which another call began; empty
  // if it asks for an answer of its own.
  std::string_view resumes;
  // Returns a failure with the fields as the API names them, where those are
  // not the contract's; null where they are.
  absl::Status (*in_callers_words)(const absl::Status& failure) = nullptr;
  // When the caller's own deadline passes, of which the API's cancels the call;
  // steady.
  absl::Duration deadline = absl::InfiniteDuration();
};

class IncomingCall {
 public:
  // `arrival` is steady. All references must outlive the call.
  IncomingCall(std::shared_ptr<const RuntimeSnapshot> runtime, EventLoop& loop,
               HttpClient& http, CancelSignal& cancel,
               google::protobuf::Arena& arena, absl::Duration arrival);

  IncomingCall(const IncomingCall&) = delete;
  IncomingCall& operator=(const IncomingCall&) = delete;

  // Sets facts.path to the path as it was asked for, in two pieces of which the
  // first may be empty: a copy of its beginning, since requests are let go of,
  // with a `?` for whatever is no ASCII.
  void SetPath(std::string_view beginning, std::string_view rest);

  // The request as a message; a raw one is parsed when first asked for, which
  // fails as its dialect's ReadRequest does.
  absl::StatusOr<const v1::GenerateRequest*> ParsedRequest();

  // How many tokens the request lets an answer have; nothing where it sets no
  // limit. What is not positive is none: some servers take it so.
  std::optional<int64_t> OutputTokensLimit() const;
  // How many answers it asks for: one at least, and no more than anybody gives.
  int64_t AnswerCount() const;
  // How many tokens all of them are expected to have, where one is expected to
  // have as many, or as many as the request lets it have if that is less.
  int64_t ExpectedOutputTokens(int64_t of_answer) const;

  // Its caller has brought a credential of its own that the provider takes.
  bool BringsCredential(const ProviderPolicy& policy) const {
    return policy.takes_callers_credential &&
           !facts.provider_credential.empty();
  }

  // Returns what a model costs a call that began when this one did; null if
  // that is not known. `vendor` as of PriceTable. Valid as long as the call.
  const ModelRates* FindPrice(std::string_view vendor,
                              std::string_view model) const;
  // The same on the call's loop, where the last answer is remembered: a call
  // asks again and again for what one model costs. Borrows both names, as long
  // as the call.
  const ModelRates* FindPriceOnLoop(std::string_view vendor,
                                    std::string_view model) const;

  // An outcome as everybody is told of it, the ledger before the caller.
  absl::Status InCallersWords(absl::Status outcome) const {
    return outcome.ok() || facts.in_callers_words == nullptr
               ? outcome
               : facts.in_callers_words(outcome);
  }

  // The bytes of a raw request may go through as they are.
  bool may_forward() const {
    return raw != nullptr && !facts.parsed_only && !facts.strict_output;
  }

  // Constant after construction.
  const std::shared_ptr<const RuntimeSnapshot> runtime;
  EventLoop& loop;
  HttpClient& http;
  CancelSignal& cancel;
  google::protobuf::Arena& arena;
  const absl::Duration arrival;
  const absl::Time start_time;
  // What operators had said of prices; null if nothing.
  const std::shared_ptr<const PriceList> said_prices;

  // Set by the API, before the first stage.
  CallFacts facts;
  // How records name the model that the caller names (recorded_model.h).
  std::string_view recorded_model;
  // Who calls, or why it is refused, if the API had to know it before it read
  // the request; null otherwise.
  absl::StatusOr<CallerRef> known_caller = CallerRef();
  // What the API found wrong with the request; Admit refuses it so, after it
  // has asked who the caller is.
  absl::Status api_error;
  // Null if nothing is remembered.
  ResponseStore* responses = nullptr;
  // What is remembered of the answer that the call refers to, if that was
  // looked up before it was admitted; null if it was not, or there is none.
  ResponseStore::Entry found_response;
  // Null if the call names none.
  std::unique_ptr<CallSession> session;
  // The trace that it belongs to; null if calls are not traced and the caller
  // names none. Set as the first stage begins.
  std::unique_ptr<CallTrace> trace;
  // One of these. `request` besides, once a raw one has been read; null again
  // once a stream has begun and its message has been let go of.
  const v1::GenerateRequest* request = nullptr;
  // The request itself, where a session has been put before it; null otherwise.
  // Valid until an attempt is made.
  const v1::GenerateRequest* own_request = nullptr;
  const RawRequest* raw = nullptr;
  const v1::EmbedRequest* embed = nullptr;  // Texts to be turned into vectors.
  const StoredResponseQuery* stored_query =
      nullptr;  // An answer that a provider keeps.
  // The log is told where it goes at info, and not at debug (call_log.h).
  bool steps_logged_at_info = false;
  // Receives the vectors of an `embed`.
  v1::EmbedResponse* embeddings = nullptr;
  // Of a large one (KeepGuessedInput).
  std::optional<int64_t> guessed_input_tokens;

 private:
  // What FindPriceOnLoop was asked for last.
  struct LastPrice {
    bool is_known = false;
    std::string_view vendor;
    std::string_view model;
    const ModelRates* price = nullptr;
  };

  std::array<char, 64> short_path_;  // The paths of most, without memory.
  mutable LastPrice last_price_;
};

using DomainTags = absl::InlinedVector<std::string_view, 4>;

// Tags in the request or beside it. Views of both.
DomainTags DomainTagsOf(const IncomingCall& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_INCOMING_CALL_H_
