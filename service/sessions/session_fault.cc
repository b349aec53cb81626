#include "service/sessions/session_fault.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/store/store_retry.h"

namespace gateway {
namespace {

constexpr size_t kIdBytesToldMax = 64;

absl::string_view Told(std::string_view id) {
  return ToAbsl(id.substr(0, kIdBytesToldMax));
}

absl::Status Conflict(std::string_view id, std::string_view what) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_CONFLICT,
                absl::StrCat("the session '", Told(id), "' ", ToAbsl(what)));
  AddFaultMetadata(fault, "resource",
                   std::string(absl::StrCat("sessions/", Told(id))));
  return fault;
}

absl::Status Limited(std::string_view field, std::string_view message) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_SESSION_LIMITED, message);
  AddFaultMetadata(fault, "limit", field);
  return fault;
}

}  // namespace

absl::Status NoSuchSession(std::string_view id) {
  return MakeFault(
      v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("there is no session '", Told(id),
                   "' of this caller, or it has expired; open another"));
}

absl::Status NoSessions() {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_NOT_CONFIGURED,
      "no sessions are kept here; the operator adds `sessions` to the "
      "configuration, or the whole conversation is sent with each call");
  AddFaultMetadata(fault, "field", "sessions");
  return fault;
}

absl::Status SessionIsBusy(std::string_view id) {
  return Conflict(id,
                  "is gone on with by another call; wait for its end, since a "
                  "session takes one call at a time");
}

absl::Status SessionWasChanged(std::string_view id) {
  return Conflict(id,
                  "was changed or deleted while the call ran, which has added "
                  "nothing to it; read it again");
}

absl::Status TooManySessions(int64_t limit) {
  return Limited("sessions.sessions_limit",
                 absl::StrCat("there are ", limit,
                              " sessions, as many as there may be; delete "
                              "those that nobody needs, or have the operator "
                              "raise sessions.sessions_limit"));
}

absl::Status TooManySessionsOfCaller(int64_t limit) {
  return Limited("sessions.sessions_limit",
                 absl::StrCat("nearly all of the ", limit,
                              " sessions that there may be are there, and the "
                              "rest is for callers who have fewer; delete "
                              "those that nobody needs, or have the operator "
                              "raise sessions.sessions_limit"));
}

absl::Status SessionsTakeTooMuch(int64_t limit_bytes) {
  return Limited("sessions.size_bytes_limit",
                 absl::StrCat("sessions take nearly all of the ", limit_bytes,
                              " bytes that they may, and the rest is for "
                              "callers who have less; delete those that nobody "
                              "needs, or have the operator raise "
                              "sessions.size_bytes_limit"));
}

absl::Status TooManyMessages(std::string_view id, int64_t limit) {
  return Limited(
      "sessions.messages_limit",
      absl::StrCat("the session '", Told(id), "' would have more than ", limit,
                   " messages with the answer, as many as one may "
                   "have; go on in another"));
}

absl::Status SessionTooLarge(std::string_view id, int64_t limit) {
  return Limited(
      "sessions.session_bytes_limit",
      absl::StrCat("the session '", Told(id), "' would be larger than ", limit,
                   " bytes, as large as one may be; go on in "
                   "another"));
}

absl::Status SessionNotKept(const absl::Status& store) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_STORE_UNAVAILABLE,
      absl::IsResourceExhausted(store)
          ? "the store of sessions has no room at this moment; try again later"
          : "the store of sessions cannot be read or written at this moment; "
            "try again later");
  SetRetryDelay(fault, kStoreRetryDelay);
  return fault;
}

absl::Status SessionIsDamaged(std::string_view id) {
  return MakeFault(v1::ERROR_REASON_STORE_UNAVAILABLE,
                   absl::StrCat("the record of the session '", Told(id),
                                "' is damaged; open another session"));
}

}  // namespace gateway
