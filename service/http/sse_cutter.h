// An SseCutter cuts the bytes of a stream of server-sent events into events, as
// they are written: an event ends with an empty line.
//
//   cutter.Add(piece);
//   while (cutter.Next(&event)) ...
//   cutter.rest();              // What has not ended.
//
// Thread-compatible.

#ifndef SERVICE_HTTP_SSE_CUTTER_H_
#define SERVICE_HTTP_SSE_CUTTER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

class SseCutter {
 public:
  // Adds bytes. Events that were returned are gone.
  void Add(std::string_view bytes);

  // Sets `event` to the next whole one, with its empty line; a view of what is
  // held here, until Add. False if there is none.
  bool Next(std::string_view* event);

  std::string_view rest() const {
    return std::string_view(bytes_).substr(taken_);
  }

 private:
  std::string bytes_;
  size_t taken_ = 0;    // Returned, up to here.
  size_t scanned_ = 0;  // No event ends before.
};

// Returns whether the event is comments alone, which callers never see.
bool IsSseComment(std::string_view event);

// Returns the event with `id` as its id, whatever id it has: the last counts.
// REQUIRES: it ends with its empty line.
std::string WithSseId(std::string_view event, std::string_view id);

}  // namespace gateway

#endif  // SERVICE_HTTP_SSE_CUTTER_H_
