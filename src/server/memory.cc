// What connections hold: input only while a request is not whole, output only while it is not sent,
// and of both together no more than the group has.
#include <algorithm>
#include <cstring>
#include <utility>

#include "server/http_server_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::server {
namespace {

constexpr size_t kUsualBytes = kUsualInputBytes + kBodyPaddingBytes;
constexpr size_t kKeptOutputBytesMax = 16 * 1024;

}  // namespace

// Null: there is no memory.
std::unique_ptr<char[]> HttpServer::Impl::NewUsualBuffer() {
  if (!buffers.empty()) {
    auto buffer = std::move(buffers.back());
    buffers.pop_back();
    return buffer;
  }
  if (!group.TakeMemory(kUsualBytes)) return nullptr;
  return std::make_unique_for_overwrite<char[]>(kUsualBytes);
}

// Without memory it is the reserve: the request is read, and if it is whole, answered.
void HttpServer::Impl::TakeBuffer(Connection& it) {
  it.input = NewUsualBuffer();
  if (it.input == nullptr) {
    TG_ASSERT(reserve != nullptr);  // whoever had it last has given it back (SettleInput)
    it.input = std::move(reserve);
    it.input_is_reserve = true;
  }
  it.input_capacity = kUsualInputBytes;
}

void HttpServer::Impl::GiveBuffer(Connection& it) {
  if (it.input == nullptr) return;
  if (std::exchange(it.input_is_reserve, false)) {
    reserve = std::move(it.input);
  } else if (it.input_capacity == kUsualInputBytes && buffers.size() < kSpareBuffersMax) {
    buffers.push_back(std::move(it.input));
  } else {
    it.input.reset();
    group.GiveMemory(it.input_capacity + kBodyPaddingBytes);
  }
  it.input_capacity = 0;
}

// Room to read more of the request that the input begins with: what the framing of chunks took is
// given back first, then a larger buffer is taken. The parser's limits bound it: a head, a body and
// one line of the chunked body, which is a trailer at the longest.
HttpServer::Impl::Room HttpServer::Impl::MakeInputRoom(Connection& it) {
  it.input_used = it.parser.DropFraming(it.input.get(), it.input_used);
  // With less than that, ever smaller pieces would be read.
  if (it.input_used <= it.input_capacity - it.input_capacity / 4) return Room::kMade;
  const size_t most =
      2 * options.parser.header_bytes_max + options.parser.body_bytes_max + kUsualInputBytes;
  if (it.input_capacity >= most) {
    return it.input_used < it.input_capacity ? Room::kMade : Room::kTooLarge;
  }
  const size_t capacity = std::min(most, it.input_capacity * 4);
  if (!group.TakeMemory(capacity + kBodyPaddingBytes)) return Room::kNoMemory;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity + kBodyPaddingBytes);
  std::memcpy(larger.get(), it.input.get(), it.input_used);
  GiveBuffer(it);
  it.input = std::move(larger);
  it.input_capacity = capacity;
  return Room::kMade;
}

// What follows a large request has no need of its buffer.
void HttpServer::Impl::ShrinkInput(Connection& it) {
  if (it.input_capacity == kUsualInputBytes || it.input_used > kUsualInputBytes / 2) return;
  auto smaller = NewUsualBuffer();
  if (smaller == nullptr) return;
  std::memcpy(smaller.get(), it.input.get(), it.input_used);
  GiveBuffer(it);
  it.input = std::move(smaller);
  it.input_capacity = kUsualInputBytes;
}

// At the end of a step: what is not half a request, or is not ours to keep, goes back.
void HttpServer::Impl::SettleInput(Connection& it) {
  if (it.input_used > 0 && it.reading && it.input_is_reserve) RefuseForMemory(it);
  if (it.input_used > 0 && it.reading) return;
  it.input_used = 0;
  GiveBuffer(it);
}

// All of it is sent.
void HttpServer::Impl::GiveOutput(Connection& it) {
  it.output.clear();
  it.output_sent = 0;
  const size_t bytes = it.output.capacity();
  if (bytes == std::string().capacity()) return;
  if (bytes <= kKeptOutputBytesMax && outputs.size() < kSpareOutputsMax) {
    outputs.push_back(std::move(it.output));
  }
  it.output = std::string();
}

// What is kept for a client that does not take it comes out of the group's memory; false: there was
// none, and the connection has ended.
bool HttpServer::Impl::Charge(Connection& it) {
  size_t bytes = it.output.empty() ? 0 : it.output.capacity();
  for (const std::string& text : it.later) bytes += sizeof(std::string) + text.capacity();
  if (bytes == it.charged_bytes) return true;
  if (bytes < it.charged_bytes) {
    group.GiveMemory(it.charged_bytes - bytes);
  } else if (!group.TakeMemory(bytes - it.charged_bytes)) {
    counters.memory_full.Add();
    Close(it);
    return false;
  }
  it.charged_bytes = bytes;
  return true;
}

}  // namespace tollgate::server
