// CallRecord is what is known of a call when it has ended. The pipeline's
// Record stage fills one and shows it to the access log, the metrics and the
// feed of finished calls, so that all three tell the same story.
//
//   CallRecord record;
//   record.request_id = call.facts.request_id;
//   ...
//   access_log_shard.Write(record);
//   call_metrics.Count(record);
//   request_feed.Publish(record);
//
// A record borrows its texts, its attempts and its usage; whoever keeps one
// keeps an OwnedCallRecord. It holds no prompt, no answer and no secret: of
// failures it says less than their callers are told.
//
// Thread-compatible.

#ifndef SERVICE_OBSERVABILITY_CALL_RECORD_H_
#define SERVICE_OBSERVABILITY_CALL_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// The protocol that a call came by.
enum class Protocol { kGrpc, kHttp };

// What became of the credential that an attempt was made with.
enum class CredentialChange { kNone, kCools, kIsOut };

// What is told of one attempt at one target, to the caller, the log, the
// metrics and the feed alike.
struct CallAttempt {
  // Valid until the call ends.
  std::string_view provider;
  std::string_view model;  // As the provider calls it.
  // The configuration or a list of prices names the model, or its provider has
  // served it before; otherwise who says that there is one is the caller.
  bool model_known = true;
  llmgateway::v1::Attempt::Kind kind =
      llmgateway::v1::Attempt::KIND_UNSPECIFIED;
  // Why it was made: how the attempt before failed, or why the target before
  // was not asked. Unset for the first.
  llmgateway::v1::ErrorReason cause = llmgateway::v1::ERROR_REASON_UNSPECIFIED;
  // The caller's answer is from this attempt.
  bool answered = false;
  absl::Time start_time;
  absl::Duration duration;
  // From its begin to the first piece of model output; streams only.
  std::optional<absl::Duration> time_to_first_token;
  // The name of the credential that was sent; empty if there was none.
  std::string_view credential;
  CredentialChange credential_change = CredentialChange::kNone;
  // As in CallRecord; unset if the attempt succeeded.
  llmgateway::v1::ErrorReason error_reason =
      llmgateway::v1::ERROR_REASON_UNSPECIFIED;
  std::string_view error_message;
  int http_status = 0;  // The provider's; 0 if there was none.
  // The vendor's own id of the request; empty if it told none.
  std::string_view provider_request_id;
  // It used a connection that had served before.
  bool reused_connection = false;
  // From its dispatch to the first byte of the provider's answer.
  std::optional<absl::Duration> first_byte;
  // Its connection was stale, so that the provider never saw it.
  bool replaced = false;
  // What it consumed, and what that cost; null if it is not known, as of most
  // that failed. That of the one that decided the call is the call's.
  const llmgateway::v1::Usage* usage = nullptr;
};

// How long the parts of a call took.
struct CallTimes {
  // From the arrival of the request to the end of the answer.
  absl::Duration duration;
  // From the arrival of the request to its dispatch upstream.
  std::optional<absl::Duration> overhead;
  // From the last dispatch to the first byte of the provider's answer.
  std::optional<absl::Duration> upstream_first_byte;
  // From the arrival of the request to the first piece of model output.
  std::optional<absl::Duration> time_to_first_token;
};

// On whose behalf a call was made, as in llmgateway.v1.CallerScope.
struct CallScope {
  std::string_view user_id;
  std::string_view session_id;
  std::string_view work_order_id;
  std::string_view agent_id;
  std::string_view agent_type;
  std::string_view project_id;
  std::string_view contract_id;
  std::string_view framework_id;
  std::string_view tier;
};

// A label that the caller put on a call.
struct CallLabel {
  std::string_view key;
  std::string_view value;
};

struct CallRecord : CallTimes {
  // The id that the caller sees.
  std::string_view request_id;
  // The id of the trace that it belongs to, in 32 hexadecimal digits; empty if
  // it is not traced.
  std::string_view trace_id;
  Protocol protocol = Protocol::kGrpc;
  // The operation, from a closed list: `llmgateway.v1.GatewayService/Generate`,
  // `GET /v1/models/{id}`. A label of metrics.
  std::string_view operation;
  // The path that was asked for, without its query.
  std::string_view path;
  // The HTTP method; POST for gRPC.
  std::string_view method;
  // The name of the caller's key; empty if no keys are configured.
  std::string_view caller;
  // The caller has shown a key, configured or issued, whose id `caller` is.
  bool caller_has_key = false;
  // False if nobody has found out who calls, and the call was refused: that
  // costs no key, and anybody can do it as often as he likes.
  bool caller_known = true;
  // Of a refusal (IsRefusal), the same for all of one caller, whatever it says
  // of itself.
  uint64_t refused_caller = 0;
  // The `address:port` that the call came from.
  std::string_view peer;
  // As far as the request was read: of one whose bytes were only forwarded, the
  // user, `agent_type` and `project_id`.
  CallScope scope;
  absl::Span<const CallLabel> labels;
  bool stream = false;
  // False if it costs nothing whatever comes of it: tokens are to be counted,
  // or what a provider keeps is asked for.
  bool asks_for_answer = true;

