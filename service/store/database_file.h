// DatabaseFile is an SQLite file as its folder shows it: its owner's alone, and
// still in its place. SQLite itself goes on in a file that was removed, whose
// content nobody will find again.
//
//   DatabaseFile file("/var/lib/llm-gateway/keys.db");
//   GATEWAY_RETURN_IF_ERROR(file.Make());
//   ... SQLite opens it, and it is one of ours ...
//   GATEWAY_RETURN_IF_ERROR(file.KeepFromOthers());
//   ... it is in WAL mode ...
//   GATEWAY_RETURN_IF_ERROR(file.Remember());
//   ... a commit ...
//   GATEWAY_RETURN_IF_ERROR(file.CheckInPlace());
//
// Errors name the file. Thread-compatible. Blocks on the file system, where
// CheckInPlace takes two microseconds.

#ifndef SERVICE_STORE_DATABASE_FILE_H_
#define SERVICE_STORE_DATABASE_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace gateway {

class DatabaseFile {
 public:
  explicit DatabaseFile(std::string path);

  // Makes the file, if it is not there, for its owner alone (0600).
  // FAILED_PRECONDITION for what is no regular file; else what the system says.
  absl::Status Make();

  // Takes it, and the files that SQLite has beside it, from others who may read
  // or write them. (Some volumes are given to a group whenever they are
  // mounted.)
  absl::Status KeepFromOthers();

  // Remembers which files are at the path, and beside it as its log.
  absl::Status Remember();

  // DATA_LOSS if they are there no more. REQUIRES: Remember.
  absl::Status CheckInPlace() const;

  const std::string& path() const { return path_; }

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  static absl::Status Identify(const std::string& path, Identity& identity);

  const std::string path_;
  const std::string log_path_;
  Identity file_;
  Identity log_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_DATABASE_FILE_H_
