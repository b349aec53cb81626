// JsonProgress tells of a text that comes in pieces when it is JSON. It reads
// each byte once to find where the value may end, and only there checks the
// grammar, so asking after each piece costs no more than asking at the end.
//
//   JsonProgress progress;
//   while (more) {
//     text += piece;
//     if (progress.IsWhole(text)) break;
//   }
//
// Not thread-safe.

#ifndef PROVIDERS_DIALECTS_JSON_PROGRESS_H_
#define PROVIDERS_DIALECTS_JSON_PROGRESS_H_

#include <cstddef>
#include <string_view>

namespace gateway {

class JsonProgress {
 public:
  // Whether `text` is JSON, as CheckJson has it. REQUIRES: it begins with the
  // text of the call before.
  bool IsWhole(std::string_view text);

 private:
  enum class State {
    kBlank,   // No value has begun.
    kOpen,    // In an object, a list or a string.
    kScalar,  // In a number or a name, which nothing ends.
    kEnded,   // Behind an object, a list or a string.
    kBroken,  // Not JSON, whatever follows.
  };

  void Read(std::string_view piece);
  void ReadOpen(char c);

  State state_ = State::kBlank;
  bool in_string_ = false;
  bool escaped_ = false;
  int depth_ = 0;
  size_t read_bytes_ = 0;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_JSON_PROGRESS_H_