  absl::Time start_time;

  // The model that the caller named.
  std::string_view model_asked;
  // Where the call went, and why; empty if it went nowhere.
  std::string_view provider;
  std::string_view model_served;
  bool model_known = true;  // As in CallAttempt.
  std::string_view route_reason;
  absl::Span<const CallAttempt* const> attempts;

  absl::StatusCode status_code = absl::StatusCode::kOk;
  // Unset if the call succeeded.
  llmgateway::v1::ErrorReason error_reason =
      llmgateway::v1::ERROR_REASON_UNSPECIFIED;
  // It failed since an operator has the targets out (errors/verdict.h).
  bool waits_for_operator = false;
  // It failed for want of time, of which its caller had left its target less
  // than that usually takes (Verdict::kOutOfTime).
  bool out_of_callers_time = false;
  // It failed since it took longer than the configuration lets a call take.
  bool out_of_configured_time = false;
  // Why the call failed, without secrets and without what it would quote of the
  // request or an answer; empty if it succeeded.
  std::string_view error_message;
  // The HTTP status that the protocol answered with; 0 for gRPC.
  int http_status = 0;

  // Tokens and money of the attempt that decided the call: everything that
  // pricing needs. Never null.
  const llmgateway::v1::Usage* usage =
      &llmgateway::v1::Usage::default_instance();
  // What all attempts consumed together; null if that is `usage`. Ask
  // ConsumedUsage (consumed_usage.h).
  const llmgateway::v1::Usage* consumed = nullptr;
  // That of the first choice, if there are several.
  llmgateway::v1::FinishReason finish_reason =
      llmgateway::v1::FINISH_REASON_UNSPECIFIED;

  // What part the cache had: `hit`, `miss` or `bypass`; empty if there is none.
  std::string_view cache;
  // The beginning of the request's key there; empty if it has none.
  std::string_view cache_key;
  std::optional<absl::Duration> cache_age;  // Of what was found.
  // The id of the call that the answer was made for, if it is not this one:
  // then nobody was asked, and nothing was consumed.
  std::string_view answer_of;

  // Bytes of the caller's request and of the answer, without headers.
  int64_t request_bytes = 0;
  int64_t response_bytes = 0;

  // How many calls of callers without a known key, before this one, got no line
  // in the access log; set on such a call only.
  int64_t unlogged = 0;
};

// Whether the call failed and no provider was asked for it: that cost its
// caller nothing, and can happen as often as it likes.
bool IsRefusal(const CallRecord& record);

// Returns a status code's name as in the gRPC specification: `NOT_FOUND`.
std::string_view StatusCodeName(absl::StatusCode code);

// Returns a reason's name as ReasonName does; empty if it is unset.
std::string_view ErrorReasonName(llmgateway::v1::ErrorReason reason);

// Returns `grpc` or `http`.
std::string_view ProtocolName(Protocol protocol);

// A record that owns its texts. Each is cut to kTextBytesMax, since callers
// choose some of them, and the messages that tell watchers of it have a limit.
class OwnedCallRecord {
 public:
  static constexpr size_t kTextBytesMax = 1024;

  explicit OwnedCallRecord(const CallRecord& record);

  OwnedCallRecord(const OwnedCallRecord&) = delete;
  OwnedCallRecord& operator=(const OwnedCallRecord&) = delete;

  // Valid as long as this object.
  const CallRecord& record() const { return record_; }

 private:
  CallRecord record_;
  llmgateway::v1::Usage usage_;
  std::optional<llmgateway::v1::Usage> consumed_;
  std::vector<CallAttempt> attempts_;
  std::vector<llmgateway::v1::Usage> usages_;  // Of attempts.
  std::vector<const CallAttempt*> pointers_;  // To them.
  std::vector<CallLabel> labels_;
  std::string texts_;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CALL_RECORD_H_
