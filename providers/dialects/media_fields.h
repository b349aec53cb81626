// Where pictures, sound and files stand in a vendor's JSON. Their bytes are no
// text, and only the place tells: what a text, a tool or a schema says may look
// like them.
//
//   constexpr MediaField kMediaFields[] = {
//       {.path = "messages.content.image_url.url", .is_data_url = true}};
//   for (std::string_view medium : FindMedia(body, kMediaFields)) ...
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_MEDIA_FIELDS_H_
#define PROVIDERS_DIALECTS_MEDIA_FIELDS_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace gateway {

// A field whose text is a medium.
struct MediaField {
  // The names on the way there from the outermost object; of a list that
  // stands on it, each element is meant.
  std::string_view path;
  // Only a data URL with base64 is a medium there: anything else is an address.
  bool is_data_url = false;
  // What the field `type` beside it must say; empty if whatever.
  std::string_view type = {};
};

// Returns what stands between the quotes of the media of a JSON text, in their
// order. Names with escapes are taken for others, and lists in lists are passed
// over; of a text that is no JSON from some place on, or is more intricate than
// a prompt, it is the media before. REQUIRES: at most kMediaFieldsMax fields.
//
// Takes as long as to find where strings end: 0.7 instructions a byte.
inline constexpr size_t kMediaFieldsMax = 16;
std::vector<std::string_view> FindMedia(std::string_view json,
                                        absl::Span<const MediaField> fields);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_MEDIA_FIELDS_H_
