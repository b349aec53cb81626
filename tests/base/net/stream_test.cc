#include "base/net/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/net/listener.h"
#include "base/net/tls_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_certificates.h"
#include "tests/testing/test_tls.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

const TestCertificates& Certificates() {
  static const TestCertificates certificates;
  return certificates;
}

// Two ends of one connection, both on the loop of the test.
struct Ends {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

std::unique_ptr<Stream> BeginConnect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int connected =
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  EXPECT_TRUE(connected == 0 || errno == EINPROGRESS);
  return *Stream::Adopt(fd);
}

Task<void> StartServerTls(Stream* stream, const TlsContext* tls,
                          absl::Status* status, WakeUp* done) {
  const std::string nobody;
  *status = co_await stream->StartTls(*tls, nobody);
  done->Set();
}

Task<Ends> Connect(bool tls) {
  Ends ends;
  WakeUp accepted;
  const ListenAddress address = *BindAddress("127.0.0.1:0");
  const auto listener =
      Listener::Open(address, [&](std::unique_ptr<Stream> stream) {
        ends.server = std::move(stream);
        accepted.Set();
      });
  ends.client = BeginConnect(address.port());
  const absl::Status connected = co_await ends.client->Connected();
  EXPECT_TRUE(connected.ok()) << connected;
  co_await accepted.Wait();
  if (tls) {
    const auto server_tls = ServerTls(Certificates().good());
    const auto client_tls = ClientTls(Certificates());
    absl::Status server_status;
    WakeUp done;
    Spawn(StartServerTls(ends.server.get(), server_tls.get(), &server_status,
                         &done));
    const std::string name = "localhost";
    const absl::Status status =
        co_await ends.client->StartTls(*client_tls, name);
    EXPECT_TRUE(status.ok()) << status;
    co_await done.Wait();
    EXPECT_TRUE(server_status.ok()) << server_status;
  }
  co_return std::move(ends);
}

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

Task<absl::Status> WriteText(Stream& stream, std::string_view text) {
  iovec piece = ToIovec(text);
  co_return co_await stream.Write(&piece, 1);
}

// Reads `size` bytes, or what there is up to the end or an error.
Task<std::string> ReadText(Stream& stream, size_t size, size_t step = 10'000) {
  std::string text;
  std::string space(step, '\0');
  while (text.size() < size) {
    const IoResult got = stream.TryRead(
        space.data(), std::min(space.size(), size - text.size()));
    if (got.would_block()) {
      co_await stream.Readable();
    } else if (got.kind == IoResult::Kind::kBytes) {
      text.append(space, 0, got.bytes);
    } else {
      break;
    }
  }
  co_return text;
}

Task<void> WriteThenTell(Stream* stream, std::string text, absl::Status* status,
                         WakeUp* done) {
  *status = co_await WriteText(*stream, text);
  done->Set();
}

class StreamTest : public testing::TestWithParam<bool> {
 protected:
  // Runs `story` over a connection, under TLS if the parameter says so.
  void Tell(std::function<Task<void>(Ends&)> story) {
    LoopRunner runner;
    runner.Run(TellOnLoop(GetParam(), std::move(story)));
  }

 private:
  static Task<void> TellOnLoop(bool tls,
                               std::function<Task<void>(Ends&)> story) {
    Ends ends = co_await Connect(tls);
    co_await story(ends);
  }
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, StreamTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& info) {
                           return info.param ? "Tls" : "Plain";
                         });

TEST_P(StreamTest, CarriesTextBothWays) {
  Tell([](Ends& ends) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      const absl::Status asked = co_await WriteText(*ends.client, "question");
      EXPECT_TRUE(asked.ok()) << asked;
      const std::string question = co_await ReadText(*ends.server, 8);
      EXPECT_EQ(question, "question");
      const absl::Status answered = co_await WriteText(*ends.server, "answer");
      EXPECT_TRUE(answered.ok()) << answered;
      const std::string answer = co_await ReadText(*ends.client, 6);
      EXPECT_EQ(answer, "answer");
    }
    EXPECT_EQ(ends.client->bytes_written(), 80u);
    EXPECT_EQ(ends.server->bytes_written(), 60u);
  });
}

