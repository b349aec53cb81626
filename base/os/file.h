// Reads and writes small files whole, such as configurations and keys.
//
//   absl::StatusOr<std::string> text = ReadFile("gateway.yaml", 1 << 20);
//   absl::Status status = ReplaceFile("gateway.pid", record);
//
// Thread-safe. Blocks: for start-up and a BlockingWorker, never on an event
// loop.

#ifndef BASE_OS_FILE_H_
#define BASE_OS_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// Reads the whole file, which may be at the end of links. Returns kNotFound or
// kPermissionDenied as the system says, kFailedPrecondition for what is no
// regular file, such as a pipe, whose writer would decide how long this takes,
// and kResourceExhausted for a file larger than `bytes_limit`. The message says
// what is wrong, without the path.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     size_t bytes_limit);

// Who may read a file, besides its owner, who may write it as well.
enum class FileReaders { kEverybody, kOwner };

// Makes `bytes` the content of the file in one step, so that whoever reads it
// sees the old content or the new one, whole, even after a crash; the new one,
// if OK was returned before. If it fails, the old one is in its place, on the
// disk too, but for these, in which the disk has failed in the last step:
//
// * ABORTED: the old one is in its place, and if the machine loses power,
//   either may be found there.
// * DATA_LOSS: the new one is in its place, and may be lost with the machine's
//   power: the old one could not be put back.
//
// The message says what is wrong, without the path.
absl::Status ReplaceFile(const std::string& path, std::string_view bytes,
                         FileReaders readers = FileReaders::kEverybody);

// Removes the file in one step; OK if there is none. Fails as ReplaceFile does,
// the new content being none.
absl::Status RemoveFile(const std::string& path);

// Whether `name`, without its folder, is that of a draft: what ReplaceFile
// writes before there is something to see, and what it or RemoveFile keeps of
// the former content until nobody needs it. One that is there while nobody
// replaces or removes the file was left by a process that was killed. No file
// of theirs may have such a name.
bool IsDraftName(std::string_view name);

}  // namespace gateway

#endif  // BASE_OS_FILE_H_
