// StateStore keeps small documents of the gateway's own in one folder, such as
// a configuration that an operator has applied, so that they outlast the
// process. Whoever keeps something has a document of its own, which it writes
// whole and whose form is its own affair.
//
//   GATEWAY_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store,
//                            StateStore::Open("/var/lib/llm-gateway"));
//   GATEWAY_ASSIGN_OR_RETURN(const std::optional<std::string> text,
//                            store->Read("node_overrides.json"));
//   if (text.has_value()) ...  // Nothing was kept before.
//
// At the start a document is read. An rpc that changes it answers once it is on
// disk, and so writes it on a BlockingWorker:
//
//   co_await worker.Run([&store, bytes] {
//     return store.Write("node_overrides.json", bytes);
//   }, call.cancel());
//
// What a call changes, on its event loop, is written soon after:
//
//   store.WriteSoon("disabled_models.json", bytes);
//
// A document is replaced in one step: after a crash the old one is there or the
// new one, whole. The folder is its owner's alone, and so are the files. One
// process has it at a time, for it holds a lock on `.lock` in it, which the
// kernel lets go of however the process ends.
//
// Without a folder there is a store all the same, which keeps nothing, so that
// nobody needs to ask whether there is one:
//
//   StateStore forgetful;
//
// Thread contract: thread-safe. All but WriteSoon block on the file system: not
// for event loops.

#ifndef SERVICE_STATE_STATE_STORE_H_
#define SERVICE_STATE_STATE_STORE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"

namespace gateway {

// The largest document.
inline constexpr size_t kStateDocumentBytesLimit = size_t{16} * 1024 * 1024;

class StateStore {
 public:
  // Makes the folder if only that is missing. FAILED_PRECONDITION if another
  // process has it; the message names the folder.
  static absl::StatusOr<std::unique_ptr<StateStore>> Open(
      const std::string& folder);

  // Keeps nothing.
  StateStore() = default;
  // Writes what WriteSoon has been given.
  ~StateStore();

  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // False if nothing is kept.
  bool is_persistent() const { return lock_ >= 0; }
  // Empty if nothing is kept.
  const std::string& folder() const { return folder_; }

  // Below, `name` is 1 to 64 of lower-case letters, digits and '-_.', and does
  // not begin with '.'. Errors name the file.

  // Returns nothing if there is no such document.
  absl::StatusOr<std::optional<std::string>> Read(std::string_view name) const;

  // Puts `bytes` in place of the document; it is on disk when this returns.
  // RESOURCE_EXHAUSTED for more than kStateDocumentBytesLimit.
  absl::Status Write(std::string_view name, std::string_view bytes)
      LOCKS_EXCLUDED(disk_, mu_);

  // The same, on a thread of the store's own. Of several in short order the
  // last is written. That it failed is told by a line of the log.
  void WriteSoon(std::string_view name, std::string bytes) LOCKS_EXCLUDED(mu_);

  // Removes the document; OK if there is none.
  absl::Status Remove(std::string_view name) LOCKS_EXCLUDED(disk_, mu_);

 private:
  StateStore(std::string folder, int lock);

  std::string PathOf(std::string_view name) const;
  // Forgets what WriteSoon was given for `name`, since it is older.
  void Supersede(std::string_view name) LOCKS_EXCLUDED(mu_);
  void WriteWhatComes() LOCKS_EXCLUDED(disk_, mu_);
  // Writes one document of those that wait; false if there is none.
  bool WriteNext() LOCKS_EXCLUDED(disk_, mu_);

  const std::string folder_;
  const int lock_ = -1;  // Descriptor of the lock file; -1 without a folder.

  Mutex disk_;  // Held while a document is replaced. Taken before `mu_`.
  Mutex mu_;
  CondVar changed_;
  std::map<std::string, std::string, std::less<>> waiting_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  Thread writer_;  // Declared last, since it uses all of the above.
};

}  // namespace gateway

#endif  // SERVICE_STATE_STATE_STORE_H_
