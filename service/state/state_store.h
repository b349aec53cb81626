// StateStore keeps small documents of the gateway's own in one folder, such as
// a configuration that an operator has applied, so that they outlast the
// process. Whoever keeps something has a document of its own, which it writes
// whole and whose form is its own affair.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store,
//                            StateStore::Open("/var/lib/llm-gateway"));
//   store->Restore("node_overrides.json", "No node has an override",
//                  [&](std::string_view bytes) { return Take(bytes); });
//
// At the start a document is read. One that is damaged keeps nothing from
// starting: it is set aside under another name, for whoever looks at it later,
// and told until it is removed. An rpc that changes it answers once it is on
// disk, and so writes it on a BlockingWorker:
//
//   co_await worker.Run([&store, bytes] {
//     return store.Write("node_overrides.json", bytes);
//   }, call.cancel());
//
// What a call changes, on its event loop, is written soon after:
//
//   store.WriteSoon("disabled_models.json", [&] { return WhatIsDisabled(); });
//
// A document is replaced in one step: after a crash the old one is there or the
// new one, whole; a draft of it that was left then is removed by the next
// process. The folder is its owner's alone, and so are the files. One
// process has it at a time, for it holds a lock on `.lock` in it, which the
// kernel lets go of however the process ends.
//
// Without a folder there is a store all the same, which keeps nothing, so that
// nobody needs to ask whether there is one:
//
//   StateStore forgetful;
//
// Thread contract: thread-safe. All but WriteSoon and damaged() block on the
// file system: not for event loops.

#ifndef SERVICE_STATE_STATE_STORE_H_
#define SERVICE_STATE_STATE_STORE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

// The largest document.
inline constexpr size_t kStateDocumentBytesLimit = size_t{16} * 1024 * 1024;

// So many documents that were set aside are told.
inline constexpr size_t kDamagedMax = 100;

class StateStore {
 public:
  // Makes the folder if only that is missing. FAILED_PRECONDITION if another
  // process has it; the message names the folder.
  static absl::StatusOr<std::unique_ptr<StateStore>> Open(
      const std::string& folder);

  // Keeps nothing.
  StateStore() = default;
  // Closes it, and lets go of the folder.
  ~StateStore();

  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // False if nothing is kept.
  bool is_persistent() const { return lock_ >= 0; }
  // Empty if nothing is kept.
  const std::string& folder() const { return folder_; }

  // Below, `name` is 1 to 64 of lower-case letters, digits and '-_.', does not
  // begin with '.' and is none of a draft (IsDraftName). Errors name the file.

  // Returns nothing if there is no such document.
  absl::StatusOr<std::optional<std::string>> Read(std::string_view name) const;

  // Has `take` take the document, if there is one. Where it cannot be read, or
  // `take` says that it is not what was written, it is renamed to
  // NAME.damaged-TIME, which damaged() has from then on, and a line of the log
  // says so, with `otherwise`, a sentence: what is so without it.
  void Restore(std::string_view name, std::string_view otherwise,
               const std::function<absl::Status(std::string_view)>& take)
      LOCKS_EXCLUDED(disk_, mu_);

  // The paths of documents that were set aside, by this process or by one
  // before it, and were not removed when FindDamaged looked last; Open does,
  // too. Does not block. At most kDamagedMax.
  std::vector<std::string> damaged() const LOCKS_EXCLUDED(mu_);
  void FindDamaged() LOCKS_EXCLUDED(mu_);

  // Puts `bytes` in place of the document; it is on disk when this returns OK.
  // If it fails, the document is as it was, for the next start too; ABORTED if
  // that is not so should the machine lose power. (Where the disk fails in the
  // last step and what was there cannot be put back, as on a file system that
  // has become read-only, `bytes` are what the next start finds: then OK is
  // returned, and a line of the log says that they may be lost with the
  // machine.) RESOURCE_EXHAUSTED for more than kStateDocumentBytesLimit.
  absl::Status Write(std::string_view name, std::string_view bytes)
      LOCKS_EXCLUDED(disk_, mu_);

  // Writes what `make` returns, and once it is on disk runs `then`, which puts
  // into force what it says. Nobody else writes between the two.
  absl::Status WriteThen(std::string_view name,
                         const std::function<std::string()>& make,
                         const std::function<void()>& then)
      LOCKS_EXCLUDED(disk_, mu_, force_);

  // Runs `change`, which puts into force what somebody has said, or looks what
  // is in force and goes by it; nobody else does so meanwhile who asks here.
  // Also where nothing is kept. `change` does not block.
  void PutIntoForce(const std::function<void()>& change) LOCKS_EXCLUDED(force_);

  // As Write does with what `make` returns, on a thread of the store's own. Of
  // several in short order the last is written. That it failed is told by a
  // line of the log. What `make` uses outlives the store, or is its own.
  void WriteSoon(std::string_view name, std::function<std::string()> make)
      LOCKS_EXCLUDED(mu_);

  // Does so each `interval`, and once more when it is closed, for what
  // changes all the time and may be some time old after a crash. An empty
  // document is not written. REQUIRES: interval > 0.
  void WriteEvery(std::string_view name, absl::Duration interval,
                  std::function<std::string()> make) LOCKS_EXCLUDED(mu_);

  // Writes what WriteSoon and WriteEvery have been given, for the last time: of
  // what they are given from here on nothing is written. Called by one thread.
  void Close() LOCKS_EXCLUDED(mu_);

  // Removes the document; OK if there is none. Fails as Write does.
  absl::Status Remove(std::string_view name) LOCKS_EXCLUDED(disk_, mu_);

 private:
  // What is written again and again.
  struct Recurring {
    std::string name;
    absl::Duration interval;
    std::function<std::string()> make;
    absl::Duration due;  // Steady.
  };

  StateStore(std::string folder, int lock);

  std::string PathOf(std::string_view name) const;
  absl::Status WriteUnderLock(std::string_view name, std::string_view bytes)
      EXCLUSIVE_LOCKS_REQUIRED(disk_);
  void SetAside(std::string_view name, std::string_view otherwise,
                const absl::Status& why) LOCKS_EXCLUDED(disk_, mu_);
  // Forgets what WriteSoon was given for `name`, since it is older.
  void Supersede(std::string_view name) LOCKS_EXCLUDED(mu_);
  // Adds to what waits what is due, or all of it for the last time. Returns how
  // long it is until the next.
  absl::Duration TakeDue(bool last_time) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WriteWhatComes() LOCKS_EXCLUDED(disk_, mu_);
  // Writes one document of those that wait; false if there is none.
  bool WriteNext() LOCKS_EXCLUDED(disk_, mu_);

  const std::string folder_;
  const int lock_ = -1;  // Descriptor of the lock file; -1 without a folder.

  Mutex disk_;  // Held while a document is replaced. Taken before the others.
  Mutex force_;
  mutable Mutex mu_;
  CondVar changed_;
  std::map<std::string, std::function<std::string()>, std::less<>> waiting_
      GUARDED_BY(mu_);
  std::vector<Recurring> recurring_ GUARDED_BY(mu_);
  std::vector<std::string> damaged_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  Thread writer_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_STATE_STATE_STORE_H_
