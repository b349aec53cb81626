#include "service/pipeline/admission.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/embed_check.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/request_check.h"
#include "service/pipeline/served_check.h"

namespace gateway {
namespace {

constexpr int kRecordedLabelsLimit = kScannedLabelsMax;

constexpr std::string_view CallScope::* kScopeMembers[] = {
    &CallScope::user_id,      &CallScope::session_id, &CallScope::work_order_id,
    &CallScope::agent_id,     &CallScope::agent_type, &CallScope::project_id,
    &CallScope::contract_id,  &CallScope::framework_id, &CallScope::tier,
};

// What is recorded of the text, which may be gone before the call ends.
std::string_view Keep(IncomingCall& call, std::string_view text) {
  if (text.empty()) return {};
  text = RecordedId(call, text);
  char* const kept =
      google::protobuf::Arena::CreateArray<char>(&call.arena, text.size());
  text.copy(kept, text.size());
  return {kept, text.size()};
}

CallScope ScopeSaid(const v1::CallerScope& said) {
  return {.user_id = said.user_id(),
          .session_id = said.session_id(),
          .work_order_id = said.work_order_id(),
          .agent_id = said.agent_id(),
          .agent_type = said.agent_type(),
          .project_id = said.project_id(),
          .contract_id = said.contract_id(),
          .framework_id = said.framework_id(),
          .tier = said.tier()};
}

// Whom the caller acts for, as the request says it, and how it labels the call.
void ReadScope(IncomingCall& call, Admitted* admitted) {
  if (call.embed != nullptr) {
    if (call.embed->has_scope()) {
      admitted->scope = ScopeSaid(call.embed->scope());
    }
    return;
  }
  if (call.request == nullptr) {
    if (call.raw == nullptr) return;
    const RequestScan& scan = call.raw->scan;
    admitted->scope.user_id = scan.user_id;
    admitted->scope.agent_type = scan.agent_type;
    admitted->scope.project_id = scan.project_id;
    for (const ScannedLabel& label : scan.labels) {
      admitted->labels.push_back(
          {Keep(call, label.key), Keep(call, label.value)});
    }
    return;
  }
  if (call.request->has_scope()) {
    admitted->scope = ScopeSaid(call.request->scope());
  }
  for (const auto& [key, value] : call.request->labels()) {
    if (admitted->labels.size() >= kRecordedLabelsLimit) break;
    admitted->labels.push_back({Keep(call, key), Keep(call, value)});
  }
}

// Reads what is said of the call in and beside its request, where the two do
// not contradict each other.
absl::Status ReadSaid(IncomingCall& call, Admitted* admitted) {
  admitted->provider = call.facts.provider;
  ReadScope(call, admitted);
  absl::Status merged;
  if (call.facts.directives != nullptr) {
    merged = call.facts.directives->MergeInto(&admitted->provider,
                                              &admitted->scope);
  }
  for (const auto member : kScopeMembers) {
    admitted->scope.*member = Keep(call, admitted->scope.*member);
  }
  return merged;
}

// The operation, as an rpc of GatewayService: what is asked by HTTP is asked as
// by gRPC.
std::string_view RpcOf(const CallFacts& facts, bool embeds) {
  if (embeds) return "Embed";
  if (facts.counts) return "CountTokens";
  return facts.stream ? "StreamGenerate" : "Generate";
}

// Of a label that the call has, too, the caller's counts.
void AddCallersLabels(const Caller& caller,
                      absl::InlinedVector<CallLabel, 2>* labels) {
  for (const auto& [name, value] : caller.labels) {
    const auto same = std::find_if(
        labels->begin(), labels->end(),
        [&name = name](const CallLabel& label) { return label.key == name; });
    if (same != labels->end()) {
      same->value = value;
    } else {
      labels->push_back({name, value});
    }
  }
}

// 256 characters, whatever their script.
constexpr size_t kNameBytesMax = 4 * 256;

// Names are bounded whatever the API is and whether or not the request is read:
// they get into records, and into the path of a request to Gemini.
absl::Status CheckNameLengths(const CallFacts& facts) {
  const std::pair<const char*, std::string_view> names[] = {
      {"model", facts.model},
      {"provider_id", facts.provider},
      {"previous_response_id", facts.previous_response_id}};
  for (const auto& [field, name] : names) {
    if (name.size() <= kNameBytesMax) continue;
    return InvalidField(
        field, absl::StrCat("is longer than ", kNameBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

// Fails if a forwarded request, which only its dialect's scan has read, lacks a
// required field. Not for counts: the request to be counted may stand inside.
absl::Status CheckPresence(const RequestScan& scan) {
  if (scan.needs_messages && scan.message_count == 0) {
    return InvalidField(scan.messages_field, scan.has_messages
                                                 ? "must have an entry"
                                                 : "is required");
  }
  if (!scan.absent_field.empty()) {
    return InvalidField(scan.absent_field, "is required");
  }
  return absl::OkStatus();
}

// Fails if a forwarded request, a count too, has more of something than
// `limits` allow.
absl::Status CheckCounts(const RequestScan& scan,
                         const llmgateway::config::v1::LimitsConfig& limits) {
  if (scan.message_count > limits.messages_limit()) {
    return InvalidField(scan.messages_field,
                        absl::StrCat("has more than ", limits.messages_limit(),
                                     " entries"));
  }
  if (scan.label_count > limits.labels_limit()) {
    return InvalidField("metadata",
                        absl::StrCat("has more than ", limits.labels_limit(),
                                     " entries"));
  }
  if (scan.tool_count > limits.tools_limit()) {
    return InvalidField("tools", absl::StrCat("has more than ",
                                              limits.tools_limit(), " tools"));
  }
  return absl::OkStatus();
}

// Fails if the request itself, in whatever form it came, cannot be served.
absl::Status CheckWhatIsAsked(IncomingCall& call) {
  const llmgateway::config::v1::LimitsConfig& limits =
      call.runtime->config().limits();
  if (call.raw != nullptr) {
    if (!call.facts.counts) {
      GATEWAY_RETURN_IF_ERROR(CheckPresence(call.raw->scan));
    }
    GATEWAY_RETURN_IF_ERROR(CheckCounts(call.raw->scan, limits));
    // A request that is forwarded is checked by its provider, beyond what its
    // dialect's scan has found; one that cannot be is read, and checked so.
    return call.may_forward() ? absl::OkStatus()
                              : call.ParsedRequest().status();
  }
  const bool needs_model =
      !call.runtime->router().knows_default_model() && !AsksForSelection(call);
  if (call.embed != nullptr) return CheckEmbedRequest(*call.embed, needs_model);
  if (call.request == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckServed(*call.request));
  return CheckRequest(*call.request, limits, needs_model);
}

}  // namespace

absl::StatusOr<CallerRef> Authenticate(const IncomingCall& call) {
  if (!call.known_caller.ok() || *call.known_caller != nullptr) {
    return call.known_caller;
  }
  return call.runtime->callers().Authorize(call.facts.head);
}

absl::StatusOr<Admitted> Admit(IncomingCall& call, const Caller& caller) {
  GATEWAY_RETURN_IF_ERROR(call.api_error);
  GATEWAY_RETURN_IF_ERROR(CheckNameLengths(call.facts));
  GATEWAY_RETURN_IF_ERROR(CheckWhatIsAsked(call));
  Admitted admitted;
  GATEWAY_RETURN_IF_ERROR(ReadSaid(call, &admitted));
  GATEWAY_RETURN_IF_ERROR(CheckScopes(call, admitted.provider, caller));
  AddCallersLabels(caller, &admitted.labels);
  GATEWAY_ASSIGN_OR_RETURN(admitted.selection, SelectionAskedBy(call));
  LogPrompt(call);
  if (call.session != nullptr) {
    GATEWAY_RETURN_IF_ERROR(call.session->PutBefore(call));
  }
  GATEWAY_ASSIGN_OR_RETURN(admitted.continuation,
                           ContinueConversation(call, caller.id));
  return admitted;
}

Admitted RefusedAsSaid(IncomingCall& call, const Caller& caller) {
  Admitted said;
  // That it contradicts itself is, or comes after, why it was refused.
  ReadSaid(call, &said).IgnoreError();
  AddCallersLabels(caller, &said.labels);
  return said;
}

absl::Status CheckScopes(const IncomingCall& call, std::string_view provider,
                         const Caller& caller) {
  const Scopes& scopes = caller.scopes;
  if (scopes.unrestricted()) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(
      scopes.CheckRpc(RpcOf(call.facts, call.embed != nullptr)));
  if (!call.facts.model.empty() && !AsksForSelection(call)) {
    GATEWAY_RETURN_IF_ERROR(scopes.CheckModel(call.facts.model));
  }
  if (!provider.empty()) {
    GATEWAY_RETURN_IF_ERROR(scopes.CheckProvider(provider));
  }
  for (const std::string_view tag : DomainTagsOf(call)) {
    GATEWAY_RETURN_IF_ERROR(scopes.CheckTag(tag));
  }
  return absl::OkStatus();
}

}  // namespace gateway
