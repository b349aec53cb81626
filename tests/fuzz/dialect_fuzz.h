// What is asked of every dialect, whatever bytes come: its readers refuse them
// or understand them, what they understood is written so that it reads the same
// again, and nothing is read behind their end.
//
//   const OpenAiChat dialect;
//   FuzzDialect(dialect, input);    // The first byte says what the rest is,
//   FuzzRequest(dialect, body);     // or the target does.
//
// A broken promise ends the program, as libFuzzer wants it.
//
// Thread contract: thread-safe.

#ifndef TESTS_FUZZ_DIALECT_FUZZ_H_
#define TESTS_FUZZ_DIALECT_FUZZ_H_

#include <cstddef>
#include <source_location>
#include <string_view>

#include "providers/dialects/dialect.h"
#include "providers/dialects/embedding_dialect.h"
#include "providers/dialects/model_list_dialect.h"

namespace gateway {

// Ends the program unless `condition` holds, and says where it was asked.
void Require(bool condition,
             std::source_location where = std::source_location::current());

// Takes `input` as what its first byte says: 'q' a request, 'a' an answer, 's'
// a stream, where a second byte says how it is cut. Returns whether it was one
// of them.
bool FuzzDialect(const Dialect& dialect, std::string_view input);

// What is read of a request and written reads and is written the same again,
// and its scan, the edits and its media stay within the body.
void FuzzRequest(const Dialect& dialect, std::string_view body);

void FuzzAnswer(const Dialect& dialect, std::string_view body);

// A stream in pieces of `piece_bytes` gives the same events as a whole one, the
// tap understands what the reader does, and the events can be written.
void FuzzStream(const Dialect& dialect, std::string_view stream,
                size_t piece_bytes);

// Errors are errors, and never anything else; so are those written for them.
void FuzzError(const Dialect& dialect, std::string_view body);

void FuzzCounting(const Dialect& dialect, std::string_view body);

void FuzzEmbeddings(const EmbeddingDialect& dialect, std::string_view body);

void FuzzModels(const ModelListDialect& dialect, std::string_view body);

}  // namespace gateway

#endif  // TESTS_FUZZ_DIALECT_FUZZ_H_
