// Counts how much of a stream its model said, in whichever vendor's format it
// comes: all of them stream under few names. Texts count by their characters,
// those that are escaped by the characters that they stand for, and what is no
// text by a flat sum.
//
//   SpokenCounter spoken;
//   spoken.Add(event.data);  // Of each event that carries a piece.
//   const int64_t tokens = spoken.characters() / 4;
//
// Most events differ from the one before by their text alone. So one event is
// read, and of those that have the same around their text that is enough.
//
// What an event that is read into the contract's form says, and a whole answer,
// providers/said_output.h has: the same sum.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_EVENT_TEXT_H_
#define PROVIDERS_DIALECTS_EVENT_TEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

// What a picture or a file counts as, and all the sound of an answer: their
// bytes say nothing.
inline constexpr int64_t kCharactersOfMedium = 4000;

struct Said {
  int64_t characters = 0;
  bool has_sound = false;
};

// Returns what an event, or a part of an answer, says of text, reasoning,
// refusal, names and arguments of calls, code and pictures; nothing of one that
// cannot be read. Reads all of it.
Said SaidIn(std::string_view event);

class SpokenCounter {
 public:
  // Adds what an event says, or what it is taken to say.
  void Add(std::string_view event);
  // The same of an event that is like no other: one that begins a part, or that
  // the dialect could not take.
  void AddUnlike(std::string_view event) { Add(SaidIn(event)); }
  void AddSound() { has_sound_ = true; }

  int64_t characters() const {
    return characters_ + (has_sound_ ? kCharactersOfMedium : 0);
  }

 private:
  // So much is compared of what stands before and behind a text.
  static constexpr size_t kFrameBytes = 16;

  // Returns the text of an event that has the same before it as that of the
  // last one that was read; empty if there is none.
  std::string_view FindText(std::string_view event) const;
  // Whether nothing is said behind the text that was not before; `tail` begins
  // with its closing quote.
  bool IsAlike(std::string_view tail) const;
  // Returns whether to read an event that is not: one in some, if each differs
  // from the last. The others are taken to say as much as the last one that was
  // read.
  bool IsWorthReading();
  void Read(std::string_view event);
  void Add(const Said& said) {
    characters_ += said.characters;
    has_sound_ = has_sound_ || said.has_sound;
  }

  int64_t characters_ = 0;
  bool has_sound_ = false;
  int64_t last_read_ = 0;
  // Of the last event that was read and had a text: where that begins, and what
  // stands right before and behind it. No offset until there is one.
  size_t offset_ = 0;
  size_t tail_bytes_ = 0;
  size_t behind_bytes_ = 0;
  std::array<char, kFrameBytes> before_ = {};
  std::array<char, kFrameBytes> behind_ = {};
  int64_t rest_ = 0;     // What it says besides.
  unsigned unlike_ = 0;  // Events in a row that were not alike.
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_EVENT_TEXT_H_
