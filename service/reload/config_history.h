// ConfigHistory keeps the configurations that were in use, the last few with
// their texts, so that an operator can go back to one, and keeps them in the
// state folder, so that what he applied outlasts the process.
//
//   ConfigHistory history = ConfigHistory::Restore(store);
//   history.Add(version, file_sha256);
//   GATEWAY_RETURN_IF_ERROR(history.Write(store));
//
// The document has a sum of all that it says, so that one that was altered is
// told from the one that was written.
//
// Thread-compatible. Reading and writing block on the file system.

#ifndef SERVICE_RELOAD_CONFIG_HISTORY_H_
#define SERVICE_RELOAD_CONFIG_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/state/state_store.h"

namespace gateway {

// Returns the SHA-256 of `bytes` in hexadecimal.
std::string Sha256Hex(std::string_view bytes);

// A configuration that is or was in use.
struct ConfigVersion {
  int64_t number = 0;
  std::string etag;  // Of this process; empty for one of another.
  std::string checksum;
  // The file's path, or `applied by ` and an operator's name.
  std::string source;
  absl::Time load_time;
  std::string text;
  // The text is the file's, as it is or once was: it may name what it likes.
  bool from_file = true;
  // It is in use in place of the file.
  bool applied = false;
};

class ConfigHistory {
 public:
  // The oldest go first.
  static constexpr size_t kVersionsMax = 10;

  // Empty if there is none, or only a damaged one (StateStore::Restore).
  static ConfigHistory Restore(StateStore& store);
  absl::Status Write(StateStore& store) const;

  // Adds the one that comes into use. `file_sha256` is the SHA-256 of the file,
  // in hexadecimal, as it is then.
  void Add(ConfigVersion version, std::string file_sha256);

  // The same for the last one, whose text or file has changed in nothing that
  // counts. REQUIRES: there is one.
  void ReplaceLast(ConfigVersion version, std::string file_sha256);

  // The oldest first; the last is in use.
  const std::vector<ConfigVersion>& versions() const { return versions_; }
  // Null if it is not among them.
  const ConfigVersion* Find(int64_t number) const;
  // The file, when the last version came into use.
  const std::string& file_sha256() const { return file_sha256_; }

 private:
  // Fails for all that Write does not write.
  absl::Status Take(std::string_view document);
  // The SHA-256 of all that is kept, in hexadecimal.
  std::string Sum() const;

  std::vector<ConfigVersion> versions_;
  std::string file_sha256_;
};

}  // namespace gateway

#endif  // SERVICE_RELOAD_CONFIG_HISTORY_H_
