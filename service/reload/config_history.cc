#include "service/reload/config_history.h"

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kDocument = "config.json";

// In base64, since a file's comments need not be UTF-8.
std::string Packed(const std::string& text) { return absl::Base64Escape(text); }

absl::Status ReadVersion(JsonValue& value, ConfigVersion* version) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
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
      });
}

}  // namespace

absl::Status ConfigHistory::Take(std::string_view document) {
  return ReadJson(document, [this](JsonValue& root) {
    return root.EachField([this](std::string_view key,
                                 JsonValue& value) -> absl::Status {
      if (key == "file_sha256") {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        file_sha256_ = text;
      } else if (key == "versions") {
        return value.EachElement([this](JsonValue& element) {
          return ReadVersion(element, &versions_.emplace_back());
        });
      }
      return absl::OkStatus();
    });
  });
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
