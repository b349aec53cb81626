// PidRecord is what a running gateway says of itself in its PID file: which
// process it is, and where it listens.
//
//   {
//     "pid": 4711,
//     "process_start": "8e1e8885-.../2292215",
//     "started_at": "2026-01-02T03:04:05.678Z",
//     "version": "0.1.0",
//     "port": 9464,
//     "gateway_port": 8080,
//     "grpc_port": 50051,
//     "admin_port": 50052,
//     "operations_port": 9464,
//     "admin_http_port": 50053,
//     "gateway_url": "http://127.0.0.1:8080",
//     "operations_url": "http://127.0.0.1:9464",
//     "grpc_address": "127.0.0.1:50051",
//     "admin_address": "127.0.0.1:50052"
//   }
//
// URLs and addresses are those by which programs on this machine call it, also
// where it listens at one of the machine's others than loopback.
//
// `port` is that of the process's own business, which here is the operations
// listener's. Launchers that know `pid`, `port` and `gateway_port` only find
// what they need, and their files are read here: all but `pid` may be missing,
// and what is not known is skipped.
//
// Thread-safe: plain functions.

#ifndef SERVICE_DISCOVERY_PID_RECORD_H_
#define SERVICE_DISCOVERY_PID_RECORD_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process/process_identity.h"

namespace gateway {

// The content of a PID file. A port that is not there is 0.
struct PidRecord {
  ProcessIdentity process;
  // InfinitePast if it is not known.
  absl::Time started_at = absl::InfinitePast();
  std::string version;
  int port = 0;
  int gateway_port = 0;
  int grpc_port = 0;
  int admin_port = 0;
  int operations_port = 0;
  int admin_http_port = 0;
  int proxy_port = 0;  // For an HTTP proxy, which older launchers fall back to.
  // URLs for programs on this machine, without a slash at their ends. Empty if
  // there is no such listener.
  std::string gateway_url;
  std::string operations_url;
  // The same of listeners that speak gRPC, as `host:port`. Empty as well if an
  // earlier gateway wrote the file: its ports may be at any of the machine's
  // addresses.
  std::string grpc_address;
  std::string admin_address;
};

// Where the gateway listens, each as `host:port`.
struct ListenerAddresses {
  std::string http;
  bool http_is_tls = false;
  std::string operations;
  bool operations_is_tls = false;
  std::string grpc;
  std::string admin;
  std::string admin_http;  // Empty if it is not open.
};

// Makes the record of this process, which listens there, as of `started_at`.
PidRecord MakePidRecord(const ListenerAddresses& addresses,
                        std::string_view version, absl::Time started_at);

// Returns the text of the file.
std::string WritePidRecord(const PidRecord& record);

// Parses the file. INVALID_ARGUMENT says which field is wrong.
absl::StatusOr<PidRecord> ReadPidRecord(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_DISCOVERY_PID_RECORD_H_
