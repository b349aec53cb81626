// DatabaseFile is an SQLite file as its folder shows it: its owner's alone, and
// still in its place. SQLite itself goes on in a file that was removed, whose
// content nobody will find again.
//
//   DatabaseFile file("/var/lib/llm-gateway/keys.db");
//   GATEWAY_RETURN_IF_ERROR(file.Make());
//   GATEWAY_RETURN_IF_ERROR(file.Take());  // If it is for one process.
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
  DatabaseFile(DatabaseFile&& other) noexcept;
  ~DatabaseFile();

  // Makes the file, if it is not there, for its owner alone (0600).
  // FAILED_PRECONDITION for what is no regular file, and for one that has
  // several names, by links or since it is mounted by itself: its log is found
  // beside one of them only. Else what the system says.
  absl::Status Make();

  // Locks the file itself, by whatever name or mount it was found, as long as
  // this lives. FAILED_PRECONDITION if another process has. SQLite's own locks
  // are left alone, which are let go of when the process closes the file: so
  // this is called before SQLite opens it, and outlives what does. REQUIRES:
  // Make.
  absl::Status Take();

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
  int lock_ = -1;  // The descriptor that holds the lock.
  Identity file_;
  Identity log_;
};

}  // namespace gateway

#endif  // SERVICE_STORE_DATABASE_FILE_H_
