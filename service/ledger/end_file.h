// EndFile is a small file beside a ledger's own that says where the ledger
// ends, and that somebody writes it: so that one whose last commits are gone -
// a log that was damaged or removed, a file that was truncated or is another -
// is not taken for one that never had them, and no two processes append to one.
//
//   GATEWAY_ASSIGN_OR_RETURN(const std::unique_ptr<EndFile> file,
//                            EndFile::Open("ledger.db.end"));
//   if (file->end().commits > last.number) ...   // Some are gone.
//   file->Write(end);                            // After each commit.
//
// It is written behind the commit, and not synced: after a loss of power it may
// name an earlier end, and a later one than the disk has only where commits do
// not wait for that. It says in which boot of the machine it was written.
//
// Thread-compatible. Blocks on the file system, where Write takes a
// microsecond.

#ifndef SERVICE_LEDGER_END_FILE_H_
#define SERVICE_LEDGER_END_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/ledger/ledger_commit.h"

namespace gateway {

class EndFile {
 public:
  // Makes the file if it is not there, and locks it as long as this lives.
  // FAILED_PRECONDITION if another has it locked; DATA_LOSS if it says no end.
  static absl::StatusOr<std::unique_ptr<EndFile>> Open(const std::string& path);

  ~EndFile();
  EndFile(const EndFile&) = delete;
  EndFile& operator=(const EndFile&) = delete;

  // What such a file says, for who only reads: nothing if it is not there.
  // Errors are those of Open, but for the lock.
  static absl::StatusOr<LedgerEnd> Peek(const std::string& path);

  // What it said when it was opened; nothing of a new one.
  const LedgerEnd& end() const { return end_; }

  // Whether the machine has started anew since that was written. False if that
  // is not known.
  bool is_of_earlier_boot() const { return is_of_earlier_boot_; }

  // What cannot be written is tried again with the next one.
  void Write(const LedgerEnd& end);

 private:
  EndFile(int fd, std::string boot) : fd_(fd), boot_(std::move(boot)) {}

  const int fd_;
  const std::string boot_;  // The present one; always as long.
  LedgerEnd end_;
  bool is_of_earlier_boot_ = false;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_END_FILE_H_
