#include "service/pipeline/conversation.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/reused_answer.h"

namespace gateway {
namespace {

// As OpenAI's ids are made.
constexpr std::string_view kIdPrefix = "resp_";
constexpr size_t kIdDigits = 32;

// No vendor's id is longer.
constexpr size_t kForeignIdBytesMax = 256;

// How many of the messages are instructions of one turn. One that came as a
// part of the conversation bears the mark of its format, and stays.
int InstructionsOf(const MessageList& messages) {
  const bool leads = !messages.empty() &&
                     messages[0].role() == v1::ROLE_SYSTEM &&
                     messages[0].extensions().empty();
  return leads ? 1 : 0;
}

bool WantsToBeRemembered(const IncomingCall& call) {
  if (call.request == nullptr) return false;
  if (call.request->has_store()) return call.request->store();
  return call.facts.remembered_unless_refused;
}

// Whether it is the caller's own credential that the provider is shown.
bool TakesCallersCredential(const IncomingCall& call, std::string_view name) {
  if (call.facts.provider_credential.empty()) return false;
  for (const auto& provider : call.runtime->config().providers()) {
    if (provider.name() == name) return provider.credential_passthrough();
  }
  return false;
}

// Whether the provider would be sent what the request refers to, and could not
// tell by whom: all callers, who have keys, look alike to it.
bool WouldMixCallers(const IncomingCall& call, const PlannedTarget& target) {
  return call.runtime->callers().asks_for_keys() && target.forwards &&
         !TakesCallersCredential(call, target.provider->name);
}

// Not found, like whatever else is another caller's; where there are no others,
// wrong, as OpenAI itself says.
absl::Status NoSuchPrevious(const IncomingCall& call) {
  constexpr std::string_view kField = "previous_response_id";
  const std::string why =
      absl::StrCat("there is no response '",
                   ToAbsl(call.facts.previous_response_id),
                   "', or it is no longer remembered (response_store in the "
                   "configuration)");
  if (!call.runtime->callers().asks_for_keys())
    return InvalidField(kField, why);
  absl::Status status =
      MakeFault(v1::ERROR_REASON_NOT_FOUND,
                absl::StrCat(ToAbsl(kField), ": ", why));
  AddFieldViolation(status, kField, why);
  return status;
}

absl::Status CheckStoredReference(const IncomingCall& call,
                                  const PlannedTarget& target) {
  const std::string_view field = call.facts.stored_reference;
  if (field.empty() || !WouldMixCallers(call, target)) return absl::OkStatus();
  return InvalidField(
      field,
      "names what the provider has stored, and the gateway does not know for "
      "which of its callers; send the items themselves, or go on with "
      "previous_response_id");
}

absl::Status CannotInBackground(std::string_view why) {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
                absl::StrCat("background: ", ToAbsl(why)));
  AddFieldViolation(status, "background", why);
  return status;
}

// What runs in the background is asked for later: there must be a provider that
// has it then, and a note here of which.
absl::Status CheckBackground(const IncomingCall& call,
                             const PlannedTarget& target) {
  if (!target.forwards) {
    return CannotInBackground(
        "only providers that speak Responses themselves run requests in the "
        "background; ask for a stream instead");
  }
  if (call.responses == nullptr || !call.responses->enabled()) {
    return CannotInBackground(
        "where the answer will be is not remembered: "
        "response_store.entries_limit is 0");
  }
  if (!call.facts.remembered_unless_refused) {
    return CannotInBackground("an answer that is not stored cannot be fetched");
  }
  return absl::OkStatus();
}

}  // namespace

bool LooksUpPrevious(const IncomingCall& call) {
  return !call.facts.previous_response_id.empty() &&
         call.responses != nullptr && call.responses->is_durable() &&
         call.api_error.ok();
}

Task<absl::Status> LookUpPrevious(PlannedCall& call) {
  GATEWAY_CO_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
  call.known_caller = call.caller;
  GATEWAY_CO_ASSIGN_OR_RETURN(
      call.found_response,
      co_await call.responses->Look(
          call.caller->id, call.facts.previous_response_id, call.cancel));
  co_return absl::OkStatus();
}

absl::StatusOr<Continuation> ContinueConversation(IncomingCall& call,
                                                  std::string_view caller) {
  Continuation continuation;
  const std::string_view id = call.facts.previous_response_id;
  if (id.empty() || call.responses == nullptr) return continuation;
  const ResponseStore::Entry kept = call.responses->is_durable()
                                        ? call.found_response
                                        : call.responses->Find(caller, id);
  if (kept == nullptr) return continuation;
  if (!kept->provider.empty()) {
    continuation.lives_upstream = kept;
    return continuation;
  }
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* const request,
                           call.ParsedRequest());
  auto* const whole =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&call.arena);
  *whole = *request;
  whole->clear_previous_response_id();
  whole->clear_messages();
  const int own = InstructionsOf(request->messages());
  if (own > 0) *whole->add_messages() = request->messages(0);
  whole->mutable_messages()->MergeFrom(kept->Before());
  const v1::GenerateResponse response = kept->Response();
  if (response.choices_size() > 0 &&
      response.choices(0).message().parts_size() > 0) {
    *whole->add_messages() = response.choices(0).message();
  }
  for (int i = own; i < request->messages_size(); ++i) {
    *whole->add_messages() = request->messages(i);
  }
  call.request = whole;
  call.facts.parsed_only = true;
  continuation.continued = true;
  return continuation;
}

