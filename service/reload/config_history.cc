#include "service/reload/config_history.h"

#include <initializer_list>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kDocument = "config.json";

// In base64, since a file's comments need not be UTF-8.
std::string Packed(const std::string& text) { return absl::Base64Escape(text); }

// The fields of an object that have not been read yet.
class FieldsToRead {
 public:
  FieldsToRead(std::initializer_list<std::string_view> names) : names_(names) {}

  // Whether `key` is one of them; from then on it is none.
  bool Take(std::string_view key) { return names_.erase(key) > 0; }
  // What is passed over unread would be lost without a word.
  static absl::Status NotOne(JsonValue& field) {
    return field.Error("is no field of this document, or stands there twice");
  }
  absl::Status End(JsonValue& object) const {
    if (names_.empty()) return absl::OkStatus();
    return object.Error(absl::StrCat("lacks `", ToAbsl(*names_.begin()), "`"));
  }

 private:
  std::set<std::string_view> names_;
};

absl::Status ReadVersion(JsonValue& value, ConfigVersion* version) {
  FieldsToRead fields = {"version",   "load_time_ms", "source",     "checksum",
                         "from_file", "applied",      "text_base64"};
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (!fields.Take(key)) return FieldsToRead::NotOne(field);
        if (key == "version") {
          GATEWAY_ASSIGN_OR_RETURN(version->number, field.Int64());
        } else if (key == "load_time_ms") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t ms, field.Int64());
          version->load_time = absl::FromUnixMillis(ms);
        } else if (key == "from_file") {
          GATEWAY_ASSIGN_OR_RETURN(version->from_file, field.Bool());
        } else if (key == "applied") {
          GATEWAY_ASSIGN_OR_RETURN(version->applied, field.Bool());
        } else if (key == "source") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          version->source = text;
        } else if (key == "checksum") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          version->checksum = text;
        } else if (key == "text_base64") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          if (!absl::Base64Unescape(ToAbsl(text), &version->text)) {
            return field.Error("expected base64");
          }
        }
        return absl::OkStatus();
      }));
  return fields.End(value);
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  const Sha256Digest digest = Sha256(bytes);
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

absl::Status ConfigHistory::Take(std::string_view document) {
  FieldsToRead fields = {"file_sha256", "versions"};
  // None where the gateway that wrote it made none yet.
  std::optional<std::string> sum;
  const auto read_versions = [this](JsonValue& value) {
    return value.EachElement([this](JsonValue& element) {
      return ReadVersion(element, &versions_.emplace_back());
    });
  };
  GATEWAY_RETURN_IF_ERROR(ReadJson(document, [&](JsonValue& root) {
    GATEWAY_RETURN_IF_ERROR(root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "sum") {
            GATEWAY_ASSIGN_OR_RETURN(sum, value.String());
            return absl::OkStatus();
          }
          if (!fields.Take(key)) return FieldsToRead::NotOne(value);
          if (key == "versions") return read_versions(value);
          GATEWAY_ASSIGN_OR_RETURN(file_sha256_, value.String());
          return absl::OkStatus();
        }));
    return fields.End(root);
  }));
  if (versions_.empty()) {
    return absl::InvalidArgumentError("versions: there is none");
  }
  if (sum.has_value() && *sum != Sum()) {
    return absl::DataLossError("sum: is of another content; it was altered");
  }
  return absl::OkStatus();
}

std::string ConfigHistory::Sum() const {
  std::string all;
  // With its length, so that nothing passes from one to the next.
  const auto add = [&all](std::string_view part) {
    absl::StrAppend(&all, part.size(), ":", ToAbsl(part));
  };
  add(file_sha256_);
  for (const ConfigVersion& version : versions_) {
    absl::StrAppend(&all, version.number, " ",
                    absl::ToUnixMillis(version.load_time), " ",
                    version.from_file, " ", version.applied, " ");
    add(version.source);
    add(version.checksum);
    add(version.text);
  }
  return Sha256Hex(all);
}

ConfigHistory ConfigHistory::Restore(StateStore& store) {
  ConfigHistory history;
  store.Restore(kDocument,
                "the versions before cannot be read; the configuration is the "
                "file's, and what operators had applied in its place is not in "
                "use",
                [&history](std::string_view document) {
                  ConfigHistory read;
                  GATEWAY_RETURN_IF_ERROR(read.Take(document));
                  history = std::move(read);
                  return absl::OkStatus();
                });
  return history;
}

absl::Status ConfigHistory::Write(StateStore& store) const {
  if (!store.is_persistent()) return absl::OkStatus();
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StringField("file_sha256", file_sha256_);
  json.StartArrayField("versions");
  for (const ConfigVersion& version : versions_) {
    json.StartObject();
    json.Int64Field("version", version.number);
    json.Int64Field("load_time_ms", absl::ToUnixMillis(version.load_time));
    json.StringField("source", version.source);
    json.StringField("checksum", version.checksum);
    json.BoolField("from_file", version.from_file);
    json.BoolField("applied", version.applied);
    json.StringField("text_base64", Packed(version.text));
    json.EndObject();
  }
  json.EndArray();
  json.StringField("sum", Sum());
  json.EndObject();
  return store.Write(kDocument, text);
}

void ConfigHistory::Add(ConfigVersion version, std::string file_sha256) {
  versions_.push_back(std::move(version));
  if (versions_.size() > kVersionsMax) versions_.erase(versions_.begin());
  file_sha256_ = std::move(file_sha256);
}

void ConfigHistory::ReplaceLast(ConfigVersion version,
                                std::string file_sha256) {
  versions_.back() = std::move(version);
  file_sha256_ = std::move(file_sha256);
}

const ConfigVersion* ConfigHistory::Find(int64_t number) const {
  for (const ConfigVersion& version : versions_) {
    if (version.number == number) return &version;
  }
  return nullptr;
}

}  // namespace gateway
