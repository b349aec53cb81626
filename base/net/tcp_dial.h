// TcpDial connects to whichever of a host's addresses answers first, as RFC
// 8305 ("happy eyeballs") has it: families take turns, the next address is
// tried beside the ones before as soon as those have failed or kept silent for
// 250 ms, and the first connection ends the others. So an address that nobody
// answers at costs a quarter of a second, and not the time-out of the call.
//
//   TcpDial dial(names);
//   absl::StatusOr<std::unique_ptr<Stream>> stream =
//       co_await dial.Connect(std::move(addresses), 443);
//
// It knows no timeout: whoever waits decides how long, and calls Abandon.
//
// Thread contract: one event loop.

#ifndef BASE_NET_TCP_DIAL_H_
#define BASE_NET_TCP_DIAL_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/net/resolver.h"
#include "base/net/stream.h"

namespace gateway {

class TcpDial {
 public:
  // How long an address may be silent before the next is tried beside it.
  static constexpr absl::Duration kStagger = absl::Milliseconds(250);

  // Borrows `names`, which is told which addresses answered and which did not.
  explicit TcpDial(LoopResolver& names);
  ~TcpDial();

  TcpDial(const TcpDial&) = delete;
  TcpDial& operator=(const TcpDial&) = delete;

  // Connects to the first address that answers. UNAVAILABLE, with the last
  // error, if none does; CANCELLED after Abandon. May be called once.
  Task<absl::StatusOr<std::unique_ptr<Stream>>> Connect(IpAddresses addresses,
                                                        uint16_t port);

  // Closes all connections that are being opened, so that Connect returns soon.
  void Abandon();

 private:
  struct Race;
  static Task<void> Attempt(Race& race, IpAddress address, uint16_t port);

  // Tells the resolver which addresses did not answer, and which did.
  void OnOutcome();

  LoopResolver& names_;
  const std::unique_ptr<Race> race_;
};

}  // namespace gateway

#endif  // BASE_NET_TCP_DIAL_H_
