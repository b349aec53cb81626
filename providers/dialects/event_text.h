// Counts how much of a stream its model said, in whichever vendor's format it
// comes: all of them stream under few names. Texts count by their bytes, those
// that are escaped by the bytes of what they say.
//
//   SpokenCounter spoken;
//   spoken.Add(event.data);  // Of each event that carries a piece.
//   const int64_t tokens = spoken.bytes() / 4;
//
// Most events differ from the one before by their text alone. So one event is
// read, and of those that have the same before their text the size is enough.
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_EVENT_TEXT_H_
#define PROVIDERS_DIALECTS_EVENT_TEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

// Returns how many bytes of text, reasoning, refusal, arguments of tools and
// code an event says; 0 for one that cannot be read. Reads all of it.
int64_t SaidIn(std::string_view event);

class SpokenCounter {
 public:
  // Adds what an event says, or what it is taken to say.
  void Add(std::string_view event);
  // The same of an event that the dialect could not take: it may be like
  // nothing that was read before.
  void AddBad(std::string_view event) { bytes_ += SaidIn(event); }

  int64_t bytes() const { return bytes_; }

 private:
  // Returns whether the event is laid out as the last one that was read.
  bool IsAlike(std::string_view event) const;
  // Returns whether to read an event that is not: one in some, if each differs
  // from the last. The others are taken to say as much as the last one that was
  // read.
  bool IsWorthReading();
  void Read(std::string_view event);

  int64_t bytes_ = 0;
  int64_t last_read_bytes_ = 0;
  // Of the last event that was read and had a text: where that begins, what
  // stands right before, and how many bytes of the event are not said. Until
  // there is one, `frame_` is a guess.
  size_t offset_ = 0;
  std::array<char, 16> before_ = {};
  size_t frame_ = 256;
  unsigned unlike_ = 0;  // Events in a row that were not alike.
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_EVENT_TEXT_H_
