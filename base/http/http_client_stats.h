// What an HttpClient counts, to be read by those who show it.
//
//   std::shared_ptr<const HttpClientStats> stats = client.shared_stats();
//   const size_t idle = stats->idle;
//
// Thread contract: the client's loop writes, any thread reads.

#ifndef BASE_HTTP_HTTP_CLIENT_STATS_H_
#define BASE_HTTP_HTTP_CLIENT_STATS_H_

#include <atomic>
#include <cstddef>

namespace gateway {

struct HttpClientStats {
  class Count {
   public:
    operator size_t() const {  // NOLINT: it is a number.
      return value_.load(std::memory_order_relaxed);
    }

    // Called on the client's loop only.
    size_t operator++() { return Set(*this + 1); }
    size_t operator--() { return Set(*this - 1); }

   private:
    size_t Set(size_t value) {
      value_.store(value, std::memory_order_relaxed);
      return value;
    }

    std::atomic<size_t> value_ = 0;
  };

  // Connections that carry a request, or over HTTP/1.1 are opened for one, and
  // those that wait for one.
  Count active;
  Count idle;
  // Requests under way on HTTP/2 connections.
  Count streams;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP_CLIENT_STATS_H_
