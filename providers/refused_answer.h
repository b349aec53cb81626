// A model may have answered, and not in the form that it was asked for: by a
// stream in place of JSON, by JSON in place of a stream, under a media type of
// something else. Or its answer breaks off, or cannot be read. Its caller gets
// none of it. Before it is refused it is read, as far as it says what it has
// cost (AttemptProgress::unasked): by one rule, whether it was to be forwarded
// or translated.
//
//   if (!HasMediaType(content_type, kJson)) {
//     co_return co_await RefuseAnswer(options, "JSON", std::move(exchange));
//   }
//
// Thread contract: one attempt, on its loop.

#ifndef PROVIDERS_REFUSED_ANSWER_H_
#define PROVIDERS_REFUSED_ANSWER_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "base/http/http_client.h"
#include "providers/dialects/dialect.h"
#include "providers/http_stream.h"

namespace gateway {

inline constexpr std::string_view kJsonType = "application/json";

// Returns the media type of the dialect's streams.
std::string_view StreamTypeOf(const Dialect& dialect);

bool HasMediaType(std::string_view content_type, std::string_view media_type);

// Whether it is the type of a page for people, which no model has made, unless
// its server says so of all that it sends.
bool IsPageType(std::string_view content_type);

// Returns whether the provider says that it failed while it made this answer,
// and the word in which it says so.
bool IsGivenUp(const v1::GenerateResponse& response);
std::string_view GivenUpWord(const v1::GenerateResponse& response);

// What is said of it where a stream of the dialect was wanted.
std::string_view WantedStream(const Dialect& dialect);

// Each reads an answer of status 200 to its end. `wanted` says what it should
// have been. Returns the fault: what the provider tells of a failure, what
// ended the call, or else that it is not what was asked for.
Task<absl::Status> RefuseAnswer(HttpStreamOptions options,
                                std::string_view wanted,
                                std::unique_ptr<HttpExchange> exchange);

// The same of one that has the media type that it should have, and another form
// (providers/body_form.h). `body` is all of it, and the exchange's.
Task<absl::Status> RefuseBody(HttpStreamOptions options,
                              std::string_view wanted,
                              std::string_view content_type,
                              std::string_view body,
                              std::unique_ptr<HttpExchange> exchange);

// The same of one that has the form that it should have, and is none that the
// dialect can read: `why` says so, and is returned unless the provider tells in
// it of a failure.
Task<absl::Status> RefuseUnread(HttpStreamOptions options, absl::Status why,
                                std::string_view body,
                                std::unique_ptr<HttpExchange> exchange);

// The same of one of which ReadAll has failed with `why`, as far as it came.
// `is_page` tells that it is said to be a page.
Task<absl::Status> RefuseCut(HttpStreamOptions options, absl::Status why,
                             bool is_page,
                             std::unique_ptr<HttpExchange> exchange);

// The same where a stream was wanted, of which `pieces` have been read last,
// and none before them that had more than space.
Task<absl::Status> RefuseStream(HttpStreamOptions options,
                                absl::Span<const std::string_view> pieces,
                                std::unique_ptr<HttpExchange> exchange);

}  // namespace gateway

#endif  // PROVIDERS_REFUSED_ANSWER_H_
