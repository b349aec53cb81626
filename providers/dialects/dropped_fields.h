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

}  // namespace gateway::wire

#endif  // PROVIDERS_DIALECTS_DROPPED_FIELDS_H_
