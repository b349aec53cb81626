// Epochs keeps what has been retired as long as somebody may still use it who
// found it before: until all are gone who came before it was retired.
//
//   Epochs epochs;
//   const std::shared_ptr<const void> stay = epochs.Enter();
//   Thing* thing = Find();                // Lives at least as long as `stay`.
//   ...
//   epochs.Retire(TakeThingAway());       // Nobody finds it from now on.
//
// So whoever uses things pays once for all of them, when he comes, and neither
// takes a lock nor counts references when he finds one.
//
// Thread-safe. What has been retired is destroyed on the thread of the last who
// goes, or in Retire.

#ifndef SERVICE_RESILIENCE_EPOCHS_H_
#define SERVICE_RESILIENCE_EPOCHS_H_

#include <deque>
#include <memory>
#include <utility>

#include "base/os/mutex.h"

namespace gateway {

class Epochs {
 public:
  Epochs() : shared_(std::make_shared<Shared>()) {}
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  // What is retired from now on is kept as long as the result, which may
  // outlive this object. Never null.
  std::shared_ptr<const void> Enter();

  // Keeps it for those who have entered so far; it may be null.
  void Retire(std::shared_ptr<const void> retired);

 private:
  // The time from what was retired before to `retired`.
  struct Epoch {
    // Of those who have entered in it.
    std::weak_ptr<const void> stay;
    // Those that are not gone. The pointer alone would tell that they are, but
    // not that what they did is over for whoever sees it.
    int stays = 0;
    std::shared_ptr<const void> retired;
  };

  struct Shared {
    // Destroys what nobody can use any more; `left`, if it is not null, is
    // where a stay has ended.
    void Collect(Epoch* left) LOCKS_EXCLUDED(mu);

    Mutex mu;
    // The last one is under way.
    std::deque<Epoch> epochs GUARDED_BY(mu) = std::deque<Epoch>(1);
  };

  // What those have in common who enter in one epoch.
  struct Stay {
    Stay(std::shared_ptr<Shared> shared, Epoch* epoch)
        : shared(std::move(shared)), epoch(epoch) {}
    ~Stay() { shared->Collect(epoch); }

    const std::shared_ptr<Shared> shared;
    Epoch* const epoch;
  };

  const std::shared_ptr<Shared> shared_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_EPOCHS_H_
