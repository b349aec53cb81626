// What is said of a session that cannot be opened, read or gone on with. The
// reasons are those of errors.proto; none tells what a session holds.
//
//   if (!record.has_value()) return NoSuchSession(id);
//
// Thread-safe: plain functions.

#ifndef SERVICE_SESSIONS_SESSION_FAULT_H_
#define SERVICE_SESSIONS_SESSION_FAULT_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace gateway {

// NOT_FOUND: there is none, it has expired, or it is somebody else's.
absl::Status NoSuchSession(std::string_view id);

// NOT_CONFIGURED: the configuration has no `sessions`.
absl::Status NoSessions();

// CONFLICT: another call goes on with it.
absl::Status SessionIsBusy(std::string_view id);

// CONFLICT: it was changed or deleted while the call ran, and what the call was
// to add to it is not kept.
absl::Status SessionWasChanged(std::string_view id);

// SESSION_LIMITED, which names the field of SessionsConfig; `limit` is its
// value.
absl::Status TooManySessions(int64_t limit);
// There is room, but not for a caller who has so many already.
absl::Status TooManySessionsOfCaller(int64_t limit);
// All of them take too much, or leave only what is for callers who have less.
absl::Status SessionsTakeTooMuch(int64_t limit_bytes);
absl::Status TooManyMessages(std::string_view id, int64_t limit);
absl::Status SessionTooLarge(std::string_view id, int64_t limit);

// STORE_UNAVAILABLE, which says when to come again: what `store`, the store's
// error, comes to, also where its disk is full or too much
// waits for it, which no caller can help. What
// it says of files and servers is for the log
// (service/store/watched_record_store.h), and not for callers.
absl::Status SessionNotKept(const absl::Status& store);

// STORE_UNAVAILABLE: what is there is no session.
absl::Status SessionIsDamaged(std::string_view id);

}  // namespace gateway

#endif  // SERVICE_SESSIONS_SESSION_FAULT_H_
