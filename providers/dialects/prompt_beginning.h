// What a prompt begins with, in as many bytes as decide where calls of one
// beginning go. It is that of all turns of a conversation: turns that are added
// change nothing. It has texts and names alone, so that it is the same whatever
// format the request came in.
//
//   PromptBeginning beginning(1024);
//   beginning.AddSystem("You are terse.");
//   beginning.AddTool("search");
//   beginning.AddFirstTurn("Who was Ada Lovelace?");
//   beginning.ToText();
//
//   ReadPromptBeginning(body, 1024).ToText();
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_PROMPT_BEGINNING_H_
#define PROVIDERS_DIALECTS_PROMPT_BEGINNING_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

class PromptBeginning {
 public:
  // Keeps no more than `bytes_max` bytes of each kind of text.
  explicit PromptBeginning(size_t bytes_max) : bytes_max_(bytes_max) {}

  // By which the caller himself says what belongs together; it stands for all
  // the rest.
  void SetCacheKey(std::string_view key) { Set(key, &cache_key_); }
  void AddSystem(std::string_view text) { Add(text, &system_); }
  void AddTool(std::string_view name) { Add(name, &tools_); }
  // Of the first turn that is none of the system.
  void AddFirstTurn(std::string_view text) { Add(text, &first_turn_); }

  // At most `bytes_max` bytes: the cache key or, without one, the system's
  // texts, the tools' names and the first turn. Empty if there is nothing.
  std::string ToText() const;

 private:
  void Set(std::string_view text, std::string* to) const {
    to->assign(text.substr(0, bytes_max_));
  }
  // Texts do not run together.
  void Add(std::string_view text, std::string* to) const;

  const size_t bytes_max_;
  std::string cache_key_;
  std::string system_;
  std::string tools_;
  std::string first_turn_;
};

namespace wire {

// Reads the beginning off a request of any vendor, whose fields for the same
// are named alike. What is no such field is passed over; a text that is no JSON
// has no beginning.
PromptBeginning ReadPromptBeginning(std::string_view body, size_t bytes_max);

}  // namespace wire
}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_PROMPT_BEGINNING_H_