TEST_P(StreamTest, WritesManyPiecesWithEmptyOnesAmongThem) {
  Tell([](Ends& ends) -> Task<void> {
    const std::string text = Pattern(300'000);
    std::vector<iovec> pieces;
    size_t at = 0;
    for (size_t size = 0; at < text.size(); size = (size * 7 + 3) % 997) {
      const std::string_view piece =
          std::string_view(text).substr(at, size % 5 == 0 ? 0 : size);
      pieces.push_back(ToIovec(piece));
      at += piece.size();
    }
    pieces.push_back(ToIovec(""));
    std::string seen;
    WakeUp done;
    Spawn([](Stream& stream, size_t size, std::string& seen,
             WakeUp& done) -> Task<void> {
      seen = co_await ReadText(stream, size);
      done.Set();
    }(*ends.server, text.size(), seen, done));
    const absl::Status written =
        co_await ends.client->Write(pieces.data(), pieces.size());
    EXPECT_TRUE(written.ok()) << written;
    co_await done.Wait();
    EXPECT_TRUE(seen == text);
    // Nothing at all is written at once.
    iovec none = ToIovec("");
    const absl::Status nothing = co_await ends.client->Write(&none, 1);
    EXPECT_TRUE(nothing.ok());
  });
}

TEST_P(StreamTest, CarriesMuchBothWaysAtOnceToSlowReaders) {
  Tell([](Ends& ends) -> Task<void> {
    const std::string there = Pattern(6'000'000);
    const std::string back = Pattern(5'000'000);
    absl::Status statuses[2];
    WakeUp wrote[2];
    Spawn(WriteThenTell(ends.client.get(), there, &statuses[0], &wrote[0]));
    Spawn(WriteThenTell(ends.server.get(), back, &statuses[1], &wrote[1]));
    for (int i = 0; i < 100; ++i) co_await YieldToLoop();
    EXPECT_LT(ends.client->bytes_written(), there.size()) << "it must wait";
    EXPECT_LT(ends.server->bytes_written(), back.size());
    // In steps that fit no record and no packet.
    const std::string seen_there =
        co_await ReadText(*ends.server, there.size(), 1237);
    EXPECT_TRUE(seen_there == there);
    const std::string seen_back =
        co_await ReadText(*ends.client, back.size(), 777);
    EXPECT_TRUE(seen_back == back);
    for (WakeUp& done : wrote) co_await done.Wait();
    EXPECT_TRUE(statuses[0].ok() && statuses[1].ok());
  });
}

TEST_P(StreamTest, ReadsTheEndBehindTheLastBytes) {
  Tell([](Ends& ends) -> Task<void> {
    const absl::Status written = co_await WriteText(*ends.client, "last");
    EXPECT_TRUE(written.ok());
    ends.client->ShutdownWrite();
    const std::string text = co_await ReadText(*ends.server, 100);
    EXPECT_EQ(text, "last");
    char byte;
    EXPECT_EQ(ends.server->TryRead(&byte, 1).kind, IoResult::Kind::kEnd);
    EXPECT_TRUE(ends.server->hung_up());
    // The other way is still open.
    const absl::Status answered = co_await WriteText(*ends.server, "heard");
    EXPECT_TRUE(answered.ok());
    const std::string heard = co_await ReadText(*ends.client, 5);
    EXPECT_EQ(heard, "heard");
  });
}

TEST_P(StreamTest, AResetIsAnError) {
  Tell([](Ends& ends) -> Task<void> {
    ends.client->Close(/*reset=*/true);
    EXPECT_TRUE(ends.client->closed());
    const std::string text = co_await ReadText(*ends.server, 1);
    EXPECT_EQ(text, "");
    EXPECT_TRUE(absl::IsUnavailable(ends.server->error()));
    const absl::Status written = co_await WriteText(*ends.server, "x");
    EXPECT_FALSE(written.ok());
  });
}

TEST_P(StreamTest, AWriterThatWaitsIsWokenByAReset) {
  Tell([](Ends& ends) -> Task<void> {
    absl::Status status;
    WakeUp done;
    Spawn(WriteThenTell(ends.client.get(), std::string(50'000'000, 'x'),
                        &status, &done));
    co_await YieldToLoop();
    ends.server->Close(/*reset=*/true);
    co_await done.Wait();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  });
}

TEST_P(StreamTest, CloseWakesWhoeverWaits) {
  Tell([](Ends& ends) -> Task<void> {
    absl::Status status;
    WakeUp wrote;
    Spawn(WriteThenTell(ends.client.get(), std::string(50'000'000, 'x'),
                        &status, &wrote));
    std::string text = "none";
    WakeUp read;
    Spawn([](Stream& stream, std::string& text, WakeUp& done) -> Task<void> {
      text = co_await ReadText(stream, 1);
      done.Set();
    }(*ends.client, text, read));
    co_await YieldToLoop();
    ends.client->Close();
    co_await wrote.Wait();
    co_await read.Wait();
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_EQ(text, "");
    const absl::Status late = co_await WriteText(*ends.client, "late");
    EXPECT_TRUE(absl::IsCancelled(late)) << late;
    co_await ends.client->Readable();  // Does not wait.
    ends.client->Close();
  });
}

TEST_P(StreamTest, AReaderCanBeInterrupted) {
  Tell([](Ends& ends) -> Task<void> {
    bool awake = false;
    WakeUp done;
    char byte;
    EXPECT_TRUE(ends.client->TryRead(&byte, 1).would_block());
    Spawn([](Stream& stream, bool& awake, WakeUp& done) -> Task<void> {
      co_await stream.Readable();
      awake = true;
      done.Set();
    }(*ends.client, awake, done));
    for (int i = 0; i < 5; ++i) co_await YieldToLoop();
    EXPECT_FALSE(awake);
    ends.client->InterruptRead();
    co_await done.Wait();
    EXPECT_TRUE(ends.client->TryRead(&byte, 1).would_block());
  });
}

struct Witness final : Stream::Observer {
  void OnUnawaited(bool hung_up) override {
    ++calls;
    left = hung_up;
    changed.Set();
  }
  int calls = 0;
  bool left = false;
  WakeUp changed;
};

TEST_P(StreamTest, TellsTheObserverWhatNobodyAwaits) {
  Tell([](Ends& ends) -> Task<void> {
    char byte;
    EXPECT_TRUE(ends.server->TryRead(&byte, 1).would_block());
    Witness witness;
    ends.server->SetObserver(&witness);
    const absl::Status written = co_await WriteText(*ends.client, "early");
    EXPECT_TRUE(written.ok());
    co_await witness.changed.Wait();
    EXPECT_FALSE(witness.left);
    EXPECT_FALSE(ends.server->hung_up());
    ends.client->Close();
    while (!witness.left) co_await witness.changed.Wait();
    EXPECT_TRUE(ends.server->hung_up());
    ends.server->SetObserver(nullptr);
    const std::string text = co_await ReadText(*ends.server, 100);
    EXPECT_EQ(text, "early");
  });
}

// The most that one turn brought of `size` bytes, whoever sends them.
Task<size_t> ReadByTurns(EventLoop& loop, Stream& stream, size_t size) {
  std::string space(64 * 1024, '\0');
  size_t most = 0;
  size_t in_turn = 0;
  uint64_t turn = loop.turn();
  for (size_t read = 0; read < size;) {
    const IoResult got = stream.TryRead(space.data(), space.size());
    if (got.would_block()) {
      co_await stream.Readable();
      continue;
    }
    EXPECT_EQ(got.kind, IoResult::Kind::kBytes);
    if (got.kind != IoResult::Kind::kBytes) break;
    if (std::exchange(turn, loop.turn()) != loop.turn()) in_turn = 0;
    read += got.bytes;
    in_turn += got.bytes;
    most = std::max(most, in_turn);
  }
  co_return most;
}

TEST_P(StreamTest, ReadsNoMoreThanItsShareInOneTurn) {
  Tell([](Ends& ends) -> Task<void> {
    const std::string text = Pattern(8 << 20);
    absl::Status written;
    WakeUp done;
    Spawn(WriteThenTell(ends.client.get(), text, &written, &done));
    const size_t most = co_await ReadByTurns(*EventLoop::Current(),
                                             *ends.server, text.size());
    co_await done.Wait();
    EXPECT_TRUE(written.ok()) << written;
    EXPECT_LE(most, Stream::kReadBytesPerTurn);
    EXPECT_GT(most, 0u);
  });
}

TEST_P(StreamTest, TellsTheObserverOfWhatItsShareLeft) {
  Tell([](Ends& ends) -> Task<void> {
    const std::string text = Pattern(2 * Stream::kReadsPerTurn);
    const absl::Status written = co_await WriteText(*ends.client, text);
    EXPECT_TRUE(written.ok()) << written;
    co_await ends.server->Readable();
    Witness witness;
    ends.server->SetObserver(&witness);
    size_t read = 0;
    char byte;
    while (read < text.size()) {
      const uint64_t turn = EventLoop::Current()->turn();
      while (ends.server->TryRead(&byte, 1).kind == IoResult::Kind::kBytes) {
        ++read;
      }
      if (read == text.size()) break;
      EXPECT_FALSE(ends.server->readable());
      EXPECT_FALSE(ends.server->KnownDrained());
      co_await witness.changed.Wait();
      EXPECT_GT(EventLoop::Current()->turn(), turn);
    }
    EXPECT_GE(witness.calls, 1);
    ends.server->SetObserver(nullptr);
  });
}

TEST_P(StreamTest, KnowsWhetherAnythingIsLeftToRead) {
  Tell([](Ends& ends) -> Task<void> {
    EXPECT_TRUE(ends.server->KnownDrained());
    const absl::Status written = co_await WriteText(*ends.client, "12345678");
    EXPECT_TRUE(written.ok());
    co_await ends.server->Readable();
    const std::string half = co_await ReadText(*ends.server, 4);
    EXPECT_EQ(half, "1234");
    EXPECT_FALSE(ends.server->KnownDrained());
    const std::string rest = co_await ReadText(*ends.server, 3);
    EXPECT_EQ(rest, "678");  // Asking took the byte: such a stream is dropped.
    EXPECT_TRUE(ends.server->KnownDrained());
  });
}

TEST_P(StreamTest, KnowsItsPeer) {
  Tell([](Ends& ends) -> Task<void> {
    EXPECT_THAT(ends.client->PeerAddress(), HasSubstr("127.0.0.1:"));
    ends.client->Close();
    EXPECT_EQ(ends.client->PeerAddress(), "");
    co_return;
  });
}

Task<void> ConnectToNobody() {
  uint16_t port;
  {
    const ListenAddress address = *BindAddress("127.0.0.1:0");
    port = address.port();
  }
  const std::unique_ptr<Stream> stream = BeginConnect(port);
  const absl::Status status = co_await stream->Connected();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("refused"));
}

