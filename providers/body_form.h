// What came in place of an answer, told by how it begins and not by what it is
// called: providers put events under `application/json`, JSON under
// `text/event-stream`, and all of that under the media type of something else.
//
//   FormOf(dialect.framing(), "[{\"candidates\": ...")  // kList
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_BODY_FORM_H_
#define PROVIDERS_BODY_FORM_H_

#include <string_view>

#include "providers/dialects/dialect.h"

namespace gateway {

enum class BodyForm {
  kBlank,   // Nothing, or space alone.
  kPage,    // For people.
  kObject,  // An answer in JSON.
  kList,    // The events of a stream, in a list; or an answer in one.
  kEvents,  // The events of a stream.
  kText,    // Anything else.
};

// `body` may be its beginning: an object that is the first event of a stream of
// JSON lines is kObject until the next one has begun.
BodyForm FormOf(Framing framing, std::string_view body);

// Returns whether a stream of this framing cannot begin so. What is blank, or
// is some text, may go on to be one.
bool IsNoStream(Framing framing, std::string_view begin);

// Returns whether a whole answer cannot be this body: it is a page, a list or
// the events of a stream.
bool IsNoWhole(Framing framing, std::string_view body);

// What a person calls it; empty for kBlank and kText.
std::string_view BodyFormName(BodyForm form);

}  // namespace gateway

#endif  // PROVIDERS_BODY_FORM_H_
