// JSON that has not come to its end: that still comes, or that broke off.
//
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
// ObjectProgress tells, of pieces that are not kept, when an object or a list
// has come to its end, without checking it.
//
// CompleteJson closes what there is of a text that broke off, or that is no
// JSON from some place on, so that it can be read like any other.
//
//   CompleteJson(R"({"a": [1, {"b": "tex)").json  // {"a": [1, {"b": "tex"}]}
//
// Not thread-safe; CompleteJson is.

#ifndef PROVIDERS_DIALECTS_JSON_PROGRESS_H_
#define PROVIDERS_DIALECTS_JSON_PROGRESS_H_

#include <cstddef>
#include <string>
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

class ObjectProgress {
 public:
  void Feed(std::string_view piece);
  bool complete() const { return complete_; }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool complete_ = false;
};

struct JsonPrefix {
  // JSON in UTF-8. Texts are as long as they came, by whole characters; a key
  // without its value is left out, and so is a number or a name that may have
  // gone on. What some writers say in place of a number, NaN and the
  // infinities, is one that is out of every range: readers refuse it where they
  // want a number, and take what stands beside it. Empty if no object or array
  // has begun.
  std::string json;
  // The key, as it is written, of the field in whose text it broke off; empty
  // if it did so elsewhere. Points into what was given.
  std::string_view cut_key;
};

// Reads each byte once. What is nested deeper than readers accept counts as not
// JSON.
JsonPrefix CompleteJson(std::string_view text);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_JSON_PROGRESS_H_
