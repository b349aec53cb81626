// CallAudit is what the audit log (service/audit) keeps of a call's bodies,
// where a rule of the configuration asks for it: gathered on the way, and no
// more than may be kept.
//
//   call.audit = CallAudit::Begin(call);        // Null if nothing is kept.
//   ...
//   if (call.audit != nullptr) call.audit->AddBatch(batch);
//   ...
//   audit_log.Add(AuditEntryOf(call, record));  // In any case.
//
// Bytes are kept as they came and went; messages as JSON. They are redacted
// when they are written, on the audit log's thread.
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CALL_AUDIT_H_
#define SERVICE_PIPELINE_CALL_AUDIT_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "google/protobuf/message.h"
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

  // Takes a whole answer, which is there and has not been sent.
  void TakeAnswer(const Call& call);
  // How much work that is, for OffLoop.
  size_t BytesToTake(const Call& call) const;

  // Takes what of a stream is about to be sent.
  void AddBatch(const StreamBatch& batch);

  // Moves what there is into the call's entry.
  void MoveTo(AuditEntry* entry);

 private:
  explicit CallAudit(const BodyRule& rule);

  // More of a body than is kept, so that what is cut is found there.
  size_t BytesMax() const;
  void TakeBytes(std::string_view bytes, AuditBody* body) const;
  void TakeMessage(const google::protobuf::Message& message,
                   AuditBody* body) const;

  const bool keeps_request_;
  const bool keeps_response_;
  const size_t bytes_limit_;
  AuditBody request_;
  AuditBody response_;
};

// The entry of a call that has ended, with what of its bodies is kept, which is
// taken out of the call.
AuditEntry AuditEntryOf(const Call& call, const CallRecord& record);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_AUDIT_H_
