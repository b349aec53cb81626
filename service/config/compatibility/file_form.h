// FileForm is which system a configuration file was written for. Files of
// others are known by their outermost keys, are read with the loader's own
// checks into the messages of foreign_files.proto, and are then said anew as a
// GatewayConfig, on which everything else goes on as for a file of our own.
//
//   const FileForm form = FileFormOf({"agents", "llmGateway"});
//   std::unique_ptr<Message> file = NewFileOf(form);
//   ...  // The loader fills `file`, as SpellingOf(form) says.
//   TranslateFile(form, *file, &translation);
//
// Thread-safe: free functions.

#ifndef SERVICE_CONFIG_COMPATIBILITY_FILE_FORM_H_
#define SERVICE_CONFIG_COMPATIBILITY_FILE_FORM_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

enum class FileForm {
  kOwn,
  kLlmGateway,           // Settings of which `llmGateway` is one section.
  kRouterConfig,         // A `router_config`, by itself.
  kRouterConfigSection,  // The same as one section among others.
};

// How a form spells what its message has.
struct FileSpelling {
  // `base_url` is spelt `baseUrl`.
  bool camel_case = false;
  // A value of null is as good as none.
  bool null_is_absent = false;
  // If not empty, the outermost keys beside this one are others' concern.
  std::string_view section;
};

FileForm FileFormOf(const std::vector<std::string>& root_keys);

FileSpelling SpellingOf(FileForm form);

// Returns an empty message for all that such a file may say.
// REQUIRES: `form` is not kOwn.
std::unique_ptr<google::protobuf::Message> NewFileOf(FileForm form);

// Sets a message that a file may write as a text alone. Returns false, and does
// nothing, if it may not.
bool ReadShortForm(const std::string& text, google::protobuf::Message* message);

// REQUIRES: `file` is of the type that NewFileOf(form) returns.
void TranslateFile(FileForm form, const google::protobuf::Message& file,
                   Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_FILE_FORM_H_
