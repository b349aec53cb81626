// CallContext is what a handler knows of the call it serves: who asks, until
// when, under which id, and on which loop. An engine fills it in and owns it.
//
//   Task<absl::Status> Generate(CallContext& call,
//                               const v1::GenerateRequest& request,
//                               v1::GenerateResponse* response) {
//     const auto key = call.FindMetadata("authorization");
//     CancelListener hang_up(call.cancel(), [&] { upstream.Close(); });
//     ...
//     call.AddInitialMetadata("x-model", target.model);
//     call.AddTrailer("x-served-by", target.name);
//
// The request id is the caller's `x-request-id` if that is well formed, made
// up otherwise. Engines send it in the trailers of every call.
//
// Thread contract: built anywhere, then used on the call's event loop only.

#ifndef SERVICE_API_CALL_CONTEXT_H_
#define SERVICE_API_CALL_CONTEXT_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/http/field_block.h"
#include "base/text/short_text.h"
#include "google/protobuf/arena.h"
#include "service/api/status_trailers.h"

namespace gateway {

class MessageWriter;

inline constexpr std::string_view kRequestIdHeader = "x-request-id";
inline constexpr size_t kRequestIdBytesLimit = 128;

// Returns whether a caller's id can be used as it is: letters, digits and
// `-_.:`, at least one and at most kRequestIdBytesLimit, and nothing of the
// form of a key or a token, since ids are in all that is recorded.
bool IsValidRequestId(std::string_view id);

inline constexpr size_t kMadeUpRequestIdDigits = 32;

// Returns the caller's id if it is valid, else one made up of
// kMadeUpRequestIdDigits hexadecimal digits. For requests without a
// CallContext.
ShortText RequestIdFor(std::string_view given);

// Returns whether the name belongs to the protocol (`:path`, `grpc-timeout`,
// `te`, ...), not to the caller or a handler.
inline bool IsReservedMetadataName(std::string_view name) {
  if (name.empty()) return false;
  switch (name.front()) {
    case ':':
      return true;
    case 'c':
      return name == "content-type";
    case 'g':
      return name.starts_with("grpc-");
    case 't':
      return name == "te";
    default:
      return false;
  }
}

class CallFields;

// One header of a request, or one trailer of its answer. Names are lower case;
// the value of a name that ends in `-bin` is decoded.
struct MetadataEntry {
  std::string_view name;
  std::string_view value;
};

class CallContext {
 public:
  // What an engine knows when a call arrives. The views must stay valid as
  // long as the context.
  struct Arrival {
    std::string_view method;  // `package.Service/Method`.
    std::string_view peer;    // `203.0.113.7:40312`, `[2001:db8::7]:40312`.
    // As of Stream::peer_names.
    std::string_view peer_names = {};
    // Steady times; the deadline is infinite for a call without one.
    absl::Duration time;
    absl::Duration deadline = absl::InfiniteDuration();
    // Whether arena() is to hold the call's messages: true where there is just
    // one each way, or little more than metadata.
    bool holds_messages = false;
    // Whether it came as JSON, to `listeners.admin_http`.
    bool by_http = false;
  };

  CallContext(EventLoop& loop, const Arrival& arrival);

  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  // For engines: adds a header, which must stay valid as long as the context.
  // Reserved names are left out, so that no handler mistakes them for the
  // caller's own.
  void AddMetadata(std::string_view name, std::string_view value) {
    if (!IsReservedMetadataName(name)) AddOwnMetadata(name, value);
  }
  // As AddMetadata, for a name that is known not to be reserved.
  void AddOwnMetadata(std::string_view name, std::string_view value);

  // For engines: sets whom the caller means to call; must stay valid as long as
  // the context.
  void set_authority(std::string_view authority) { authority_ = authority; }

  // For engines: sets the size of the one request message, uncompressed.
  void set_request_bytes(size_t bytes) { request_bytes_ = bytes; }

  // For handlers: sets the size of the one answer, as its ByteSizeLong() has
  // returned it, so that the engine need not measure it again. REQUIRES: the
  // answer is not changed any more.
  void set_answer_bytes(size_t bytes) { answer_bytes_ = bytes; }
  // For engines, where a method's one answer can be sent before its handler has
  // ended; must outlive the handler.
  void set_answer_writer(MessageWriter* writer) { answer_writer_ = writer; }
  // For handlers: takes the method's one answer, once, before the handler ends
  // with OK. Its Write comes back when the client has been sent all of it. Null
  // if the engine sends the answer by itself when the handler has ended.
  MessageWriter* answer_writer() const { return answer_writer_; }
  // For engines; null if the handler has not measured the answer.
  std::optional<size_t> answer_bytes() const { return answer_bytes_; }

