// Tells how much of one event of a stream is what its model said, in whichever
// vendor's format it comes: all of them stream under few names. The rest stands
// around it, and is the same in each event of a stream, or nearly.
//
//   const int64_t frame = bytes - SpokenBytes(event);
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_EVENT_TEXT_H_
#define PROVIDERS_DIALECTS_EVENT_TEXT_H_

#include <cstdint>
#include <string_view>

namespace gateway {

// Counts the bytes, as escaped, of an event's text, reasoning, refusal and
// arguments of tools. 0 for an event that has none, and for what cannot be
// read.
int64_t SpokenBytes(std::string_view event);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_EVENT_TEXT_H_
