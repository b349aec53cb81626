#include "base/http/http2_linger.h"

#include <algorithm>
#include <utility>

#include "base/memory/block_pool.h"

namespace gateway {
namespace {

constexpr absl::Duration kSilenceMax = absl::Seconds(1);

}  // namespace

Http2Linger::Http2Linger(Stream& stream, absl::Duration in_all,
                         std::function<void()> on_over)
    : loop_(*EventLoop::Current()),
      stream_(stream),
      until_(loop_.Now() + in_all),
      on_over_(std::move(on_over)),
      timer_([this] { End(); }) {}

Http2Linger::~Http2Linger() { stream_.SetObserver(nullptr); }

void Http2Linger::Begin() {
  stream_.SetObserver(this);
  Wait();
  OnUnawaited(stream_.hung_up());
}

void Http2Linger::OnUnawaited(bool) {
  if (over_) return;
  const Block block = loop_.blocks().Take();
  while (stream_.readable()) {
    const IoResult got = stream_.TryRead(block.data(), Block::capacity());
    if (got.would_block()) return;
    bytes_ += got.bytes;
    if (got.kind != IoResult::Kind::kBytes || bytes_ > kBytesMax) return End();
    Wait();
  }
}

void Http2Linger::Wait() {
  loop_.ArmTimer(timer_, std::min(kSilenceMax, until_ - loop_.Now()));
}

void Http2Linger::End() {
  if (over_) return;
  over_ = true;
  timer_.Cancel();
  on_over_();
}

}  // namespace gateway
