// KeyRedactor takes keys and tokens out of what a caller may have put them into
// by mistake, and that is recorded whatever is configured: the name of a model,
// a path.
//
//   RedactedText model = KeyRedactor().RedactText("sk-proj-0123456789abcdef");
//   model.text;                                  // `[redacted:keys]`
//
// Secrets of a configuration, which have no form of their own, are known by
// their digests:
//
//   const BodyRedactor redactor = KeyRedactorWith(std::move(digests));
//   redactor.RedactText("caller-key-of-team-a");  // `[redacted:...secret]`
//
// Not addresses or card numbers: `claude@20260101` is a model.
//
// Thread-safe.

#ifndef SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_
#define SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_

#include "service/audit/redaction/body_redactor.h"
#include "service/audit/redaction/secret_digests.h"

namespace gateway {

// Knows forms alone. Made at the first call, and never destroyed.
const BodyRedactor& KeyRedactor();

// Knows these secrets as well: `[redacted:configured_secret]`.
BodyRedactor KeyRedactorWith(SecretDigests secrets);

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_