absl::Status CheckContinued(const IncomingCall& call,
                            const Continuation& continuation,
                            const PlannedTarget& target) {
  const std::string_view id = call.facts.previous_response_id;
  if (call.facts.background) {
    GATEWAY_RETURN_IF_ERROR(CheckBackground(call, target));
  }
  GATEWAY_RETURN_IF_ERROR(CheckStoredReference(call, target));
  if (id.empty() || continuation.continued) return absl::OkStatus();
  const ResponseStore::Entry& stored_at = continuation.lives_upstream;
  if (stored_at == nullptr) {
    // A provider that gets the bytes may know a response that is not stored
    // here, but not which caller's it is: it is asked only where that cannot
    // matter.
    return target.forwards && !WouldMixCallers(call, target)
               ? absl::OkStatus()
               : NoSuchPrevious(call);
  }
  if (target.forwards && stored_at->provider == target.provider->name) {
    return absl::OkStatus();
  }
  return InvalidField(
      "previous_response_id",
      absl::StrCat("the response '", ToAbsl(id), "' lives at provider '",
                   stored_at->provider,
                   target.forwards
                       ? "', and the model is another provider's"
                       : "', which alone can go on, from a request that "
                         "goes to it as it is"));
}

std::optional<UnkeptResponse> RememberForwarded(const Call& call,
                                                const Attempt& attempt,
                                                std::string_view id) {
  // Nor an id that would be a step in the path by which it is asked for.
  if (id == "." || id == "..") return std::nullopt;
  if (id.empty() || id.size() > kForeignIdBytesMax || !attempt.forwards ||
      !call.facts.remembered_unless_refused || call.responses == nullptr ||
      !call.responses->enabled()) {
    return std::nullopt;
  }
  const AnswerMaker maker = MakerOf(call, attempt);
  if (maker.caller != call.caller->id) return std::nullopt;
  StoredResponse kept;
  kept.provider = maker.provider;
  kept.credential = maker.credential;
  return call.responses->Put(call.caller->id, id, std::move(kept));
}

Task<void> KeepRemembered(PlannedCall& call, UnkeptResponse unkept,
                          Attempt& attempt) {
  const absl::Status kept =
      co_await call.responses->Keep(std::move(unkept), call.work_cancel());
  if (kept.ok()) co_return;
  v1::Warning& warning = attempt.warnings.emplace_back();
  warning.set_field("store");
  warning.set_message(
      "the answer could not be kept, so that it cannot be asked for again or "
      "gone on from; send the conversation whole with the next call");
}

bool IsKeptHere(const IncomingCall& call) {
  return call.responses != nullptr && call.responses->enabled() &&
         WantsToBeRemembered(call);
}

ConversationRecorder::ConversationRecorder(ResponseStore& store,
                                           std::string_view caller,
                                           Random& random)
    : store_(store),
      caller_(caller),
      id_(absl::StrCat(ToAbsl(kIdPrefix), random.HexId(kIdDigits))) {}

std::unique_ptr<ConversationRecorder> ConversationRecorder::Begin(
    const IncomingCall& call, std::string_view caller, const Attempt& attempt) {
  if (attempt.forwards || !IsKeptHere(call)) return nullptr;
  std::unique_ptr<ConversationRecorder> recorder(new ConversationRecorder(
      *call.responses, caller, *call.runtime->ports().secure_random));
  const MessageList& messages = call.request->messages();
  v1::GenerateRequest said;
  for (int i = InstructionsOf(messages); i < messages.size(); ++i) {
    *said.add_messages() = messages[i];
  }
  said.SerializeToString(&recorder->before_);
  return recorder;
}

std::optional<UnkeptResponse> ConversationRecorder::Keep(
    v1::GenerateResponse* response) {
  response->set_id(id_);
  StoredResponse kept;
  kept.before = std::move(before_);
  response->SerializeToString(&kept.response);
  return store_.Put(caller_, id_, std::move(kept));
}

void ConversationRecorder::Add(v1::GenerateEvent* event) {
  if (event->has_started()) event->mutable_started()->set_id(id_);
  // Beyond the store's limit the answer will not be kept, so that no more of it
  // is gathered.
  if (folding_.size_bytes() <= store_.size_bytes_limit()) folding_.Add(*event);
}

std::optional<UnkeptResponse> ConversationRecorder::Finish() {
  if (folding_.size_bytes() > store_.size_bytes_limit()) {
    return store_.TooLarge();
  }
  v1::GenerateResponse response = folding_.Finish();
  return Keep(&response);
}

}  // namespace gateway
