#include "service/config/loader.h"

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/compatibility/file_form.h"
#include "service/config/compatibility/translation.h"
#include "service/config/config_problem.h"
#include "service/config/field_value.h"
#include "service/config/nearest_name.h"
#include "service/config/policy_names.h"
#include "yaml-cpp/depthguard.h"
#include "yaml-cpp/yaml.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::type::v1::Target;

constexpr size_t kKeyShownMax = 64;

// Converts a place: the library counts bytes, lines and columns from 0, this
// from 1.
TextPlace PlaceOf(const YAML::Mark& mark, const std::string& source) {
  if (mark.is_null()) return {.source = source};
  return {mark.line + 1, mark.column + 1, source};
}

TextPlace PlaceAt(std::string_view text, size_t offset,
                  const std::string& source) {
  TextPlace place{1, 1, source};
  for (const char c : text.substr(0, offset)) {
    ++place.column;
    if (c == '\n') place = {place.line + 1, 1, source};
  }
  return place;
}

// Returns the length of the UTF-8 sequence that `text` begins with; 0 if it is
// not one.
size_t SequenceLength(std::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&byte](size_t i) { return byte(i) >> 6 == 2; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    if (overlong || surrogate) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool too_large = first == 0xF4 && byte(1) > 0x8F;
    if (overlong || too_large) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// Returns where `text` stops being UTF-8 without NUL; its size if it never
// does.
size_t FirstBadByte(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t length = SequenceLength(text.substr(offset));
    if (length == 0 || text[offset] == '\0') break;
    offset += length;
  }
  return offset;
}

bool IsPlainTag(std::string_view tag) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  if (tag.empty() || tag == "?" || tag == "!") return true;
  if (!tag.starts_with(kCore)) return false;
  tag.remove_prefix(kCore.size());
  return tag == "map" || tag == "seq" || tag == "str" || tag == "int" ||
         tag == "float" || tag == "bool" || tag == "null";
}

std::string_view KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  return "a single value";
}

// Finds fields by the names that they have in a file.
class FieldNames {
 public:
  FieldNames(const Descriptor& type, const FileSpelling& spelling)
      : type_(type), camel_case_(spelling.camel_case) {}

  const FieldDescriptor* Find(const std::string& name) const {
    return camel_case_ ? type_.FindFieldByCamelcaseName(name)
                       : type_.FindFieldByName(name);
  }

  std::vector<std::string> All() const {
    std::vector<std::string> names;
    for (int i = 0; i < type_.field_count(); ++i) {
      const FieldDescriptor& field = *type_.field(i);
      names.push_back(camel_case_ ? field.camelcase_name() : field.name());
    }
    return names;
  }

 private:
  const Descriptor& type_;
  const bool camel_case_;
};

class Reader {
 public:
  // `source` is empty for the file that the problems are of.
  Reader(const FileSpelling& spelling, std::string source, FieldPlaces* places,
         ConfigProblems* problems)
      : spelling_(spelling),
        source_(std::move(source)),
        places_(*places),
        problems_(*problems) {}

  void ReadMessage(const YAML::Node& node, const std::string& path,
                   Message* message);

  // True if something was left out because there was too much.
  bool exhausted() const {
    return nodes_ > kConfigNodesLimit || bytes_ > kConfigExpandedBytesLimit;
  }

 private:
  TextPlace PlaceOf(const YAML::Node& node) const {
    return gateway::PlaceOf(node.Mark(), source_);
  }

  // Returns false, and adds the problem once, if the file expands to too much.
  bool Afford(const YAML::Node& node);

  // Sets `key` to the text of a key. Returns false, and adds the problem, if it
  // has none or was there before.
  bool ReadKey(const YAML::Node& node, const std::string& path,
               absl::flat_hash_map<std::string, TextPlace>* seen,
               std::string* key);

  // Tells of a key that names no field, unless it is of no concern.
  void ReadUnknown(const YAML::Node& key_node, const std::string& path,
                   const std::string& key, const FieldNames& names);

  // Reads a target written as `provider` or `provider/model`.
  void ReadTarget(const YAML::Node& node, const std::string& path,
                  Target* target);