  std::string_view method() const { return arrival_.method; }
  std::string_view peer() const { return arrival_.peer; }
  std::string_view peer_names() const { return arrival_.peer_names; }
  // Whether nobody has asked so before: whoever looks at what the caller shows
  // more than once counts a wrong key once.
  bool TakeFirstLook() const { return !std::exchange(looked_at_, true); }
  bool by_http() const { return arrival_.by_http; }
  // The value of `:authority`; empty if the caller sent none.
  std::string_view authority() const { return authority_; }
  absl::Duration arrival_time() const { return arrival_.time; }
  absl::Duration deadline() const { return arrival_.deadline; }
  // The size of the one request message; 0 if there is not just one.
  size_t request_bytes() const { return request_bytes_; }

  // Returns the first value under a lower-case name.
  std::optional<std::string_view> FindMetadata(std::string_view name) const;

  // Returns the value under a lower-case name; null also if there are several,
  // of which a proxy on the way may have looked at another than the first.
  std::optional<std::string_view> FindSoleMetadata(
      std::string_view name) const;

  // All headers, in the order in which they came; names can repeat.
  absl::Span<const MetadataEntry> metadata() const { return metadata_; }

  std::string_view request_id() const {
    return request_id_.empty() ? MadeUpId() : request_id_;
  }

  // Fires when the client has gone, the deadline has passed or the server
  // drains.
  CancelSignal& cancel() { return cancel_; }
  const CancelSignal& cancel() const { return cancel_; }

  EventLoop& loop() const { return loop_; }

  // Memory for messages that live as long as the call.
  google::protobuf::Arena* arena() { return &arena_; }

  // For engines: memory for the request of a method that answers with many
  // messages, which may be let go of long before the call ends.
  google::protobuf::Arena* request_arena();

  // Called when the handler uses its request no more, nor any view into it. Its
  // memory is freed, if it can be: a long stream need not hold a long prompt.
  void ReleaseRequest() { request_arena_.reset(); }
  // True if there is such a request and it has not been released.
  bool holds_request() const { return request_arena_ != nullptr; }

  // Returns a copy of `text` that lives as long as the call.
  std::string_view Keep(std::string_view text);

  // Adds a trailer. Unless the name ends in `-bin`, what a trailer cannot carry
  // in `value` becomes `?`, and spaces at both ends are cut. REQUIRES: `name`
  // is lower case and not reserved, and outlives this.
  void AddTrailer(std::string_view name, std::string_view value);
  // The same of all that is told of a call, for less.
  void AddTrailers(const CallFields& fields);
  // Values are not yet encoded if their names end in `-bin`.
  absl::Span<const MetadataEntry> trailers() const { return trailers_; }

  // As above, for a header, which leaves before the first message, or at the
  // end of a call that sends none. REQUIRES: neither has been sent.
  void AddInitialMetadata(std::string_view name, std::string_view value);
  // Adds fields that are known to have the form of trailers.
  void AddInitialMetadata(const FieldBlock& fields);

  // For engines: takes the headers that were added; called once.
  FieldBlock TakeInitialMetadata();

  // For handlers: the client is not to try the call again if it fails, since a
  // provider has been asked for it.
  void ForbidRetry() { retry_ = ClientRetry::kForbidden; }
  // For engines: what to make trailers with.
  ClientRetry retry() const { return retry_; }

  // For engines: returns what to tell the client if the handler returned
  // `handler_status`. If the call was cancelled and the handler failed with
  // another code than the signal's, that is the signal's status, which knows
  // the cause better; else it is `handler_status`.
  absl::Status Outcome(absl::Status handler_status) const;

 private:
  std::string_view MadeUpId() const;

  EventLoop& loop_;
  const Arrival arrival_;
  mutable bool looked_at_ = false;
  std::string_view authority_;
  size_t request_bytes_ = 0;
  std::optional<size_t> answer_bytes_;
  MessageWriter* answer_writer_ = nullptr;
  absl::InlinedVector<MetadataEntry, 4> metadata_;
  std::string_view request_id_;  // Empty if the caller has sent none.
  // Made up when it is first asked for.
  mutable bool id_made_up_ = false;
  mutable std::array<char, kMadeUpRequestIdDigits> made_up_id_;
  FieldBlock initial_metadata_;
  bool initial_metadata_taken_ = false;
  ClientRetry retry_ = ClientRetry::kAsStatusSays;
  absl::InlinedVector<MetadataEntry, 8> trailers_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  std::unique_ptr<google::protobuf::Arena> request_arena_;
};

}  // namespace gateway

#endif  // SERVICE_API_CALL_CONTEXT_H_
