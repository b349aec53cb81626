// KeyRedactor takes keys and tokens out of what a caller may have put them into
// by mistake, and that is recorded whatever is configured: the name of a model,
// a path.
//
//   RedactedText model = KeyRedactor().RedactText("sk-proj-0123456789abcdef");
//   model.text;                                  // `[redacted:keys]`
//
// Not addresses or card numbers: `claude@20260101` is a model.
//
// Thread-safe.

#ifndef SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_
#define SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_

#include "service/audit/redaction/body_redactor.h"

namespace gateway {

// Made at the first call, and never destroyed.
const BodyRedactor& KeyRedactor();

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_KEY_REDACTOR_H_
