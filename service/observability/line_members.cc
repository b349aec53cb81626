#include "service/observability/line_members.h"

#include <cstring>

#include "base/string_view.h"

namespace gateway {
namespace {

// Returns where the text that begins with the quote at `i` has ended.
size_t EndOfText(std::string_view line, size_t i) {
  for (++i; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\') ++i;
  }
  return i + 1;
}

// Returns where the value that begins at `i` has ended: the comma behind it, or
// the brace.
size_t EndOfValue(std::string_view line, size_t i) {
  int depth = 0;
  while (i < line.size()) {
    const char c = line[i];
    if (c == '"') {
      i = EndOfText(line, i);
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}')) break;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++i;
  }
  return i;
}

}  // namespace

size_t LineMembers::Keep(char* line, size_t size) const {
  const std::string_view all(line, size);
  size_t kept = 1;  // The brace.
  size_t begin = 1;
  while (begin < size && line[begin] == '"') {
    const size_t colon = EndOfText(all, begin);
    const std::string_view name = all.substr(begin + 1, colon - begin - 2);
    const size_t end = EndOfValue(all, colon + 1);
    if (kept == 1 || names_.contains(ToAbsl(name))) {
      if (kept > 1) line[kept++] = ',';
      memmove(line + kept, line + begin, end - begin);
      kept += end - begin;
    }
    begin = end + 1;
  }
  line[kept++] = '}';
  line[kept++] = '\n';
  return kept;
}

}  // namespace gateway
