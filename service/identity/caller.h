// Caller is who makes a call, as far as it has shown who it is, and what it
// may. Whoever finds a caller out makes one; calls share it and nothing changes
// it any more.
//
//   auto caller = std::make_shared<Caller>();
//   caller->id = "search";
//   caller->method = CallerMethod::kConfiguredKey;
//   std::shared_ptr<const Caller> shared = std::move(caller);
//
// Holds no secret: all of it may be logged.
//
// Thread-compatible: const members may be called from several threads.

#ifndef SERVICE_IDENTITY_CALLER_H_
#define SERVICE_IDENTITY_CALLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/identity/scopes.h"

namespace gateway {

// How a caller has shown who it is.
enum class CallerMethod : uint8_t {
  // It has not, and need not.
  kAnonymous,
  // A key of the configuration.
  kConfiguredKey,
  // A key that an operator has issued while the gateway runs.
  kIssuedKey,
  // A JSON Web Token.
  kJwt,
  // A client certificate.
  kCertificate,
};

// The name for logs and metrics: `anonymous`, `configured_key`, `issued_key`,
// `jwt` or `certificate`.
std::string_view CallerMethodName(CallerMethod method);

// Whose calls go first when not all can be served, the first first.
enum class CallerPriority : uint8_t { kCritical, kHigh, kNormal, kLow };
inline constexpr size_t kCallerPriorities = 4;

// `critical`, `high`, `normal` or `low`.
std::string_view CallerPriorityName(CallerPriority priority);

// As an operator has said it; kNormal if nothing was.
CallerPriority CallerPriorityOf(llmgateway::config::v1::Priority said);

// So many labels a caller has at most; whoever makes one sees to it.
inline constexpr size_t kCallerLabelsMax = 16;

struct Caller {
  // The value of the label; empty if there is none.
  std::string_view Label(std::string_view name) const;

  // Stands for the caller in logs, metrics and limits: the id of its key, or
  // what its token or certificate names it. Empty for anonymous callers.
  std::string id;
  CallerMethod method = CallerMethod::kAnonymous;
  // Whom it belongs to, or whom to ask about it; may be empty.
  std::string owner;
  // Names and values.
  std::vector<std::pair<std::string, std::string>> labels;
  Scopes scopes;
  // From then on what it has shown is good no more.
  absl::Time expire_time = absl::InfiniteFuture();
  CallerPriority priority = CallerPriority::kNormal;
  // How much it may ask for in a time, beside what rules say.
  std::vector<llmgateway::config::v1::KeyLimit> limits;
  // The budget that its calls are charged to; empty if none.
  std::string budget;
};

// A caller, never null. One that a runtime snapshot owns is only borrowed: its
// copies count nothing, and whoever holds them holds the snapshot. Others are
// shared.
using CallerRef = std::shared_ptr<const Caller>;

// Refers to a caller that outlives all copies.
inline CallerRef Borrow(const Caller& caller) {
  return {std::shared_ptr<const void>(), &caller};
}

// Returns the one that stands for all who need not show who they are;
// everything is allowed. Borrowed, from nobody who goes.
CallerRef AnonymousCaller();

// Returns the one that stands for all of whom nobody has found out who they
// are: not yet, or since they have shown nothing that is right. Borrowed, too.
CallerRef UnknownCaller();

// Whether it is any other: one with a credential that is right, or, where none
// need be shown, the anonymous one.
bool IsKnown(const Caller& caller);

}  // namespace gateway

#endif  // SERVICE_IDENTITY_CALLER_H_
