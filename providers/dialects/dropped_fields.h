// Collects what a request asks for and a format cannot say, as warnings for the
// caller. The same loss is told once, however often it occurs:
// places are written without indices, as in `messages[].parts[].audio`.
//
//   DroppedFields dropped("gemini", &warnings);
//   dropped.LeftOut("sampling.seed");
//   dropped.Foreign("tools[]", tool.extensions());
//
// Thread-compatible.

#ifndef PROVIDERS_DIALECTS_DROPPED_FIELDS_H_
#define PROVIDERS_DIALECTS_DROPPED_FIELDS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/object_fields.h"

namespace gateway::wire {

class DroppedFields {
 public:
  // Beyond so many, dropped fields are not recorded.
  static constexpr size_t kWarningsLimit = 64;

  // `dialect` is a constant. Borrows `warnings`, which may be null: then
  // nothing is collected.
  DroppedFields(std::string_view dialect, std::vector<v1::Warning>* warnings)
      : dialect_(dialect), warnings_(warnings) {}

  // Records that the field has no counterpart.
  void LeftOut(std::string_view field);
  // Records that the field was carried, but not as it was.
  void Changed(std::string_view field, std::string_view how);
  // Records extensions that belong to other dialects.
  void Foreign(std::string_view place, const ExtensionList& extensions);

 private:
  const std::string_view dialect_;
  std::vector<v1::Warning>* warnings_;
};

// Tells, within a stream of server-sent events, what of an answer the caller's
// format has no place for. It is told as a comment, which readers of such
// streams skip, but for Google's, and every person who looks at one sees:
//
//   : x-llmgateway-warnings: image: left out: anthropic_messages has none
//
// Belongs to one stream.
class StreamWarnings {
 public:
  // `dialect` is a constant.
  explicit StreamWarnings(std::string_view dialect) : dialect_(dialect) {}

  // Appends a comment that says that `what` is left out, the first time. `what`
  // is a constant without line ends.
  void LeftOut(std::string_view what, std::string* out);

  // Returns the text of that comment alone, for formats whose clients do not
  // skip comments; empty after the first time.
  std::string Text(std::string_view what);

 private:
  const std::string_view dialect_;
  std::vector<std::string_view> told_;
};

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_DROPPED_FIELDS_H_
