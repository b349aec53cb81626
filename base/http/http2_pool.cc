#include "base/http/http2_pool.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"

namespace gateway {
namespace {

// The most streams that we open on one connection, however many the server
// allows.
constexpr uint32_t kStreamsMax = 1000;

// How many bytes the server may send of one answer that is not read.
constexpr uint32_t kStreamWindowBytes = 256 * 1024;

static_assert(uint64_t{kStreamsMax} * kStreamWindowBytes <= INT32_MAX,
              "a connection's window has no room for its streams'");

constexpr size_t kHeadBytesMax = 64 * 1024;

Http2Limits LimitsFor(const HttpDestination& destination) {
  Http2Limits limits;
  limits.concurrent_streams = kStreamsMax;
  limits.stream_window_bytes = kStreamWindowBytes;
  limits.header_list_bytes = kHeadBytesMax;
  limits.handshake_timeout = destination.timeouts.connect;
  limits.idle_timeout = destination.idle_connection_timeout;
  limits.age_max = destination.connection_age_max;
  return limits;
}

}  // namespace

Http2Pool::Link::Link(Http2Pool& pool, std::unique_ptr<Stream> stream,
                      uint64_t number)
    : pool_(pool),
      number_(number),
      session_(Http2Session::Role::kClient, std::move(stream), pool.limits_,
               *this) {}

Http2Stream* Http2Pool::Link::Start(absl::Span<const HttpField> fields,
                                    bool end, Http2StreamEvents& events) {
  Http2Stream* const stream = session_.StartRequest(fields, end, events);
  if (stream != nullptr) reused_ = true;
  CountStreams();
  return stream;
}

void Http2Pool::Link::Rest() {
  resting_ = true;
  CountStreams();
}

void Http2Pool::Link::OnAnswer() {
  if (!std::exchange(resting_, false)) return;
  pool_.OnRoom(*this);
}

void Http2Pool::Link::OnCapacity() {
  ready_ = ready_ || session_.settings_received();
  had_room_ = had_room_ || Accepts();
  CountStreams();
  pool_.OnCapacity(*this);
}

void Http2Pool::Link::OnEnded(const absl::Status& why) {
  pool_.OnEnded(*this, why);  // Destroys this link.
}

void Http2Pool::Link::CountStreams() {
  const bool busy = session_.open_streams() > 0;
  if (busy != busy_) {
    busy_ = busy;
    if (busy) {
      --pool_.stats_.idle;
      ++pool_.stats_.active;
    } else {
      --pool_.stats_.active;
      ++pool_.stats_.idle;
    }
  }
  if (busy) return;
  const size_t idle = std::count_if(
      pool_.links_.begin(), pool_.links_.end(), [](const auto& link) {
        return !link->busy_ && !link->session_.retiring();
      });
  const bool needed = pool_.first_ != nullptr;
  if (resting_ ||
      (!needed && ready_ && idle > pool_.destination_->idle_connections_max)) {
    session_.Drain();
  }
}

Http2Pool::Http2Pool(LoopResolver& names, HttpClientStats& stats,
                     const OnHttp1& on_http1,
                     std::shared_ptr<const HttpDestination> destination)
    : loop_(*EventLoop::Current()),
      names_(names),
      stats_(stats),
      on_http1_(on_http1),
      destination_(std::move(destination)),
      authority_(destination_->Authority()),
      limits_(LimitsFor(*destination_)) {}

Http2Pool::~Http2Pool() {
  assert(links_.empty() && dials_.empty() && first_ == nullptr);
}

// --- Requests.

void Http2Pool::Add(Request& request) {
  if (first_ == nullptr) {
    Link* const link = FindRoom();
    if (link != nullptr) return request.Begin(*link);
  }
  Append(request);
  OpenAsNeeded();
}

void Http2Pool::Remove(Request& request) {
  if (!request.waiting_) return;
  Unlink(request);
  if (first_ == nullptr) {
    AbandonDials(absl::CancelledError("nobody waits for the connection"));
  }
}

void Http2Pool::Append(Request& request) {
  request.waiting_ = true;
  request.previous_ = last_;
  request.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &request;
  last_ = &request;
  ++waiting_;
}

void Http2Pool::Unlink(Request& request) {
  (request.previous_ != nullptr ? request.previous_->next_ : first_) =
      request.next_;
  (request.next_ != nullptr ? request.next_->previous_ : last_) =
      request.previous_;
  request.waiting_ = false;
  --waiting_;
}

void Http2Pool::FailAll(const absl::Status& why) {
  // A request that fails may be added again at once, for a connection of
  // another kind, so only those that wait now are looked at.
  for (size_t left = waiting_; left > 0 && first_ != nullptr; --left) {
    Request& request = *first_;
    Unlink(request);
    request.OnUnreachable(why);
  }
}

// --- Connections.

void Http2Pool::OpenAsNeeded() {
  if (first_ == nullptr) return;
  const size_t needed = ConnectionsNeeded();
  const size_t open = links_.size() + dials_.size();
  const size_t allowed =
      std::max(destination_->http2_connections_max, open) - open;
  for (size_t more = std::min(needed, allowed); more > 0; --more) {
    Spawn(Open());
  }
}

size_t Http2Pool::ConnectionsNeeded() {
  size_t opening = dials_.size();
  size_t carried = 0;
  for (const std::unique_ptr<Link>& link : links_) {
    // Not counted: a link that rests carries fewer streams than it could.
    if (link->session_.retiring() || link->resting_) continue;
    if (!link->had_room_) {
      ++opening;
    } else {
      carried = std::max(carried, link->session_.open_streams());
    }
  }
  // Requests wait, so the connections that are open carry all that they can.
  if (carried > 0) streams_each_ = carried;
  // Until the first connection has shown how many it carries, only one is
  // opened.
  if (streams_each_ == 0) return opening > 0 ? 0 : 1;
  const size_t wanted = (waiting_ + streams_each_ - 1) / streams_each_;
  return wanted - std::min(wanted, opening);
}

Task<void> Http2Pool::Open() {
  HttpDial dial(names_, *destination_);
  Timer too_slow([this, &dial] {
    dial.Abandon(WaitedTooLong(HttpTimeLimit::kConnect,
                               destination_->timeouts.connect, "a connection"));
  });
  loop_.ArmTimer(too_slow, destination_->timeouts.connect);
  dials_.push_back(&dial);
  absl::StatusOr<std::unique_ptr<Stream>> stream = co_await dial.Connect();
  too_slow.Cancel();
  const auto at = std::find(dials_.begin(), dials_.end(), &dial);
  if (at == dials_.end()) {
    --abandoned_dials_;
    emptied_.Set();
    co_return;
  }
  dials_.erase(at);
  if (stream.ok()) {
    Adopt(*std::move(stream));
  } else {
    OnOpenFailed(stream.status());
  }
}

void Http2Pool::AbandonDials(const absl::Status& why) {
  abandoned_dials_ += dials_.size();
  for (HttpDial* dial : std::exchange(dials_, {})) dial->Abandon(why);
}

void Http2Pool::Adopt(std::unique_ptr<Stream> stream) {
  if (destination_->tls != nullptr && stream->alpn() != "h2") {
    if (on_http1_ != nullptr && destination_->version == HttpVersion::kAuto) {
      on_http1_(destination_, std::move(stream));
      FailAll(absl::FailedPreconditionError("the server chose HTTP/1.1"));
    } else {
      OnOpenFailed(
          absl::UnavailableError("the server does not speak HTTP/2"));
    }
    return;
  }
  links_.emplace_back(new Link(*this, std::move(stream), ++links_made_));
  ++stats_.idle;
  links_.back()->session_.Start();
}

void Http2Pool::OnOpenFailed(const absl::Status& why) {
  const bool hope =
      !dials_.empty() ||
      std::any_of(links_.begin(), links_.end(),
                  [](const auto& link) { return link->MayAccept(); });
  if (!hope) FailAll(why);
}

Http2Pool::Link* Http2Pool::FindRoom() {
  while (!roomy_.empty() && !roomy_.back()->Accepts()) {
    roomy_.back()->roomy_ = false;
    roomy_.pop_back();
  }
  return roomy_.empty() ? nullptr : roomy_.back();
}

void Http2Pool::OnRoom(Link& link) {
  if (link.roomy_ || !link.Accepts()) return;
  link.roomy_ = true;
  roomy_.insert(std::partition_point(roomy_.begin(), roomy_.end(),
                                     [&link](const Link* other) {
                                       return other->number_ > link.number_;
                                     }),
                &link);
}

void Http2Pool::OnCapacity(Link& link) {
  while (first_ != nullptr && link.Accepts()) {
    Request& request = *first_;
    Unlink(request);
    request.Begin(link);
  }
  OnRoom(link);
  OpenAsNeeded();
}

void Http2Pool::OnEnded(Link& link, absl::Status why) {
  // One that would never take a request is a failed opening, too: another would
  // fare no better, and so on without a pause.
  const bool had_room = link.had_room_;
  const bool was_ready = link.ready_;
  --(link.busy_ ? stats_.active : stats_.idle);
  if (link.roomy_) roomy_.erase(std::find(roomy_.begin(), roomy_.end(), &link));
  links_.erase(std::find_if(
      links_.begin(), links_.end(),
      [&link](const auto& other) { return other.get() == &link; }));
  if (had_room) {
    OpenAsNeeded();
  } else if (absl::IsDeadlineExceeded(why)) {
    OnOpenFailed(why);
  } else {
    OnOpenFailed(absl::UnavailableError(
        why.ok() || was_ready
            ? "the server closed the connection before it was used"
            : absl::StrCat("the server does not speak HTTP/2: ",
                           why.message())));
  }
  emptied_.Set();
}

bool Http2Pool::busy() const {
  return first_ != nullptr ||
         std::any_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->busy_; });
}

Task<void> Http2Pool::Close() {
  assert(first_ == nullptr);
  AbandonDials(absl::CancelledError("the client is closed"));
  for (const std::unique_ptr<Link>& link : links_) {
    link->session_.Drain();
    link->session_.Close(absl::OkStatus());
  }
  while (!links_.empty() || abandoned_dials_ > 0) co_await emptied_.Wait();
}

}  // namespace gateway
