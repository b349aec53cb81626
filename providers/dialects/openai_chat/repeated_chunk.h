// RepeatedChunk knows a chunk that differs from an earlier one by its text
// alone, as most of a stream's chunks do, without reading it as JSON.
//
//   RepeatedChunk repeated;
//   repeated.Learn(R"({"choices":[{"delta":{"content":"four"}}]})", 34, 4);
//   repeated.TextOf(R"({"choices":[{"delta":{"content":"ty"}}]})");  // ty
//
// What surrounds the text is compared byte for byte, so that what it means has
// been found out before.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_REPEATED_CHUNK_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_REPEATED_CHUNK_H_

#include <cstddef>
#include <string_view>

#include "base/memory/byte_queue.h"

namespace gateway::chat {

class RepeatedChunk {
 public:
  // Remembers a chunk whose text stands at [offset, offset + size), between
  // quotes.
  void Learn(std::string_view data, size_t offset, size_t size);

  // Returns the text of a chunk that is otherwise like the remembered one;
  // empty if it is not, or its text is empty or has escapes.
  std::string_view TextOf(std::string_view data) const;

 private:
  // What precedes the text and, from rest_ on, what follows it. In recycled
  // memory, since every stream learns a chunk.
  ByteQueue around_;
  size_t rest_ = 0;
};

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_REPEATED_CHUNK_H_