TEST(StreamConnectTest, SaysThatNobodyListens) {
  LoopRunner runner;
  runner.Run(ConnectToNobody());
}

Task<void> ChooseProtocol(std::vector<std::string> offered,
                          std::vector<std::string> accepted,
                          std::string chosen) {
  Ends ends = co_await Connect(/*tls=*/false);
  const auto server_tls = ServerTls(Certificates().good(), accepted);
  const auto client_tls = ClientTls(Certificates(), offered);
  absl::Status server_status;
  WakeUp done;
  Spawn(StartServerTls(ends.server.get(), server_tls.get(), &server_status,
                       &done));
  const std::string name = "127.0.0.1";
  const absl::Status status = co_await ends.client->StartTls(*client_tls, name);
  co_await done.Wait();
  EXPECT_EQ(status.ok(), chosen != "refused") << status;
  if (status.ok()) {
    EXPECT_EQ(ends.client->alpn(), chosen);
    EXPECT_EQ(ends.server->alpn(), chosen);
  }
}

TEST(StreamTlsTest, ChoosesTheServersFavouriteProtocol) {
  LoopRunner runner;
  const std::vector<std::string> both = {"http/1.1", "h2"};
  runner.Run(ChooseProtocol(both, {"h2", "http/1.1"}, "h2"));
  runner.Run(ChooseProtocol({"http/1.1"}, {"h2", "http/1.1"}, "http/1.1"));
  runner.Run(ChooseProtocol({}, {"h2"}, ""));
  runner.Run(ChooseProtocol(both, {}, ""));
  runner.Run(ChooseProtocol({"http/1.1"}, {"h2"}, "refused"));
}

