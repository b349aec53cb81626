// CallAudit is what the audit log (service/audit) keeps of a call's bodies,
// where a rule of the configuration asks for it: gathered on the way, and no
// more than may be kept.
//
//   call.audit = CallAudit::Begin(call);        // Null if nothing is kept.
//   ...
//   if (call.audit != nullptr) call.audit->AddSent(pieces);
//   ...
//   audit_log.Add(AuditEntryOf(call, record));  // In any case.
//
// By HTTP the bytes of a body are kept as they came, and those of an answer as
// they were handed on, whatever was made of them in between, since what is
// taken out is found by their names; by gRPC messages, as JSON. They are
// redacted when they are written, on the audit log's thread.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CALL_AUDIT_H_
#define SERVICE_PIPELINE_CALL_AUDIT_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/types/span.h"
#include "google/protobuf/message.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "service/audit/audit_entry.h"
#include "service/audit/body_rules.h"
#include "service/observability/call_record.h"

namespace gateway {

class Call;

class CallAudit {
 public:
  // Takes the request, if that is kept. Null if no rule matches the call, as
  // far as it is known by now. REQUIRES: the runtime has an audit log.
  static std::unique_ptr<CallAudit> Begin(const Call& call);
  // The same of a call that goes on with another's stream, which was routed by
  // `route`; by gRPC `request` asks for that, and by HTTP it is null. Null also
  // where AsksForBodies says no.
  static std::unique_ptr<CallAudit> BeginResumed(
      const Call& call, std::string_view route,
      const google::protobuf::Message* request);

  // Takes a whole answer by gRPC, which is about to be sent.
  void TakeAnswer(const google::protobuf::Message& answer);
  // How much work that is of one of so many bytes, for OffLoop.
  size_t BytesToTake(size_t answer_bytes) const;

  // Takes what of a stream by gRPC is about to be sent.
  void AddBatch(const StreamBatch& batch);
  void AddEvent(const llmgateway::v1::GenerateEvent& event);

  // Takes what of an answer by HTTP is about to be sent: all of it, or the next
  // of a stream.
  void AddSent(absl::Span<const std::string_view> pieces);

  // Moves what there is into the call's entry.
  void MoveTo(AuditEntry* entry);

 private:
  CallAudit(const BodyRule& rule, bool is_http);

  // Has kept nothing yet.
  static std::unique_ptr<CallAudit> OfRule(const Call& call,
                                           std::string_view route);

  // More of a body than is kept, so that what is cut is found there.
  size_t BytesMax() const;
  void TakeBytes(std::string_view bytes, AuditBody* body) const;
  void TakeMessage(const google::protobuf::Message& message,
                   AuditBody* body) const;

  const bool keeps_request_;
  const bool keeps_response_;
  const bool is_http_;
  const size_t bytes_limit_;
  AuditBody request_;
  AuditBody response_;
};

// Whether bodies of the caller's calls may be kept: nothing is of a caller who
// is not known.
bool AsksForBodies(const Call& call);

// The entry of a call that has ended, with what of its bodies is kept, which is
// taken out of the call.
AuditEntry AuditEntryOf(const Call& call, const CallRecord& record);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_AUDIT_H_
