// The memory of connections: input only while a request is incomplete, output only while it is
// unsent, and both together within the group's bound.
#include <algorithm>
#include <cstring>
#include <utility>

#include "server/connection.h"
#include "tollgate/base/assert.h"
#include "tollgate/server/http_server.h"

namespace tollgate::server {
namespace {

constexpr size_t kUsualBytes = kUsualInputBytes + kBodyPaddingBytes;
constexpr size_t kKeptOutputBytesMax = 16 * 1024;

}  // namespace

// Returns null if memory is used up.
std::unique_ptr<char[]> HttpServer::NewUsualBuffer() {
  if (!buffers_.empty()) {
    auto buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
  }
  if (!group_.TakeMemory(kUsualBytes)) return nullptr;
  return std::make_unique_for_overwrite<char[]>(kUsualBytes);
}

// Without memory it takes the reserve. The request is then read, and answered if it is complete.
void HttpServer::TakeBuffer(Connection& connection) {
  connection.input = NewUsualBuffer();
  if (connection.input == nullptr) {
    TG_ASSERT(reserve_ != nullptr);  // the last user has given it back (SettleInput)
    connection.input = std::move(reserve_);
    connection.input_is_reserve = true;
  }
  connection.input_capacity = kUsualInputBytes;
}

void HttpServer::GiveBuffer(Connection& connection) {
  if (connection.input == nullptr) return;
  if (std::exchange(connection.input_is_reserve, false)) {
    reserve_ = std::move(connection.input);
  } else if (connection.input_capacity == kUsualInputBytes && buffers_.size() < kSpareBuffersMax) {
    buffers_.push_back(std::move(connection.input));
  } else {
    connection.input.reset();
    group_.GiveMemory(connection.input_capacity + kBodyPaddingBytes);
  }
  connection.input_capacity = 0;
}

// Makes room to read more of the request at the start of the input. First it drops the framing of
// chunks, then it takes a larger buffer. The parser's limits bound the size: a head, a body and one
// line of the chunked body. The longest such line is a trailer.
HttpServer::Room HttpServer::MakeInputRoom(Connection& connection) {
  connection.input_used =
      connection.parser.DropFraming(connection.input.get(), connection.input_used);
  // With less free space, reads would become smaller and smaller.
  if (connection.input_used <= connection.input_capacity - connection.input_capacity / 4)
    return Room::kMade;
  const size_t most =
      2 * options_.parser.header_bytes_max + options_.parser.body_bytes_max + kUsualInputBytes;
  if (connection.input_capacity >= most) {
    return connection.input_used < connection.input_capacity ? Room::kMade : Room::kTooLarge;
  }
  const size_t capacity = std::min(most, connection.input_capacity * 4);
  if (!group_.TakeMemory(capacity + kBodyPaddingBytes)) return Room::kNoMemory;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity + kBodyPaddingBytes);
  std::memcpy(larger.get(), connection.input.get(), connection.input_used);
  GiveBuffer(connection);
  connection.input = std::move(larger);
  connection.input_capacity = capacity;
  return Room::kMade;
}

// Requests after a large one do not need its buffer.
void HttpServer::ShrinkInput(Connection& connection) {
  if (connection.input_capacity == kUsualInputBytes || connection.input_used > kUsualInputBytes / 2)
    return;
  auto smaller = NewUsualBuffer();
  if (smaller == nullptr) return;
  std::memcpy(smaller.get(), connection.input.get(), connection.input_used);
  GiveBuffer(connection);
  connection.input = std::move(smaller);
  connection.input_capacity = kUsualInputBytes;
}

// The end of a step. Only a part of a request stays in the input, and not in the reserve. All else
// is given back.
void HttpServer::SettleInput(Connection& connection) {
  if (connection.input_used > 0 && connection.reading && connection.input_is_reserve)
    RefuseForMemory(connection);
  if (connection.input_used > 0 && connection.reading) return;
  connection.input_used = 0;
  GiveBuffer(connection);
}

// Call it when all output is sent.
void HttpServer::GiveOutput(Connection& connection) {
  connection.output.clear();
  connection.output_sent = 0;
  const size_t bytes = connection.output.capacity();
  if (bytes == std::string().capacity()) return;
  if (bytes <= kKeptOutputBytesMax && outputs_.size() < kSpareOutputsMax) {
    outputs_.push_back(std::move(connection.output));
  }
  connection.output = std::string();
}

// Takes the memory of unsent answers from the group. Returns false if there was none, and the
// connection has ended.
bool HttpServer::Charge(Connection& connection) {
  size_t bytes = connection.output.empty() ? 0 : connection.output.capacity();
  for (const std::string& text : connection.later) bytes += sizeof(std::string) + text.capacity();
  if (bytes == connection.charged_bytes) return true;
  if (bytes < connection.charged_bytes) {
    group_.GiveMemory(connection.charged_bytes - bytes);
  } else if (!group_.TakeMemory(bytes - connection.charged_bytes)) {
    counters_.memory_full.Add();
    Close(connection);
    return false;
  }
  connection.charged_bytes = bytes;
  return true;
}

}  // namespace tollgate::server