// Notes in which turn of the loop the server has done its part.
Task<void> ServeHandshake(Stream* stream, const TlsContext* tls,
                          std::map<uint64_t, int>* by_turn, int* done) {
  const std::string nobody;
  const absl::Status secured = co_await stream->StartTls(*tls, nobody);
  EXPECT_TRUE(secured.ok()) << secured;
  ++(*by_turn)[EventLoop::Current()->turn()];
  ++*done;
}

Task<void> ShakeHands(Stream* stream, const TlsContext* tls) {
  const std::string name = "127.0.0.1";
  const absl::Status secured = co_await stream->StartTls(*tls, name);
  EXPECT_TRUE(secured.ok()) << secured;
}

Task<void> ShakeManyHands() {
  constexpr int kClients = 40;
  constexpr int kPerTurnMax = 2;
  const auto server_tls = ServerTls(Certificates().good());
  const auto client_tls = ClientTls(Certificates());
  std::vector<Ends> ends;
  for (int i = 0; i < kClients; ++i) {
    ends.push_back(co_await Connect(/*tls=*/false));
  }
  std::map<uint64_t, int> by_turn;
  int done = 0;
  for (Ends& one : ends) {
    Spawn(ServeHandshake(one.server.get(), server_tls.get(), &by_turn, &done));
    Spawn(ShakeHands(one.client.get(), client_tls.get()));
  }
  while (done < kClients) co_await YieldToLoop();
  for (const auto& [turn, count] : by_turn) {
    EXPECT_LE(count, kPerTurnMax) << turn;
  }
}

TEST(StreamTlsTest, EachTurnHasFewOfManyHandshakes) {
  LoopRunner runner;
  runner.Run(ShakeManyHands());
}

Task<void> WriteToOneWhoLeft() {
  Ends ends = co_await Connect(/*tls=*/true);
  ends.server->Close(/*reset=*/true);
  // The first write may still succeed; none may raise SIGPIPE.
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(co_await WriteText(*ends.client, "anybody there?"));
    co_await YieldToLoop();
  }
  EXPECT_TRUE(ends.client->hung_up());
}

TEST(StreamTlsTest, WritingToOneWhoLeftRaisesNoSignal) {
  LoopRunner runner;
  runner.Run(WriteToOneWhoLeft());
}

}  // namespace
}  // namespace gateway
