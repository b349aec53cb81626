#include "base/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// What mkostemp() makes of the end of a draft's name.
constexpr char kDraftEnd[] = ".XXXXXX";

absl::Status StatusOfErrno(const char* what) {
  return absl::ErrnoToStatus(errno, what);
}

// What is there instead of a regular file.
const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

absl::Status WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return StatusOfErrno("cannot write the file");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Makes a rename within the folder of `path` outlast a crash.
absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  std::string folder = ".";
  if (slash != std::string::npos) folder = path.substr(0, slash + 1);
  const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return StatusOfErrno("cannot open the file's folder");
  // EINVAL: the file system has no such thing, and nothing to be done.
  const bool synced = fsync(opened) == 0 || errno == EINVAL;
  const absl::Status status =
      synced ? absl::OkStatus() : StatusOfErrno("cannot write the folder");
  close(opened);
  return status;
}

// Where a file's former content is once another is in its place.
enum class Former { kNone, kAtDraft, kGone };

absl::Status CannotReplace() {
  return StatusOfErrno("cannot replace the file");
}

// Gives what is at `draft` the name `path`, and what was there, the other,
// where the file system can.
absl::StatusOr<Former> PutInPlace(const std::string& draft,
                                  const std::string& path) {
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0) {
    if (errno != ENOENT) return CannotReplace();
    if (rename(draft.c_str(), path.c_str()) != 0) return CannotReplace();
    return Former::kNone;
  }
  if (S_ISDIR(facts.st_mode)) {
    errno = EISDIR;
    return CannotReplace();
  }
  if (renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(),
                RENAME_EXCHANGE) == 0) {
    return Former::kAtDraft;
  }
  // Not every file system has that; whatever else is wrong, rename() says too.
  if (rename(draft.c_str(), path.c_str()) != 0) return CannotReplace();
  return Former::kGone;
}

bool PutBack(Former former, const std::string& draft, const std::string& path) {
  switch (former) {
    case Former::kNone:
      return unlink(path.c_str()) == 0;
    case Former::kAtDraft:
      return rename(draft.c_str(), path.c_str()) == 0;
    case Former::kGone:
      return false;
  }
  return false;
}

// What has become of a file is not on the disk, as `why` says: its former
// content is put in its place again.
absl::Status TakeBack(Former former, const std::string& draft,
                      const std::string& path, const absl::Status& why) {
  if (!PutBack(former, draft, path)) {
    return absl::DataLossError(absl::StrCat(
        why.message(),
        "; the new content is in its place, and may be lost with the machine"));
  }
  // That has changed the folder anew: this is no repetition of the sync that
  // has failed, and writes the names as they are now.
  if (SyncFolderOf(path).ok()) return why;
  return absl::AbortedError(absl::StrCat(
      why.message(),
      "; the former content is in its place, and if the machine loses power, "
      "the new one may be found there"));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     size_t bytes_limit) {
  const int file =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return StatusOfErrno("cannot open the file");
  const auto close_file = absl::MakeCleanup([file] { close(file); });

  struct stat facts;
  if (fstat(file, &facts) != 0) return StatusOfErrno("cannot look at the file");
  if (!S_ISREG(facts.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is ", KindOf(facts.st_mode), "; give a regular file"));
  }

  std::string bytes;
  std::array<char, 16 * 1024> piece;
  while (true) {
    const ssize_t got = read(file, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return StatusOfErrno("cannot read the file");
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > bytes_limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the file is larger than ", bytes_limit, " bytes"));
    }
    bytes.append(piece.data(), static_cast<size_t>(got));
  }
}

absl::Status ReplaceFile(const std::string& path, std::string_view bytes,
                         FileReaders readers) {
  // The draft lies beside the file, since a rename is atomic only within one
  // file system.
  std::string draft = absl::StrCat(path, kDraftEnd);
  const int file = mkostemp(draft.data(), O_CLOEXEC);
  if (file < 0) return StatusOfErrno("cannot write beside the file");
  absl::Status status = WriteAll(file, bytes);
  const mode_t mode = readers == FileReaders::kEverybody ? 0644 : 0600;
  if (status.ok() && fchmod(file, mode) != 0) {
    status = StatusOfErrno("cannot set the file's mode");
  }
  if (status.ok() && fsync(file) != 0) {
    status = StatusOfErrno("cannot write the file");
  }
  close(file);
  absl::StatusOr<Former> former = Former::kNone;
  if (status.ok()) {
    former = PutInPlace(draft, path);
    status = former.status();
  }
  if (!status.ok()) {
    unlink(draft.c_str());
    return status;
  }
  status = SyncFolderOf(path);
  if (!status.ok()) return TakeBack(*former, draft, path, status);
  if (*former == Former::kAtDraft) unlink(draft.c_str());
  return status;
}

absl::Status RemoveFile(const std::string& path) {
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? absl::OkStatus()
                           : StatusOfErrno("cannot look at the file");
  }
  std::string draft = absl::StrCat(path, kDraftEnd);
  const int file = mkostemp(draft.data(), O_CLOEXEC);
  if (file < 0) return StatusOfErrno("cannot write beside the file");
  close(file);
  if (rename(path.c_str(), draft.c_str()) != 0) {
    const absl::Status status = StatusOfErrno("cannot remove the file");
    unlink(draft.c_str());
    return status;
  }
  const absl::Status synced = SyncFolderOf(path);
  if (!synced.ok()) return TakeBack(Former::kAtDraft, draft, path, synced);
  unlink(draft.c_str());
  return synced;
}

bool IsDraftName(std::string_view name) {
  constexpr size_t kEndBytes = sizeof(kDraftEnd) - 1;
  if (name.size() <= kEndBytes) return false;
  name.remove_prefix(name.size() - kEndBytes);
  return name[0] == kDraftEnd[0] &&
         std::all_of(name.begin() + 1, name.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c); });
}

}  // namespace gateway
