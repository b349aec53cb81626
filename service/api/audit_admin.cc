#include "service/api/audit_admin.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/util/json_util.h"
#include "service/api/audit_view.h"
#include "service/api/caller_check.h"
#include "service/pipeline/batch_size.h"

namespace gateway {
namespace {

constexpr std::string_view kAuditService = "llmgateway.v1.AdminService";
// A piece of an export.
constexpr int kExportedEntries = 500;
constexpr size_t kExportedBytes = 512 << 10;

absl::StatusOr<AuditLog*> LogOf(const RuntimeSnapshot& runtime) {
  if (runtime.audit() != nullptr) return runtime.audit();
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                "there is no audit log; configure audit, then restart");
  AddFaultMetadata(fault, "field", "audit");
  return fault;
}

absl::Status NotReadable(const CallContext& call, const absl::Status& status) {
  if (call.cancel().cancelled()) return call.cancel().status();
  if (absl::IsNotFound(status)) {
    return MakeFault(v1::ERROR_REASON_NOT_FOUND, ToStd(status.message()));
  }
  return MakeFault(v1::ERROR_REASON_STORE_UNAVAILABLE,
                   absl::StrCat("the audit log cannot be read or written: ",
                                status.message()));
}

bool ShowsBody(const AuditEntry& entry) {
  return !entry.request.bytes.empty() || !entry.response.bytes.empty();
}

// Appends an entry as a line of JSON.
absl::Status AppendLine(const AuditEntry& entry, std::string* lines) {
  v1::AuditEntry message;
  FillAuditEntry(entry, &message);
  std::string line;
  const auto written =
      google::protobuf::util::MessageToJsonString(message, &line);
  if (!written.ok()) {
    return absl::InternalError(
        absl::StrCat("entry ", entry.id, " cannot be written as JSON"));
  }
  lines->append(line);
  lines->push_back('\n');
  return absl::OkStatus();
}

size_t BytesOfPage(const AuditPage& page) {
  size_t bytes = 0;
  for (const AuditEntry& entry : page.entries) bytes += entry.held_bytes();
  return bytes;
}

}  // namespace

void AuditAdmin::AddTo(MethodTable& table) {
  table.AddUnary(kAuditService, "SearchAudit", *this, &AuditAdmin::Search);
  table.AddUnary(kAuditService, "GetAudit", *this, &AuditAdmin::Get);
  table.AddServerStream<v1::ExportAuditRequest, v1::ExportAuditResponse>(
      kAuditService, "ExportAudit",
      [this](CallContext& call, const v1::ExportAuditRequest& request,
             MessageWriter& writer) { return Export(call, request, writer); });
}

Task<absl::Status> AuditAdmin::Disclose(CallContext& call, Runtime runtime,
                                        std::string_view rpc,
                                        absl::Span<const AuditEntry> entries) {
  const int64_t shown =
      std::count_if(entries.begin(), entries.end(), ShowsBody);
  if (shown == 0) co_return absl::OkStatus();
  GATEWAY_CO_ASSIGN_OR_RETURN(const std::string reader,
                              CheckOperator(*runtime, call));
  const std::string operation =
      absl::StrCat(ToAbsl(kAuditService), "/", ToAbsl(rpc));
  const absl::Status recorded = co_await runtime->audit()->RecordDisclosure(
      operation, reader, shown, call.cancel());
  if (!recorded.ok()) co_return NotReadable(call, recorded);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<AuditPage>> AuditAdmin::FindPage(CallContext& call,
                                                     Runtime runtime,
                                                     std::string_view rpc,
                                                     AuditQuery query) {
  AuditLog& log = *runtime->audit();
  if (query.bodies) query.cipher = log.policy()->cipher;
  absl::StatusOr<AuditPage> page =
      co_await log.store().Search(std::move(query), call.cancel());
  if (!page.ok()) co_return NotReadable(call, page.status());
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await Disclose(call, runtime, rpc, page->entries));
  co_return *std::move(page);
}

Task<absl::Status> AuditAdmin::Search(CallContext& call,
                                      const v1::SearchAuditRequest& request,
                                      v1::SearchAuditResponse* response) {
  const Runtime runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(LogOf(*runtime).status());
  AuditQuery query;
  GATEWAY_CO_ASSIGN_OR_RETURN(query.limit,
                              PageSizeOf(*runtime, request.page_size()));
  GATEWAY_CO_ASSIGN_OR_RETURN(query.filter, AuditFilterOf(request.filter()));
  GATEWAY_CO_ASSIGN_OR_RETURN(query.before, AuditPlaceOf(request.page_token()));
  query.bodies = request.include_bodies();
  GATEWAY_CO_ASSIGN_OR_RETURN(
      const AuditPage page,
      co_await FindPage(call, runtime, "SearchAudit", std::move(query)));
  const auto fill = [&] {
    for (const AuditEntry& entry : page.entries) {
      FillAuditEntry(entry, response->add_entries());
    }
    return true;
  };
  co_await OffLoop(BytesOfPage(page), fill);
  if (page.next.has_value()) {
    response->set_next_page_token(AuditPageToken(*page.next));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AuditAdmin::Get(CallContext& call,
                                   const v1::GetAuditRequest& request,
                                   v1::AuditEntry* response) {
  if (request.id() < 1) {
    co_return InvalidField("id", "is required, and is 1 or more");
  }
  const Runtime runtime = sources_.runtime.Get();
  GATEWAY_CO_ASSIGN_OR_RETURN(AuditLog* const log, LogOf(*runtime));
  absl::StatusOr<AuditEntry> entry =
      co_await log->store().Get(request.id(), request.include_bodies(),
                                log->policy()->cipher, call.cancel());
  if (!entry.ok()) co_return NotReadable(call, entry.status());
  GATEWAY_CO_RETURN_IF_ERROR(
      co_await Disclose(call, runtime, "GetAudit", {&*entry, 1}));
  FillAuditEntry(*entry, response);
  co_return absl::OkStatus();
}

Task<absl::Status> AuditAdmin::Export(CallContext& call,
                                      const v1::ExportAuditRequest& request,
                                      MessageWriter& writer) {
  const Runtime runtime = sources_.runtime.Get();
  GATEWAY_CO_RETURN_IF_ERROR(LogOf(*runtime).status());
  AuditQuery query{.limit = kExportedEntries,
                   .bytes_limit = kExportedBytes,
                   .bodies = request.include_bodies()};
  GATEWAY_CO_ASSIGN_OR_RETURN(query.filter, AuditFilterOf(request.filter()));
  // What is written from now on is not part of it.
  query.filter.end_time =
      std::min(query.filter.end_time, runtime->clock().WallTime());
  while (true) {
    GATEWAY_CO_ASSIGN_OR_RETURN(
        const AuditPage page,
        co_await FindPage(call, runtime, "ExportAudit", query));
    v1::ExportAuditResponse piece;
    const auto fill = [&]() -> absl::Status {
      for (const AuditEntry& entry : page.entries) {
        GATEWAY_RETURN_IF_ERROR(AppendLine(entry, piece.mutable_json_lines()));
      }
      return absl::OkStatus();
    };
    GATEWAY_CO_RETURN_IF_ERROR(co_await OffLoop(BytesOfPage(page), fill));
    piece.set_entries(static_cast<int>(page.entries.size()));
    if (piece.entries() > 0) {
      const bool written = co_await writer.Write(piece);
      if (!written) co_return call.cancel().status();
    }
    if (!page.next.has_value()) co_return absl::OkStatus();
    query.before = *page.next;
  }
}

}  // namespace gateway
