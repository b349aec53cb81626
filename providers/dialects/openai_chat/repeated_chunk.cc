#include "providers/dialects/openai_chat/repeated_chunk.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>

#include "base/text/json.h"
#include "base/text/json_escape.h"

namespace gateway::chat {
namespace {

// Returns whether the text may stand between the quotes of a JSON string
// without escapes.
bool StandsForItself(std::string_view text) {
  if (IsPlainJsonText(text)) return true;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) {
                        return c < 0x20 || c == '"' || c == '\\';
                      }) &&
         IsUtf8(text);
}

}  // namespace

void RepeatedChunk::Learn(std::string_view data, size_t offset, size_t size) {
  assert(offset > 0 && data[offset - 1] == '"' && data[offset + size] == '"');
  around_.Clear();
  around_.Reserve(data.size() - size);
  around_.Append(data.substr(0, offset));
  around_.Append(data.substr(offset + size));
  rest_ = offset;
}

std::string_view RepeatedChunk::TextOf(std::string_view data) const {
  const std::string_view around = around_.bytes();
  if (around.empty() || data.size() <= around.size()) return {};
  const std::string_view text = data.substr(rest_, data.size() - around.size());
  if (memcmp(data.data(), around.data(), rest_) != 0 ||
      memcmp(text.data() + text.size(), around.data() + rest_,
             around.size() - rest_) != 0) {
    return {};
  }
  return StandsForItself(text) ? text : std::string_view();
}

}  // namespace gateway::chat
