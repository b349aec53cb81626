// The words that errors are made of, those of providers as those of the
// gateway, and the names of fields and values of the vendors' APIs: a closed
// list, and no secret is made of one of them.
//
// Thread-safe: a plain function over what is constant.

#ifndef SERVICE_AUDIT_REDACTION_ERROR_WORDS_H_
#define SERVICE_AUDIT_REDACTION_ERROR_WORDS_H_

#include <string_view>

namespace gateway {

// Whether the word, in small letters, is one of them; or one with an ending
// that English has: `requests`, `exceeded`, `streaming`.
bool IsErrorWord(std::string_view word);

// Whether the name, in any letters, is one of them or put together of such:
// `rate_limit_exceeded`, `maxOutputTokens`. Besides it may have no more than
// three letters, which are nothing by themselves, and numbers of three digits.
bool IsErrorName(std::string_view name);

}  // namespace gateway

#endif  // SERVICE_AUDIT_REDACTION_ERROR_WORDS_H_
