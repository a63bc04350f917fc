// Connection: one client's socket, buffers, parser and pending answers.
//
// Thread: the server's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tollgate/base/unique_fd.h"
#include "tollgate/http/request_parser.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/server/http_server.h"

namespace tollgate::server {

// What a connection waits for, which decides its time limit.
enum class Waiting : uint8_t { kHeader, kBody, kIdle, kWrite, kLinger, kNone };
inline constexpr size_t kWaitingKinds = 5;  // the kinds that have a limit

// The size of an input buffer without its padding. A larger request gets a larger buffer.
inline constexpr size_t kUsualInputBytes = 4096 - kBodyPaddingBytes;
// What a server keeps for the next requests and answers.
inline constexpr size_t kSpareBuffersMax = 64;
inline constexpr size_t kSpareOutputsMax = 64;

// A request that the handler has, and whose answer is not sent yet.
struct Owed {
  bool answered = false;
  bool head_only = false;
  bool close = false;
  bool http10 = false;
};

// Members: all that one client costs lies together, for the cache and for the memory limit.
struct Connection final : public net::EventHandler {
  Connection(HttpServer& server_in, uint32_t index_in, const http::ParserLimits& limits,
             size_t pipeline_max)
      : server(server_in), index(index_in), parser(limits), owed(pipeline_max + 1) {}
  void OnEvents(uint32_t what) override { server.OnConnectionEvents(index, what); }

  Owed& OwedAt(uint32_t sequence) { return owed[sequence % owed.size()]; }
  uint32_t owed_count() const { return next_sequence - first_sequence; }
  // True if the maximum is owed. The ring has one more place, for a refusal.
  bool owes_most() const { return owed_count() + 1 >= owed.size(); }

  HttpServer& server;
  const uint32_t index;
  uint32_t generation = 0;
  base::UniqueFd fd;
  http::RequestParser parser;

  std::unique_ptr<char[]> input;  // null between requests
  size_t input_capacity = 0;      // without the padding
  size_t input_used = 0;
  bool input_is_reserve = false;  // the buffer is the server's reserve, for this turn
  std::string output;             // has no heap memory while it is empty
  size_t output_sent = 0;
  size_t charged_bytes = 0;  // taken from the group's memory for unsent answers

  std::vector<Owed> owed;          // ring by sequence
  std::vector<std::string> later;  // answers given out of order, by sequence; empty until needed
  uint32_t first_sequence = 0;     // the oldest request whose answer is not in `output`
  uint32_t next_sequence = 0;

  bool in_turn = false;       // its requests are being handled; answers are sent at the end
  bool reading = true;        // false: no further request is read
  bool stalled = false;       // the input may hold requests, but none can be handled now
  bool peer_done = false;     // the client has sent its last byte but may still read
  bool continue_due = false;  // "100 Continue" must follow the pending answers
  bool close_when_sent = false;
  bool linger = false;  // the server closes, so let the client read the answer first
  uint32_t watched = 0;
  size_t drained_bytes = 0;

  Waiting waiting = Waiting::kNone;
  int64_t deadline_ns = 0;
  Connection* previous = nullptr;  // in the list of its kind of waiting
  Connection* next = nullptr;
};

}  // namespace tollgate::server