  void ReadField(const YAML::Node& node, TextPlace place,
                 const std::string& path, const FieldDescriptor& field,
                 Message* message);
  void ReadSingular(const YAML::Node& node, TextPlace place,
                    const std::string& path, const FieldDescriptor& field,
                    Message* message);
  void ReadList(const YAML::Node& node, const std::string& path,
                const FieldDescriptor& field, Message* message);
  void ReadMap(const YAML::Node& node, const std::string& path,
               const FieldDescriptor& field, Message* message);

  // Reads messages that stand under what they are known by.
  void ReadKeyedList(const YAML::Node& node, const std::string& path,
                     const FieldDescriptor& field, Message* message);
  // Reads names, each with whether it is meant.
  void ReadFlags(const YAML::Node& node, const std::string& path,
                 const FieldDescriptor& field, Message* message);
  // Reads the field at `ours`, a path within `message`, which the file has
  // under another name.
  void ReadOtherName(const YAML::Node& node, TextPlace place,
                     const std::string& path, std::string_view ours,
                     Message* message);

  // Returns false, and adds the problem, if another field of the oneof is set.
  bool IsFirstOfItsOneof(const FieldDescriptor& field, TextPlace place,
                         const std::string& path, const Message& message);

  const FileSpelling spelling_;
  const std::string source_;
  FieldPlaces& places_;
  ConfigProblems& problems_;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

bool Reader::Afford(const YAML::Node& node) {
  if (exhausted()) return false;
  ++nodes_;
  if (node.IsScalar()) bytes_ += node.Scalar().size();
  if (!exhausted()) return true;
  problems_.Add(PlaceOf(node), "",
                absl::StrCat("the file expands to too much: to more than ",
                             kConfigNodesLimit, " keys and values, or ",
                             kConfigExpandedBytesLimit >> 20,
                             " MiB of them, those of an alias counted each "
                             "time; say less, or use fewer aliases"));
  return false;
}

bool Reader::ReadKey(const YAML::Node& node, const std::string& path,
                     absl::flat_hash_map<std::string, TextPlace>* seen,
                     std::string* key) {
  const TextPlace place = PlaceOf(node);
  if (!Afford(node)) return false;
  if (!node.IsScalar()) {
    problems_.Add(place, path, "a key must be a name, not a map or list");
    return false;
  }
  *key = node.Scalar();
  const auto [first, is_new] = seen->try_emplace(*key, place);
  if (is_new) return true;
  problems_.Add(place, EntryPath(path, key->substr(0, kKeyShownMax)),
                absl::StrCat("given twice; line ", first->second.line,
                             " has it already; keep one"));
  return false;
}

void Reader::ReadMessage(const YAML::Node& node, const std::string& path,
                         Message* message) {
  if (!Afford(node)) return;
  if (node.IsNull()) return;  // All lines of the section are commented out.
  if (node.IsScalar() && message->GetDescriptor() == Target::descriptor()) {
    return ReadTarget(node, path, static_cast<Target*>(message));
  }
  if (node.IsScalar() && ReadShortForm(node.Scalar(), message)) return;
  if (!node.IsMap() || !IsPlainTag(node.Tag())) {
    problems_.Add(PlaceOf(node), path,
                  absl::StrCat("must be a map, as in {key: value}, not ",
                               ToAbsl(KindOf(node))));
    return;
  }
  const FieldNames names(*message->GetDescriptor(), spelling_);
  absl::flat_hash_map<std::string, TextPlace> seen;
  for (const auto& entry : node) {
    std::string key;
    if (!ReadKey(entry.first, path, &seen, &key)) continue;
    const TextPlace place = PlaceOf(entry.first);
    const FieldDescriptor* field = names.Find(key);
    if (const std::string_view ours =
            FieldOfOtherName(*message->GetDescriptor(), key);
        field == nullptr && !ours.empty()) {
      seen.try_emplace(std::string(ours.substr(0, ours.find('.'))), place);
      ReadOtherName(entry.second, place, path, ours, message);
      continue;
    }
    if (field == nullptr) {
      ReadUnknown(entry.first, path, key, names);
      continue;
    }
    const std::string field_path = JoinPath(path, key);
    places_.Add(field_path, place);
    if (IsFirstOfItsOneof(*field, place, field_path, *message)) {
      ReadField(entry.second, place, field_path, *field, message);
    }
  }
}

void Reader::ReadUnknown(const YAML::Node& key_node, const std::string& path,
                         const std::string& key, const FieldNames& names) {
  const TextPlace place = PlaceOf(key_node);
  const std::string at = EntryPath(path, key.substr(0, kKeyShownMax));
  if (!path.empty() || spelling_.section.empty()) {
    problems_.Add(place, at,
                  absl::StrCat("unknown field", Suggestion(key, names.All())));
    return;
  }
  if (GatewayConfig::descriptor()->FindFieldByName(key) == nullptr) return;
  problems_.Warn(place, at,
                 absl::StrCat("is not read beside '", ToAbsl(spelling_.section),
                              "'; what can be set by a variable, as in "
                              "LLM_GATEWAY_LISTENERS_HTTP_ADDRESS, can be set "
                              "so"));
}

void Reader::ReadTarget(const YAML::Node& node, const std::string& path,
                        Target* target) {
  const std::string_view text = node.Scalar();
  const size_t slash = text.find('/');
  target->set_provider(std::string(text.substr(0, slash)));
  if (slash == std::string_view::npos) return;
  target->set_model(std::string(text.substr(slash + 1)));
  if (target->model().empty()) {
    problems_.Add(PlaceOf(node), path,
                  "names no model behind the '/'; write provider/model");
  }
}

bool Reader::IsFirstOfItsOneof(const FieldDescriptor& field, TextPlace place,
                               const std::string& path,
                               const Message& message) {
  const OneofDescriptor* oneof = field.real_containing_oneof();
  if (oneof == nullptr) return true;
  const FieldDescriptor* other =
      message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (other == nullptr) return true;
  problems_.Add(place, path,
                absl::StrCat("conflicts with '", other->name(),
                             "', which is given too; keep one"));
  return false;
}

void Reader::ReadField(const YAML::Node& node, TextPlace place,
                       const std::string& path, const FieldDescriptor& field,
                       Message* message) {
  if (!IsPlainTag(node.Tag())) {
    problems_.Add(place, path, "has a YAML tag; remove it");
  } else if (field.is_map()) {
    ReadMap(node, path, field, message);
  } else if (field.is_repeated()) {
    ReadList(node, path, field, message);
  } else {
    ReadSingular(node, place, path, field, message);
  }
}

void Reader::ReadSingular(const YAML::Node& node, TextPlace place,
                          const std::string& path, const FieldDescriptor& field,
                          Message* message) {
  if (!IsTextual(field)) {
    ReadMessage(node, path,
                message->GetReflection()->MutableMessage(message, &field));
    return;
  }
  if (!Afford(node)) return;
  if (node.IsNull() && spelling_.null_is_absent) return;
  if (node.IsNull()) {
    problems_.Add(place, path, "has no value; give one or remove the field");
    return;
  }
  if (!node.IsScalar()) {
    problems_.Add(
        place, path,
        absl::StrCat("must be a single value, not ", ToAbsl(KindOf(node))));
    return;
  }
  const absl::Status status = AssignText(node.Scalar(), field, message);
  if (!status.ok()) problems_.Add(place, path, ToStd(status.message()));
}

void Reader::ReadList(const YAML::Node& node, const std::string& path,
                      const FieldDescriptor& field, Message* message) {
  if (node.IsMap() && !KeyFieldOf(field).empty()) {
    return ReadKeyedList(node, path, field, message);
  }
  if (node.IsMap() && MayBeFlags(field)) {
    return ReadFlags(node, path, field, message);
  }
  if (!Afford(node) || node.IsNull()) return;
  if (!node.IsSequence()) {
    problems_.Add(PlaceOf(node), path,
                  absl::StrCat("must be a list, as in [first, second], not ",
                               ToAbsl(KindOf(node))));
    return;
  }
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  // Another file may have had some.
  auto index = static_cast<size_t>(reflection.FieldSize(*message, &field));
  for (const YAML::Node& element : node) {
    const std::string element_path = ElementPath(path, index++);
    const TextPlace place = PlaceOf(element);
    places_.Add(element_path, place);
    if (!IsTextual(field)) {
      ReadMessage(element, element_path,
                  reflection.AddMessage(message, &field));
    } else {
      // AssignText appends, since the field is repeated.
      ReadSingular(element, place, element_path, field, message);
    }
  }
}

void Reader::ReadMap(const YAML::Node& node, const std::string& path,
                     const FieldDescriptor& field, Message* message) {
  if (!Afford(node) || node.IsNull()) return;
  if (!node.IsMap()) {
    problems_.Add(PlaceOf(node), path,
                  absl::StrCat("must be a map, as in {key: value}, not ",
                               ToAbsl(KindOf(node))));
    return;
  }
  const Descriptor& type = *field.message_type();
  absl::flat_hash_map<std::string, TextPlace> seen;
  for (const auto& item : node) {
    std::string key;
    if (!ReadKey(item.first, path, &seen, &key)) continue;
    const std::string entry_path = EntryPath(path, key);
    const TextPlace place = PlaceOf(item.first);
    places_.Add(entry_path, place);
    Message* entry = message->GetReflection()->AddMessage(message, &field);
    const absl::Status status = AssignText(key, *type.map_key(), entry);
    if (!status.ok()) problems_.Add(place, entry_path, ToStd(status.message()));
    ReadField(item.second, place, entry_path, *type.map_value(), entry);
  }
}

void Reader::ReadKeyedList(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message* message) {
  if (!Afford(node)) return;
  const FieldDescriptor& key_field =
      *field.message_type()->FindFieldByName(std::string(KeyFieldOf(field)));
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  absl::flat_hash_map<std::string, TextPlace> seen;
  for (const auto& item : node) {
    std::string key;
    if (!ReadKey(item.first, path, &seen, &key)) continue;
    const auto index =
        static_cast<size_t>(reflection.FieldSize(*message, &field));
    const std::string element_path = ElementPath(path, index);
    const TextPlace place = PlaceOf(item.first);
    places_.Add(element_path, place);
    Message* const element = reflection.AddMessage(message, &field);
    const google::protobuf::Reflection& inner = *element->GetReflection();
    ReadMessage(item.second, element_path, element);
    if (inner.HasField(*element, &key_field)) {
      problems_.Add(place, JoinPath(element_path, key_field.name()),
                    "stands before the colon already; remove it");
    }
    inner.SetString(element, &key_field, std::move(key));
  }
}

void Reader::ReadFlags(const YAML::Node& node, const std::string& path,
                       const FieldDescriptor& field, Message* message) {
  if (!Afford(node)) return;
  absl::flat_hash_map<std::string, TextPlace> seen;
  for (const auto& item : node) {
    std::string key;
    if (!ReadKey(item.first, path, &seen, &key)) continue;
    const TextPlace place = PlaceOf(item.first);
    const std::string value =
        item.second.IsScalar() ? item.second.Scalar() : std::string();
    if (value != "true" && value != "false") {
      problems_.Add(place, EntryPath(path, key), "must be true or false");
    } else if (value == "true") {
      const google::protobuf::Reflection& reflection =
          *message->GetReflection();
      places_.Add(ElementPath(path, static_cast<size_t>(reflection.FieldSize(
                                        *message, &field))),
                  place);
      reflection.AddString(message, &field, std::move(key));
    }
  }
}

void Reader::ReadOtherName(const YAML::Node& node, TextPlace place,
                           const std::string& path, std::string_view ours,
                           Message* message) {
  std::string field_path = path;
  const std::vector<std::string> names = absl::StrSplit(ToAbsl(ours), '.');
  for (size_t i = 0;; ++i) {
    const google::protobuf::Reflection& reflection = *message->GetReflection();
    const FieldDescriptor& field =
        *message->GetDescriptor()->FindFieldByName(names[i]);
    field_path = JoinPath(field_path, field.name());
    places_.Add(field_path, place);
    if (i + 1 < names.size()) {
      message = reflection.MutableMessage(message, &field);
    } else if (!field.is_repeated() && reflection.HasField(*message, &field)) {
      return problems_.Add(place, field_path,
                           "is given under two names; keep one");
    } else {
      return ReadField(node, place, field_path, field, message);
    }
  }
}

// Returns the keys of a text's outermost map; none if it is not a map.
std::vector<std::string> RootKeys(const YAML::Node& root) {
  std::vector<std::string> keys;
  if (!root.IsMap()) return keys;
  for (const auto& entry : root) {
    if (entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
  }
  return keys;
}

// The message at a path of singular fields, such as `routing.selection`.
Message* SectionAt(std::string_view path, Message* message) {
  for (const absl::string_view name : absl::StrSplit(ToAbsl(path), '.')) {
    message = message->GetReflection()->MutableMessage(
        message, message->GetDescriptor()->FindFieldByName(std::string(name)));
  }
  return message;
}

// Reads the one document of `text`, a file of the form that it has, or, if
// `section` is not empty, what belongs there. Returns whether all of it could
// be read.
bool ReadDocument(std::string_view section, std::string_view text,
                  const std::string& source, LoadedConfig* loaded,
                  ConfigProblems* problems) {
  // A document's end is added, since the library closes a quote that is open at
  // the end of the text, but not one at the end of a document.
  const std::vector<YAML::Node> documents =
      YAML::LoadAll(absl::StrCat(ToAbsl(text), "\n...\n"));
  if (documents.empty()) return true;
  if (documents.size() > 1) {
    problems->Add(PlaceOf(documents[1].Mark(), source), "",
                  "a second document begins here; put everything into one");
  }
  const YAML::Node& root = documents[0];
  const FileForm form =
      section.empty() ? FileFormOf(RootKeys(root)) : FileForm::kOwn;
  Reader reader(SpellingOf(form), source, &loaded->places, problems);
  if (!section.empty()) {
    reader.ReadMessage(root, std::string(section),
                       SectionAt(section, &loaded->config));
  } else if (form == FileForm::kOwn) {
    reader.ReadMessage(root, "", &loaded->config);
  } else {
    const std::unique_ptr<Message> file = NewFileOf(form);
    reader.ReadMessage(root, "", file.get());
    // What was not read would seem to be missing.
    if (!reader.exhausted()) {
      Translation translation(&loaded->config, &loaded->places, problems);
      TranslateFile(form, *file, &translation);
      loaded->usual_ledger = translation.usual_ledger();
    }
  }
  return !reader.exhausted();
}

// As ReadDocument, of a text that is not trusted.
bool ReadText(std::string_view section, std::string_view text,
              const std::string& source, LoadedConfig* loaded,
              ConfigProblems* problems) {
  const TextPlace nowhere = {.source = source};
  if (text.size() > kConfigBytesLimit) {
    problems->Add(
        nowhere, "",
        absl::StrCat("the file is larger than ", kConfigBytesLimit, " bytes"));
    return false;
  }
  const size_t bad_byte = FirstBadByte(text);
  if (bad_byte < text.size()) {
    problems->Add(PlaceAt(text, bad_byte, source), "",
                  "not UTF-8 text; save the file as UTF-8");
    return false;
  }
  try {
    return ReadDocument(section, text, source, loaded, problems);
  } catch (const YAML::DeepRecursion& e) {
    problems->Add(PlaceOf(e.mark, source), "", "nested too deeply");
  } catch (const YAML::Exception& e) {
    // `msg`, unlike what(), has no place in it; it repeats no values.
    problems->Add(PlaceOf(e.mark, source), "",
                  absl::StrCat("not YAML: ", e.msg));
  } catch (const std::exception&) {
    problems->Add(nowhere, "", "not YAML that can be read");
  }
  return false;
}

}  // namespace

LoadedConfig LoadConfigText(std::string_view text, ConfigProblems* problems) {
  LoadedConfig loaded;
  loaded.complete = ReadText("", text, "", &loaded, problems);
  return loaded;
}

void AddSectionText(std::string_view section, std::string_view text,
                    const std::string& source, LoadedConfig* loaded,
                    ConfigProblems* problems) {
  const bool complete = ReadText(section, text, source, loaded, problems);
  loaded->complete = loaded->complete && complete;
}

}  // namespace gateway
