// The handlers of AdminService for the audit log: SearchAudit, GetAudit and
// ExportAudit.
//
//   AuditAdmin audit({.runtime = runtime});
//   audit.AddTo(table);  // Before AdminService, which says who may call.
//
// Before bodies are shown, that they are is an entry of the audit log; where
// that cannot be written, nothing is shown.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_AUDIT_ADMIN_H_
#define SERVICE_API_AUDIT_ADMIN_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "llmgateway/v1/audit.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/audit/audit_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class AuditAdmin {
 public:
  struct Sources {
    const CurrentRuntime& runtime;  // Borrowed.
  };

  explicit AuditAdmin(const Sources& sources) : sources_(sources) {}

  AuditAdmin(const AuditAdmin&) = delete;
  AuditAdmin& operator=(const AuditAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  using Runtime = std::shared_ptr<const RuntimeSnapshot>;

  Task<absl::Status> Search(CallContext& call,
                            const llmgateway::v1::SearchAuditRequest& request,
                            llmgateway::v1::SearchAuditResponse* response);
  Task<absl::Status> Get(CallContext& call,
                         const llmgateway::v1::GetAuditRequest& request,
                         llmgateway::v1::AuditEntry* response);
  Task<absl::Status> Export(CallContext& call,
                            const llmgateway::v1::ExportAuditRequest& request,
                            MessageWriter& writer);

  // Looks a page up, and records that its bodies are shown, if there are any.
  Task<absl::StatusOr<AuditPage>> FindPage(CallContext& call, Runtime runtime,
                                           std::string_view rpc,
                                           AuditQuery query);
  Task<absl::Status> Disclose(CallContext& call, Runtime runtime,
                              std::string_view rpc,
                              absl::Span<const AuditEntry> entries);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_AUDIT_ADMIN_H_
