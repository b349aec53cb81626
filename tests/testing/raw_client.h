// RawClient is a blocking TCP connection that sends exactly the bytes it is
// told to and shows exactly the bytes that came, for tests of what speaks a
// protocol on the other end. RawListener makes the same of a connection that
// somebody else opens, to play a server from a script.
//
//   RawClient client = RawClient::Connect(port);
//   client.Send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
//   const RawAnswer answer = client.ReceiveAnswer();
//   EXPECT_EQ(answer.status, 200);
//   EXPECT_TRUE(client.AtEnd());
//
// It shares no code with what it tests. Each wait for bytes lasts ten seconds
// at most; then it counts as the connection's end, and timed_out() is true.
//
// Thread contract: one thread at a time.

#ifndef TESTS_TESTING_RAW_CLIENT_H_
#define TESTS_TESTING_RAW_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

// An HTTP/1.1 answer.
struct RawAnswer {
  int status = 0;  // 0 if none came.
  std::string head;  // Status line and fields, without the empty line.
  std::string body;  // Without the chunks' own bytes.
  bool complete = false;

  // The value of a field as written, or empty.
  std::string Find(std::string_view name) const;
};

class RawClient {
 public:
  struct Options {
    int receive_buffer_bytes = 0;  // 0 for the system's choice.
    int timeout_seconds = 10;
  };

  // To 127.0.0.1. Ends the test process if nobody listens there.
  static RawClient Connect(uint16_t port);
  static RawClient Connect(uint16_t port, const Options& options);

  // Not connected.
  RawClient() = default;
  explicit RawClient(int fd) : fd_(fd) {}
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        received_(std::move(other.received_)),
        ended_(other.ended_),
        reset_(other.reset_),
        timed_out_(other.timed_out_) {}
  RawClient& operator=(RawClient&& other) noexcept;
  ~RawClient() { Close(); }

  // False if the peer is gone.
  bool Send(std::string_view bytes);

  // What comes next, at least one byte; empty at the end.
  std::string Receive();

  // Up to and with `marker`, or up to the end without it.
  std::string ReceiveUntil(std::string_view marker);

  // Exactly so many bytes, or fewer at the end.
  std::string ReceiveExactly(size_t size);

  // All that comes until the end.
  std::string ReceiveAll();

  // One answer; interim answers are answers of their own. `to_head`: the
  // request was one, so no body comes.
  RawAnswer ReceiveAnswer(bool to_head = false);

  // Waits for the end; false if bytes come first.
  bool AtEnd();

  // How the connection ended, as far as the calls above have seen.
  bool reset() const { return reset_; }
  bool timed_out() const { return timed_out_; }

  // Says that nothing more will be sent, and goes on receiving.
  void HalfClose();
  // Closes so that the peer sees a reset.
  void Reset();
  void Close();

  uint16_t local_port() const;

  // The socket, for TLS over it; it stays this object's.
  int fd() const { return fd_; }

  // TCP segments with content that have come: one for each write of the peer's,
  // over loopback, if it is of less than 64 KB.
  uint32_t segments_received() const;

 private:
  // Adds to received_; false at the end.
  bool Fill();
  bool ReceiveChunks(std::string* body);

  int fd_ = -1;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
  bool timed_out_ = false;
};

class RawListener {
 public:
  // Listens on a port of its own at 127.0.0.1.
  explicit RawListener(int backlog = 64);
  ~RawListener() { Close(); }

  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  uint16_t port() const { return port_; }

  // The next connection, or one that is at its end after ten seconds.
  RawClient Accept();

  // Whether somebody connects within the time.
  bool SomebodyConnects(int timeout_ms);

  void Close();

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

}  // namespace gateway

#endif  // TESTS_TESTING_RAW_CLIENT_H_
