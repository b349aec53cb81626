#include "service/pipeline/conversation.h"

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/os/random.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"

namespace gateway {
namespace {

// As OpenAI's ids are made.
constexpr std::string_view kIdPrefix = "resp_";
constexpr size_t kIdDigits = 32;

// How many of the messages are instructions of one turn. One that came as a
// part of the conversation bears the mark of its format, and stays.
int InstructionsOf(const MessageList& messages) {
  const bool leads = !messages.empty() &&
                     messages[0].role() == v1::ROLE_SYSTEM &&
                     messages[0].extensions().empty();
  return leads ? 1 : 0;
}

bool WantsToBeRemembered(const Call& call) {
  if (call.request == nullptr) return false;
  if (call.request->has_store()) return call.request->store();
  return call.facts.remembered_unless_refused;
}

}  // namespace

absl::Status ContinueConversation(Call& call) {
  const std::string_view id = call.facts.previous_response_id;
  if (id.empty() || call.responses == nullptr) return absl::OkStatus();
  const ResponseStore::Entry kept = call.responses->Find(call.caller, id);
  if (kept == nullptr) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* const request,
                           call.ParsedRequest());
  auto* const whole =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&call.arena);
  *whole = *request;
  whole->clear_previous_response_id();
  whole->clear_messages();
  const int own = InstructionsOf(request->messages());
  if (own > 0) *whole->add_messages() = request->messages(0);
  whole->mutable_messages()->MergeFrom(kept->before);
  if (kept->response.choices_size() > 0 &&
      kept->response.choices(0).message().parts_size() > 0) {
    *whole->add_messages() = kept->response.choices(0).message();
  }
  for (int i = own; i < request->messages_size(); ++i) {
    *whole->add_messages() = request->messages(i);
  }
  call.request = whole;
  call.facts.parsed_only = true;
  call.continued = true;
  return call.ExpectOutput();
}

absl::Status CheckContinued(const Call& call) {
  const std::string_view id = call.facts.previous_response_id;
  if (id.empty() || call.continued) return absl::OkStatus();
  // A provider that is asked in its own words may know what we do not.
  const Provider& provider =
      *call.wiring->providers().Find(call.plan.targets[0].provider)->provider;
  const bool asked_natively =
      call.may_forward() &&
      provider.FindDialect(call.raw->dialect->name()) != nullptr &&
      provider.Forwards(*call.raw);
  if (asked_natively) return absl::OkStatus();
  return InvalidField("previous_response_id",
                      absl::StrCat("there is no response '", ToAbsl(id),
                                   "', or it is no longer remembered"));
}

Remembrance::Remembrance(ResponseStore& store, std::string_view caller)
    : store_(store),
      caller_(caller),
      id_(absl::StrCat(ToAbsl(kIdPrefix), SecureRandom().HexId(kIdDigits))) {}

std::unique_ptr<Remembrance> Remembrance::Begin(const Call& call) {
  if (call.responses == nullptr || !call.responses->enabled() ||
      call.answers_raw || !WantsToBeRemembered(call)) {
    return nullptr;
  }
  std::unique_ptr<Remembrance> remembrance(
      new Remembrance(*call.responses, call.caller));
  const MessageList& messages = call.request->messages();
  for (int i = InstructionsOf(messages); i < messages.size(); ++i) {
    *remembrance->before_.Add() = messages[i];
  }
  return remembrance;
}

void Remembrance::Keep(v1::GenerateResponse* response) {
  response->set_id(id_);
  KeptResponse kept;
  kept.before.Swap(&before_);
  kept.response = *response;
  store_.Put(caller_, id_, std::move(kept));
}

void Remembrance::Note(v1::GenerateEvent* event) {
  if (event->has_started()) event->mutable_started()->set_id(id_);
  // What is too large to be kept is not gathered either.
  if (folding_.size_bytes() <= store_.size_bytes_limit()) folding_.Add(*event);
}

void Remembrance::Finish() {
  if (folding_.size_bytes() > store_.size_bytes_limit()) return;
  v1::GenerateResponse response = folding_.Finish();
  Keep(&response);
}

}  // namespace gateway
