// AuditPolicy is what a configuration says of the audit log, made ready: which
// bodies are kept, what is taken out of them, what encrypts them, and how long
// all of it is kept. A reload brings another one.
//
// Thread contract: immutable.

#ifndef SERVICE_AUDIT_AUDIT_POLICY_H_
#define SERVICE_AUDIT_AUDIT_POLICY_H_

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "service/audit/body_cipher.h"
#include "service/audit/body_rules.h"
#include "service/audit/redaction/body_redactor.h"

namespace gateway {

struct AuditPolicy {
  explicit AuditPolicy(BodyRedactor taken_out)
      : redactor(std::move(taken_out)) {}

  BodyRules rules;
  BodyRedactor redactor;
  std::shared_ptr<const BodyCipher> cipher;  // Null if nothing is encrypted.
  absl::Duration retention = absl::Hours(24) * 30;
  // How many refusals of callers who are not known have an entry, on each loop.
  int unknown_callers_per_second = 10;
  // How many refusals of each other caller have one, on each loop.
  int refusals_per_second = 10;
};

}  // namespace gateway

#endif  // SERVICE_AUDIT_AUDIT_POLICY_H_
