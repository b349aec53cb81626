// PidFile is how programs on the same machine find a running gateway, whose
// ports may be of the system's choice.
//
// The gateway owns its file from before it listens until it drains:
//
//   GATEWAY_ASSIGN_OR_RETURN(auto file, PidFile::Claim("/run/gateway.pid"));
//   ... open the listeners ...
//   GATEWAY_RETURN_IF_ERROR(file->Publish(record));
//   ... drain ...
//   file.reset();
//
// and others look into it:
//
//   absl::StatusOr<PidRecord> found = FindGateway("/run/gateway.pid");
//
// Two gateways never own one file: the owner holds a lock on `<path>.lock`,
// which the kernel lets go of however the owner ends. A file whose process has
// ended is stale: readers say so, and the next owner replaces it. The file is
// replaced in one step, and what was in it stays in `<path>.bak`, for people
// to look at.
//
// One thread at a time. Blocks on the file system: not for event loops.

#ifndef SERVICE_DISCOVERY_PID_FILE_H_
#define SERVICE_DISCOVERY_PID_FILE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/process/process_identity.h"
#include "service/discovery/pid_record.h"

namespace gateway {

class PidFile {
 public:
  // Takes the file for this process; makes its folder if only that is missing.
  // ALREADY_EXISTS if a running gateway owns the file. Its content stays until
  // Publish.
  static absl::StatusOr<std::unique_ptr<PidFile>> Claim(
      const std::string& path);

  // Removes the file, if it still is what was published, and gives up the lock.
  ~PidFile();

  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  // Writes the record; the previous content becomes the backup. REQUIRES:
  // `record` is of this process.
  absl::Status Publish(const PidRecord& record);

 private:
  PidFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  const std::string path_;
  const int lock_;  // Descriptor of the lock file.
  std::optional<ProcessIdentity> published_;
};

// Returns the record of the gateway that owns the file at `path`. Messages name
// the path. NOT_FOUND if there is no file, UNAVAILABLE if its process has
// ended, INVALID_ARGUMENT if it is not a PID file.
absl::StatusOr<PidRecord> FindGateway(const std::string& path);

}  // namespace gateway

#endif  // SERVICE_DISCOVERY_PID_FILE_H_
